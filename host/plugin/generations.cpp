// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/generations.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace rolesync::plugin {
namespace {

bool is_known(const Generation& generation, const PluginInfo& info) {
  return std::any_of(generation.entries.begin(), generation.entries.end(), [&](const auto& old) {
    return old.info.path == info.path && old.info.sha256 == info.sha256 &&
           old.info.reason == info.reason;
  });
}

void log_changes(const Generation& before, const Generation& after) {
  for (const Generation::Entry& entry : after.entries) {
    const PluginInfo& info = entry.info;
    if (is_known(before, info)) continue;
    if (info.state == PluginState::ready && info.reason.empty()) {
      spdlog::info("plugin loaded name={} version={} path={}", info.name, info.version,
                   info.path.string());
    } else {
      spdlog::warn("plugin {} path={} reason={} message=\"{}\"",
                   info.state == PluginState::ready ? "kept" : "refused", info.path.string(),
                   info.reason, info.detail);
    }
  }
}

}  // namespace

Generations::Generations(const RegistryOptions& options)
    : options_(options), loader_(options), current_(std::make_shared<Generation>()) {}

std::shared_ptr<const Generation> Generations::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

// What could be used before goes on when the file that has taken its place cannot.
Candidate Generations::candidate(const FoundFile& found, const Generation& before) {
  std::shared_ptr<PluginFile> old;
  for (const Generation::Entry& entry : before.entries) {
    const PluginFile& known = *entry.file;
    if (known.path == found.path && known.isolated == found.isolated && !known.error) {
      old = entry.file;
    }
  }
  if (old && old->signature == signature_of(found.path)) return {old, std::nullopt};
  auto loaded = loader_.load(found.path, found.isolated);
  if (loaded->error && old) return {old, loaded->error};
  return {loaded, std::nullopt};
}

bool Generations::scan() {
  const std::lock_guard scanning(scan_mutex_);
  auto before = current();
  std::vector<Candidate> files;
  for (const FoundFile& found : find_files(options_)) files.push_back(candidate(found, *before));
  auto made = make_generation(files, before.get());
  const bool changed = !made->looks_like(*before);
  if (changed) log_changes(*before, *made);
  {
    const std::lock_guard lock(mutex_);
    current_ = std::move(made);
  }
  files.clear();
  before.reset();
  loader_.forget_unused();
  return changed;
}

}  // namespace rolesync::plugin
