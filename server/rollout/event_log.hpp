// SPDX-License-Identifier: Apache-2.0
// Says what happened: into the events table, then to everybody who follows. Any thread.
#pragma once
#include <mutex>
#include <string>

#include "server/http/events.hpp"
#include "server/store/store.hpp"

namespace rolesync::rollout {

struct Happening {
  std::string type;                                   // the types of openapi.yaml's Event
  std::string message;                                // one sentence for people
  std::string node, role, job, task, source, commit;  // empty: not about one
  std::string state, reason;
  std::string request_id;
};

class EventLog {
 public:
  EventLog(store::Store& store, http::EventHub& hub) : store_(store), hub_(hub) {}
  // An event that cannot be stored is logged and told to nobody: it would have no id to resume at.
  void publish(const Happening& happening);

 private:
  store::Store& store_;
  http::EventHub& hub_;
  std::mutex order_;  // ids reach the hub in the order of the table
};

}  // namespace rolesync::rollout
