// SPDX-License-Identifier: Apache-2.0
// Says what happened: into the events table, then to everybody who follows. Owns a thread that
// writes what has come together meanwhile in one transaction, so that nobody waits for the disk to
// tell something, and ten thousand nodes that come online cost few commits. With other servers on
// the database everybody tells everything, in the order of the table. Any thread.
#pragma once
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "server/http/events.hpp"
#include "server/store/events.hpp"
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
  EventLog(store::Store& store, http::EventHub& hub);
  ~EventLog();  // what was published is written
  // Soon written and told, in the order of the calls. An event that cannot be stored is logged and
  // told to nobody: it would have no id to resume at.
  void publish(const Happening& happening);
  // Tells what other servers have written since.
  void follow();

 private:
  void run();
  void write(const std::vector<store::EventRecord>& records);

  store::Store& store_;
  http::EventHub& hub_;
  std::mutex mutex_;
  std::condition_variable arrived_, room_;
  std::vector<store::EventRecord> waiting_;
  bool stopping_ = false;
  std::mutex following_;
  std::int64_t told_ = 0;  // the last one, when there are other servers
  std::thread thread_;
};

}  // namespace rolesync::rollout
