// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/registry.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/plugin/generations.hpp"
#include "host/plugin/keeper.hpp"
#include "host/plugin/options.hpp"
#include "host/plugin/quarantine.hpp"

namespace rolesync::plugin {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds first_retry{100};
constexpr milliseconds cancel_poll{50};

Error missing(std::string_view kind, std::string_view id) {
  return {ErrorKind::not_found, "plugin_missing",
          "there is no plugin for " + std::string(kind) + " " + std::string(id),
          "copy one into a plugin directory; `rolesync plugin list` shows what is there"};
}

Millis wall_clock_now() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::string quarantine_text(const std::optional<Fault>& last) {
  return "it failed three times within ten minutes" +
         (last ? ", at last so: " + last->message : std::string());
}

// Before a plugin that said `transient` is asked again. False: no time is left, or nobody waits.
bool pause(milliseconds length, Clock::time_point deadline, const CancelFlag* cancelled) {
  const auto until = Clock::now() + length;
  if (until >= deadline) return false;
  while (Clock::now() < until) {
    if (cancelled && cancelled->load()) return false;
    std::this_thread::sleep_for(std::min<Clock::duration>(cancel_poll, until - Clock::now()));
  }
  return true;
}

}  // namespace

struct Registry::State {
  explicit State(RegistryOptions given)
      : options(std::move(given)),
        generations(options),
        keeper({[this] { scan(); }, [this] { return tidy_children(); },
                watched_directories(options), options.rescan_interval, options.child_idle_limit}) {}

  void scan() {
    if (generations.scan()) tell();
  }

  // True while children wait for their next call.
  bool tidy_children() {
    const auto old = Clock::now() - options.child_idle_limit;
    const auto generation = generations.current();  // held: a scan may put another one in its place
    bool children = false;
    for (const Generation::Entry& entry : generation->entries) {
      if (!entry.file->isolated) continue;
      for (const auto& provider : entry.file->providers) children |= provider->tidy(old);
    }
    return children;
  }

  void record_fault(PluginFile& file, const Error& error) {
    ++file.faults;
    spdlog::warn("plugin fault path={} reason={} message=\"{}\"", file.path.string(), error.reason,
                 error.message);
    if (quarantine.record_fault(file.sha256, {error.reason, error.message, wall_clock_now()})) {
      spdlog::error("plugin quarantined path={} sha256={}", file.path.string(), file.sha256);
      tell();
    }
  }

  void tell() {
    std::function<void()> callback;
    {
      const std::lock_guard lock(callback_mutex);
      callback = on_change;
    }
    if (callback) callback();
  }

  const RegistryOptions options;
  Generations generations;
  Quarantine quarantine;
  std::mutex callback_mutex;
  std::function<void()> on_change;
  Keeper keeper;  // last: its thread uses the others
};

const char* to_word(PluginState state) {
  switch (state) {
    case PluginState::ready:
      return "ready";
    case PluginState::failed:
      return "failed";
    case PluginState::quarantined:
      return "quarantined";
  }
  return "failed";
}

Registry::Registry(RegistryOptions options) : state_(std::make_unique<State>(std::move(options))) {
  state_->scan();
  state_->keeper.start();
}

Registry::~Registry() = default;

void Registry::start_watching() {
  state_->keeper.start_watching();
  state_->scan();  // what came between the last look and the watch
}

void Registry::rescan() {
  state_->scan();
}

Result<Json> Registry::call(std::string_view kind, std::string_view id, std::string_view method,
                            const Json& request, const CallOptions& options) {
  const auto generation = state_->generations.current();
  const auto found = generation->served.find({std::string(kind), std::string(id)});
  if (found == generation->served.end()) return missing(kind, id);
  const auto& [file, provider] = found->second;
  if (state_->quarantine.holds(file->sha256)) {
    return Error{ErrorKind::unavailable, "plugin_quarantined",
                 file->path.string() + " is quarantined: " +
                     quarantine_text(state_->quarantine.last_fault(file->sha256)),
                 "replace the file by a repaired one, or lift it with `rolesync plugin "
                 "unquarantine`"};
  }
  const auto deadline = provider->deadline(method, options);
  auto wait = first_retry;
  for (int attempt = 1;; ++attempt, wait *= 2) {
    ++file->calls;
    bool fault = false;
    Result<Json> result = provider->call(method, request, options, deadline, fault);
    if (result) return result;
    if (fault) state_->record_fault(*file, result.error());
    const bool transient = !fault && result.error().kind == ErrorKind::unavailable;
    if (!transient || attempt >= options.attempts) return result;
    if (!pause(wait, deadline, options.cancelled)) return result;
  }
}

bool Registry::has(std::string_view kind, std::string_view id) const {
  return find(kind, id).has_value();
}

std::optional<Provided> Registry::find(std::string_view kind, std::string_view id) const {
  const auto generation = state_->generations.current();
  const auto found = generation->served.find({std::string(kind), std::string(id)});
  if (found == generation->served.end()) return std::nullopt;
  return found->second.provider->provided();
}

std::vector<Provided> Registry::provided(std::string_view kind) const {
  std::vector<Provided> all;
  const auto generation = state_->generations.current();
  for (const auto& [id, served] : generation->served) {
    if (id.first == kind) all.push_back(served.provider->provided());
  }
  return all;
}

std::vector<PluginInfo> Registry::plugins() const {
  std::vector<PluginInfo> all;
  const auto generation = state_->generations.current();
  for (const Generation::Entry& entry : generation->entries) {
    PluginInfo info = entry.info;
    info.calls = entry.file->calls;
    info.faults = entry.file->faults;
    info.last_fault = state_->quarantine.last_fault(info.sha256);
    if (info.state == PluginState::ready && state_->quarantine.holds(info.sha256)) {
      info.state = PluginState::quarantined;
      info.reason = "plugin_quarantined";
      info.detail = quarantine_text(info.last_fault);
    }
    all.push_back(std::move(info));
  }
  return all;
}

Status Registry::check_options(std::string_view kind, std::string_view id,
                               const Json& options) const {
  const auto provided = find(kind, id);
  if (!provided) return missing(kind, id);
  const Result<Json> schema = parse_json(provided->options_schema);
  if (!schema) return schema.error();
  return plugin::check_options(*schema, options);
}

Result<Json> Registry::complete_options(std::string_view kind, std::string_view id,
                                        const Json& options) const {
  const auto provided = find(kind, id);
  if (!provided) return missing(kind, id);
  const Result<Json> schema = parse_json(provided->options_schema);
  if (!schema) return schema.error();
  if (Status fits = plugin::check_options(*schema, options); !fits) return fits.error();
  return with_defaults(*schema, options);
}

bool Registry::is_isolated(std::string_view kind, std::string_view id) const {
  const auto generation = state_->generations.current();
  const auto found = generation->served.find({std::string(kind), std::string(id)});
  return found != generation->served.end() && found->second.file->isolated;
}

std::string Registry::content_of(std::string_view kind, std::string_view id) const {
  const auto generation = state_->generations.current();
  const auto found = generation->served.find({std::string(kind), std::string(id)});
  return found == generation->served.end() ? "" : found->second.file->sha256;
}

Status Registry::unquarantine(std::string_view name_or_sha256) {
  bool known = false, lifted = false;
  for (const PluginInfo& info : plugins()) {
    if (info.sha256.empty() || (info.name != name_or_sha256 && info.sha256 != name_or_sha256)) {
      continue;
    }
    known = true;
    if (!state_->quarantine.lift(info.sha256)) continue;
    lifted = true;
    spdlog::info("plugin unquarantined path={} sha256={}", info.path.string(), info.sha256);
  }
  const std::string name(name_or_sha256);
  if (!known) {
    return Error{ErrorKind::not_found, "plugin_missing", "there is no plugin " + name,
                 "`rolesync plugin list` shows what is there"};
  }
  if (!lifted) {
    return Error{ErrorKind::conflict, "not_quarantined", "plugin " + name + " is not quarantined",
                 "`rolesync plugin show` says in which state it is"};
  }
  state_->tell();
  return {};
}

void Registry::on_change(std::function<void()> callback) {
  const std::lock_guard lock(state_->callback_mutex);
  state_->on_change = std::move(callback);
}

}  // namespace rolesync::plugin
