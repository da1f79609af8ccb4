// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/inquiries.hpp"

#include <nlohmann/json.hpp>

#include "host/values/framed_text.hpp"
#include "host/values/secret.hpp"
#include "server/rollout/wall_clock.hpp"

namespace rolesync::rollout {
namespace {

Error unknown_inquiry(const std::string& id) {
  return {ErrorKind::not_found, "unknown_inquiry", "nobody waits for an answer to " + id, ""};
}

std::string text(const Json& object, const char* field) {
  const auto it = object.find(field);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

// What the node could not do, as its own error.
Result<Inquiries::Text> checked(const std::string& node, Inquiries::Text answer) {
  const auto parsed = parse_framed(*answer);
  if (!parsed) {
    return Error{ErrorKind::failed, "protocol_error",
                 "node " + node + " answered what is not understood: " + parsed.error().message,
                 "look at the versions of server and agent"};
  }
  const auto error = parsed->header->find("error");
  if (error == parsed->header->end()) return answer;
  return Error{ErrorKind::conflict, text(*error, "reason"),
               "node " + node + ": " + text(*error, "message"), text(*error, "hint")};
}

}  // namespace

Status Inquiries::ask(const Asked& asked, Done done) {
  const std::string id = new_id("inq");
  store::CommandRecord command;
  command.id = new_id("cmd");
  command.node = asked.node;
  command.boot_id = asked.boot_id;
  command.kind = "inquire";
  command.payload = to_text({{"inquiry_id", id}});
  command.request_id = asked.request_id;
  {
    const std::lock_guard lock(mutex_);
    if (open_.size() >= limits_.open) {
      return Error{ErrorKind::unavailable, "too_many_inquiries",
                   std::to_string(open_.size()) + " questions to nodes are open already",
                   "wait until they are answered"};
    }
    open_[id] = {asked.node, command.id, asked.question, std::move(done), now_millis(), 0, false};
  }
  Status given = commands_.give(std::move(command));
  if (given) return given;
  const std::lock_guard lock(mutex_);
  open_.erase(id);
  return given;
}

Result<Inquiries::Text> Inquiries::question(const std::string& node, const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto it = open_.find(id);
  if (it == open_.end() || it->second.node != node) return unknown_inquiry(id);
  it->second.fetched = true;
  return it->second.question;
}

Status Inquiries::answer(const std::string& node, const std::string& id, std::string text) {
  Done done;
  {
    const std::lock_guard lock(mutex_);
    const auto it = open_.find(id);
    if (it == open_.end() || it->second.node != node) return unknown_inquiry(id);
    done = std::move(it->second.done);
    open_.erase(it);
  }
  done(checked(node, std::make_shared<const std::string>(std::move(text))));
  return {};
}

std::optional<Error> Inquiries::overdue(Open& open, Millis now) {
  if (now - open.asked_at > limits_.answered) {
    return Error{ErrorKind::timeout, "inquiry_timed_out",
                 "node " + open.node + " has not finished its look in time",
                 "see its agent's log; very large trees may take long"};
  }
  if (open.fetched) return std::nullopt;
  if (open.taken_at == 0 && !commands_.is_open(open.node, open.command_id)) open.taken_at = now;
  if (open.taken_at == 0 && now - open.asked_at > limits_.taken) {
    return Error{ErrorKind::unavailable, "node_silent", "node " + open.node + " does not react",
                 "check that its agent runs"};
  }
  if (open.taken_at != 0 && now - open.taken_at > limits_.fetched) {
    return Error{ErrorKind::conflict, "node_too_old",
                 "the agent of node " + open.node + " does not know such questions",
                 "update the agent"};
  }
  return std::nullopt;
}

void Inquiries::tick(Millis now) {
  std::vector<std::pair<Done, Error>> ended;
  {
    const std::lock_guard lock(mutex_);
    for (auto it = open_.begin(); it != open_.end();) {
      auto error = overdue(it->second, now);
      if (!error) {
        ++it;
        continue;
      }
      ended.emplace_back(std::move(it->second.done), std::move(*error));
      it = open_.erase(it);
    }
  }
  for (auto& [done, error] : ended) done(std::move(error));
}

void Inquiries::end_all() {
  std::map<std::string, Open> open;
  {
    const std::lock_guard lock(mutex_);
    open.swap(open_);
  }
  for (auto& [id, each] : open) {
    each.done(Error{ErrorKind::unavailable, "server_stopping", "the server is stopping",
                    "try again when it is back"});
  }
}

}  // namespace rolesync::rollout
