// SPDX-License-Identifier: Apache-2.0
// Questions to nodes and their answers, for as long as somebody waits: a command names the
// question, the node fetches it, does what it takes, and sends the answer. In memory only; whoever
// asked asks again after a restart. Any thread.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "host/values/timestamp.hpp"
#include "server/rollout/commands.hpp"

namespace rolesync::rollout {

class Inquiries {
 public:
  struct Limits {
    Millis taken = 40'000;      // until the node has taken the command
    Millis fetched = 30'000;    // and then until it asks for the question
    Millis answered = 600'000;  // all in all
    std::size_t open = 200;
  };
  explicit Inquiries(Commands& commands) : Inquiries(commands, Limits{}) {}
  Inquiries(Commands& commands, Limits limits) : commands_(commands), limits_(limits) {}

  // Both are framed texts (host/values/framed_text.hpp).
  using Text = std::shared_ptr<const std::string>;
  // Called once, on the thread that brings the answer or lets time pass. Errors: unavailable/
  // node_silent, conflict/node_too_old, timeout/inquiry_timed_out, unavailable/server_stopping, and
  // what the node says, with its own reason.
  using Done = std::function<void(Result<Text> answer)>;
  struct Asked {
    std::string node, boot_id, request_id;
    Text question;
  };
  // Errors: unavailable/too_many_inquiries; then `done` is not called.
  Status ask(const Asked& asked, Done done);

  // For the node. Errors: not_found/unknown_inquiry.
  Result<Text> question(const std::string& node, const std::string& id);
  Status answer(const std::string& node, const std::string& id, std::string text);

  void tick(Millis now);
  void end_all();  // the server stops

 private:
  struct Open {
    std::string node, command_id;
    Text question;
    Done done;
    Millis asked_at = 0, taken_at = 0;
    bool fetched = false;
  };
  std::optional<Error> overdue(Open& open, Millis now);

  Commands& commands_;
  const Limits limits_;
  std::mutex mutex_;
  std::map<std::string, Open> open_;
};

}  // namespace rolesync::rollout
