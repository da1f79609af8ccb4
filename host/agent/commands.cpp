// SPDX-License-Identifier: Apache-2.0
#include "host/agent/commands.hpp"

#include <nlohmann/json.hpp>

#include "host/agent/log.hpp"
#include "host/agent/source_server.hpp"
#include "host/services/durable_file.hpp"

namespace rolesync::agent {
namespace {

constexpr std::size_t kRemembered = 2000;

std::string text(const Json& object, const char* key) {
  if (!object.is_object()) return "";
  auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

}  // namespace

Commands::Commands(const AgentConfig& config, ServerLink& link, Tasks& tasks, Callbacks callbacks,
                   Rotation& rotation)
    : config_(config),
      link_(link),
      tasks_(tasks),
      callbacks_(std::move(callbacks)),
      rotation_(rotation),
      file_(config.state_dir + "/commands.json") {
  load();
}

Commands::~Commands() {
  stop();
}

void Commands::stop() {
  stopping_ = true;
  sources_.stop();
  std::lock_guard lock(mutex_);
  if (rotations_) rotations_->stop();
}

void Commands::finish_rotation() {
  if (!rotation_.is_pending()) return;
  std::lock_guard lock(mutex_);
  if (!rotations_) rotations_ = std::make_unique<KeyedWorkers>("rotation", 1);
  if (stopping_) rotations_->stop();
  rotations_->add("credential", [this] { rotation_.finish(); });
}

void Commands::load() {
  Result<std::optional<std::string>> stored = read_if_there(file_);
  if (!stored || !stored->has_value()) return;
  Result<Json> list = parse_json(**stored);
  if (!list || !list->is_array()) return;
  for (const Json& id : *list) {
    if (id.is_string() && known_.insert(id.get<std::string>()).second) {
      order_.push_back(id.get<std::string>());
    }
  }
}

bool Commands::is_known(const std::string& id) const {
  std::lock_guard lock(mutex_);
  return known_.count(id) > 0;
}

void Commands::remember(const std::string& id) {
  std::lock_guard lock(mutex_);
  known_.insert(id);
  order_.push_back(id);
  while (order_.size() > kRemembered) {
    known_.erase(order_.front());
    order_.pop_front();
  }
  if (Status written = write_durably(file_, to_text(Json(order_))); !written) {
    log_event(LogLevel::error, "commands.unwritable", {{"detail", written.error().text()}});
  }
}

bool Commands::take(const Json& list) {
  if (!list.is_array()) return false;
  bool any_new = false;
  for (const Json& command : list) {
    const std::string id = text(command, "id");
    if (id.empty()) {
      log_event(LogLevel::error, "command.refused", {{"detail", "a command without an id"}});
      continue;
    }
    // First the act, which leaves its own durable record, then the memory of its id: a death in
    // between repeats the act, and every act knows its repetition.
    if (!is_known(id)) {
      act(id, command);
      remember(id);
      any_new = true;
    }
    std::lock_guard lock(mutex_);
    unacknowledged_.insert(id);
  }
  return any_new;
}

void Commands::act(const std::string& id, const Json& command) {
  const std::string kind = text(command, "kind");
  const auto fence_field = command.find("fence");
  const std::uint64_t fence = fence_field != command.end() && fence_field->is_number_unsigned()
                                  ? fence_field->get<std::uint64_t>()
                                  : 0;
  const auto found = command.find("payload");
  const Json payload = found == command.end() ? Json::object() : *found;
  log_event(LogLevel::info, "command.taken",
            {{"command", id}, {"kind", kind}, {"task", text(payload, "task_id")}});
  if (kind == "stage") {
    tasks_.stage(payload, fence);
  } else if (kind == "activate") {
    tasks_.activate(text(payload, "task_id"), fence);
  } else if (kind == "cancel") {
    tasks_.cancel(text(payload, "task_id"), fence);
  } else if (kind == "control") {
    tasks_.control(payload, fence);
  } else if (kind == "serve_source") {
    serve_source(payload);
  } else if (kind == "refresh") {
    callbacks_.refresh();
  } else if (kind == "inquire") {
    callbacks_.inquire(text(payload, "inquiry_id"));
  } else if (kind == "rotate_credential") {
    Status begun = rotation_.begin();
    if (!begun) {
      log_event(LogLevel::error, "command.refused",
                {{"command", id}, {"detail", begun.error().text()}});
    }
    finish_rotation();
  } else if (kind == "unquarantine") {
    const Status lifted = callbacks_.unquarantine(text(payload, "plugin"));
    if (!lifted) {
      log_event(
          LogLevel::warning, "command.refused",
          {{"command", id}, {"reason", lifted.error().reason}, {"detail", lifted.error().text()}});
    }
  } else {
    log_event(LogLevel::error, "command.refused",
              {{"command", id}, {"detail", "commands of kind '" + kind + "' are not known"}});
  }
}

void Commands::serve_source(const Json& payload) {
  const std::string stream = text(payload, "stream_id");
  const std::string repository = text(payload, "repository");
  sources_.add(stream, [this, stream, repository] {
    Status served = agent::serve_source(config_, link_, stream, repository, stopping_);
    log_event(served ? LogLevel::info : LogLevel::error, "source.served",
              {{"stream", stream},
               {"repository", repository},
               {"detail", served ? "" : served.error().text()}});
  });
}

std::vector<std::string> Commands::to_acknowledge() const {
  std::lock_guard lock(mutex_);
  return {unacknowledged_.begin(), unacknowledged_.end()};
}

void Commands::confirm(const std::vector<std::string>& ids) {
  std::lock_guard lock(mutex_);
  for (const std::string& id : ids) unacknowledged_.erase(id);
}

}  // namespace rolesync::agent
