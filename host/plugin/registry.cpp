// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/registry.hpp"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "host/plugin/directory_watch.hpp"
#include "host/plugin/generation.hpp"
#include "host/plugin/options.hpp"
#include "host/plugin/plugin_file.hpp"
#include "host/plugin/quarantine.hpp"
#include "host/process/unique_fd.hpp"

namespace rolesync::plugin {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::array<const char*, 4> kind_directories = {"role", "detector", "deployer",
                                                         "restart_strategy"};
constexpr milliseconds quiet_time{60};       // no event for this long: writing is over
constexpr milliseconds longest_wait{1'000};  // look anyway when events do not end

Error missing(std::string_view kind, std::string_view id) {
  return {ErrorKind::not_found, "plugin_missing",
          "there is no plugin for " + std::string(kind) + " " + std::string(id),
          "copy one into a plugin directory; `rolesync plugin list` shows what is there"};
}

}  // namespace

struct Registry::State {
  explicit State(RegistryOptions given)
      : options(std::move(given)),
        loader(options.private_directory, options.plugin_host_program),
        generation(std::make_shared<Generation>()),
        wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  std::shared_ptr<const Generation> current() const {
    const std::lock_guard lock(generation_mutex);
    return generation;
  }

  std::vector<fs::path> directories() const {
    std::vector<fs::path> all = options.packaged_directories;
    all.insert(all.end(), options.drop_in_directories.begin(), options.drop_in_directories.end());
    for (std::size_t i = all.size(); i-- > 0;) {
      for (const char* kind : kind_directories) all.push_back(all[i] / kind);
    }
    return all;
  }

  // Files of one plugin directory and its kinds, in a stable order.
  static std::vector<fs::path> files_in(const fs::path& directory) {
    std::vector<fs::path> files;
    const auto collect = [&](const fs::path& where) {
      std::error_code error;
      std::set<fs::path> sorted;
      for (fs::directory_iterator it(where, error), end; !error && it != end; it.increment(error)) {
        if (it->path().extension() == ".so") sorted.insert(it->path());
      }
      files.insert(files.end(), sorted.begin(), sorted.end());
    };
    collect(directory);
    for (const char* kind : kind_directories) collect(directory / kind);
    return files;
  }

  std::shared_ptr<PluginFile> load(const fs::path& path, bool isolated, const Generation& before) {
    for (const Generation::Entry& entry : before.entries) {
      const PluginFile& known = *entry.file;
      if (known.path == path && known.isolated == isolated && !known.error &&
          known.signature == signature_of(path)) {
        return entry.file;
      }
    }
    return loader.load(path, isolated);
  }

  void scan() {
    bool changed = false;
    {
      const std::lock_guard scanning(scan_mutex);
      const auto before = current();
      std::vector<std::shared_ptr<PluginFile>> files;
      const auto add = [&](const std::vector<fs::path>& roots, bool isolated) {
        for (const fs::path& root : roots) {
          for (const fs::path& path : files_in(fs::absolute(root))) {
            files.push_back(load(path, isolated, *before));
          }
        }
      };
      add(options.packaged_directories, false);
      add(options.drop_in_directories, true);
      auto made = make_generation(std::move(files), before.get());
      changed = !made->looks_like(*before);
      if (changed) log_changes(*before, *made);
      const std::lock_guard lock(generation_mutex);
      generation = std::move(made);
    }
    forget_unused();
    if (!changed) return;
    std::function<void()> callback;
    {
      const std::lock_guard lock(callback_mutex);
      callback = on_change;
    }
    if (callback) callback();
  }

  void forget_unused() {
    const std::lock_guard scanning(scan_mutex);
    loader.forget_unused();
  }

  static void log_changes(const Generation& before, const Generation& after) {
    for (const Generation::Entry& entry : after.entries) {
      const bool known = std::any_of(
          before.entries.begin(), before.entries.end(), [&](const Generation::Entry& old) {
            return old.info.path == entry.info.path && old.info.sha256 == entry.info.sha256 &&
                   old.info.reason == entry.info.reason;
          });
      if (known) continue;
      if (entry.info.state == PluginState::ready) {
        spdlog::info("plugin loaded name={} version={} path={}", entry.info.name,
                     entry.info.version, entry.info.path.string());
      } else {
        spdlog::warn("plugin refused path={} reason={} {}", entry.info.path.string(),
                     entry.info.reason, entry.info.detail);
      }
    }
  }

  void keep() {
    auto next_scan = Clock::now() + options.rescan_interval;
    while (!stopping) {
      if (watching) {
        for (const fs::path& directory : directories()) watch.add(directory);
      }
      const auto nap =
          std::min<milliseconds>(options.rescan_interval, options.child_idle_limit / 2);
      const bool events = wait_for_events(std::max(nap, milliseconds(10)));
      if (stopping) return;
      if (watching && (events || Clock::now() >= next_scan)) {
        scan();
        next_scan = Clock::now() + options.rescan_interval;
      }
      end_idle_children();
    }
  }

  // True when the directories changed; events are gathered until they pause.
  bool wait_for_events(milliseconds nap) {
    std::array<pollfd, 2> fds{{{wake.get(), POLLIN, 0}, {watching ? watch.fd() : -1, POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), static_cast<int>(nap.count()));
    if (fds[0].revents) {
      std::uint64_t count;
      (void)!::read(wake.get(), &count, sizeof count);
    }
    if (!fds[1].revents || !watch.drain()) return false;
    const auto until = Clock::now() + longest_wait;
    while (!stopping && Clock::now() < until) {
      if (::poll(fds.data(), fds.size(), static_cast<int>(quiet_time.count())) == 0) break;
      if (fds[0].revents) break;
      watch.drain();
    }
    return true;
  }

  void end_idle_children() {
    const auto old = Clock::now() - options.child_idle_limit;
    const auto generation = current();  // held: a scan may put another one in its place
    for (const Generation::Entry& entry : generation->entries) {
      if (!entry.file->isolated) continue;
      for (const auto& provider : entry.file->providers) provider->drop_idle_since(old);
    }
  }

  void wake_keeper() {
    const std::uint64_t one = 1;
    (void)!::write(wake.get(), &one, sizeof one);
  }

  const RegistryOptions options;
  std::mutex scan_mutex;  // one scan at a time; taken before the others
  Loader loader;
  mutable std::mutex generation_mutex;
  std::shared_ptr<const Generation> generation;
  Quarantine quarantine;
  std::mutex callback_mutex;
  std::function<void()> on_change;

  DirectoryWatch watch;
  UniqueFd wake;
  std::atomic<bool> watching{false}, stopping{false};
  std::thread keeper;
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
  state_->keeper = std::thread([state = state_.get()] { state->keep(); });
}

Registry::~Registry() {
  state_->stopping = true;
  state_->wake_keeper();
  state_->keeper.join();
}

void Registry::start_watching() {
  for (const fs::path& directory : state_->directories()) state_->watch.add(directory);
  state_->watching = true;
  state_->wake_keeper();
  state_->scan();  // what came between the last look and the watch
}

void Registry::rescan() {
  state_->scan();
}

Result<Json> Registry::call(std::string_view kind, std::string_view id, std::string_view method,
                            const Json& request, const CallOptions& options) {
  const auto generation = state_->current();
  const auto found = generation->served.find({std::string(kind), std::string(id)});
  if (found == generation->served.end()) return missing(kind, id);
  const auto& [file, provider] = found->second;
  if (state_->quarantine.holds(file->sha256)) {
    return Error{ErrorKind::unavailable, "plugin_quarantined",
                 file->path.string() + " failed three times within ten minutes",
                 "replace the file by a repaired one, or restart this process to try again"};
  }
  ++file->calls;
  bool fault = false;
  Result<Json> result = provider->call(method, request, options, fault);
  if (fault) {
    ++file->faults;
    spdlog::warn("plugin fault path={} {}", file->path.string(), result.error().message);
    if (state_->quarantine.record_fault(file->sha256)) {
      spdlog::error("plugin quarantined path={} sha256={}", file->path.string(), file->sha256);
    }
  }
  return result;
}

bool Registry::has(std::string_view kind, std::string_view id) const {
  return find(kind, id).has_value();
}

std::optional<Provided> Registry::find(std::string_view kind, std::string_view id) const {
  const auto generation = state_->current();
  const auto found = generation->served.find({std::string(kind), std::string(id)});
  if (found == generation->served.end()) return std::nullopt;
  return found->second.provider->provided();
}

std::vector<Provided> Registry::provided(std::string_view kind) const {
  std::vector<Provided> all;
  const auto generation = state_->current();
  for (const auto& [id, served] : generation->served) {
    if (id.first == kind) all.push_back(served.provider->provided());
  }
  return all;
}

std::vector<PluginInfo> Registry::plugins() const {
  std::vector<PluginInfo> all;
  const auto generation = state_->current();
  for (const Generation::Entry& entry : generation->entries) {
    PluginInfo info = entry.info;
    info.calls = entry.file->calls;
    info.faults = entry.file->faults;
    if (info.state == PluginState::ready && state_->quarantine.holds(info.sha256)) {
      info.state = PluginState::quarantined;
      info.reason = "plugin_quarantined";
      info.detail = "it failed three times within ten minutes; replace it";
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

void Registry::on_change(std::function<void()> callback) {
  const std::lock_guard lock(state_->callback_mutex);
  state_->on_change = std::move(callback);
}

}  // namespace rolesync::plugin
