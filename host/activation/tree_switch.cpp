// SPDX-License-Identifier: Apache-2.0
#include "host/activation/tree_switch.hpp"

namespace rolesync {
namespace {

// From here on one syncfs is cheaper than an fsync per directory.
constexpr std::size_t kManyDirectories = 64;

bool is_nothing_there(const Error& error) {
  return error.reason == "enoent" || error.reason == "enotdir" || error.reason == "eloop";
}

}  // namespace

TreeSwitch::TreeSwitch(FileSystem& fs, const StateDirectory& state, std::string root,
                       std::string target, Owner owner)
    : fs_(fs), state_(state), root_(std::move(root)), target_(std::move(target)), owner_(owner) {
  touched_.insert(state_.staging());
}

Status TreeSwitch::run(const std::vector<SwitchStep>& steps) {
  for (const SwitchStep& step : steps) {
    if (Status status = step.next ? put(step) : clear(step); !status) return status;
  }
  return {};
}

Status TreeSwitch::resume(const std::vector<SwitchStep>& steps) {
  for (const SwitchStep& step : steps) {
    if (!step.next) {
      const auto displaced = look(fs_, state_.slot(step.slot));
      if (!displaced) return displaced.error();
      touch_parent(live(step.path));
      if (*displaced) continue;
      if (Status status = clear(step); !status) return status;
      continue;
    }
    const Result<MaybeFile> there = identify(fs_, live(step.path));
    if (there && *there == step.next) {
      touch_parent(live(step.path));
      continue;
    }
    const Result<MaybeFile> staged = identify(fs_, state_.slot(step.slot));
    if (!staged) return staged.error();
    if (*staged != step.next) {
      return Error{ErrorKind::failed, "staged_file_missing",
                   "the staged file for " + step.path + " is gone or has other bytes"};
    }
    if (Status status = put(step); !status) return status;
  }
  return {};
}

// Whether something is in the way is known only by trying: nobody locks the tree for us.
Status TreeSwitch::put(const SwitchStep& step) {
  const std::string slot = state_.slot(step.slot);
  const std::string path = live(step.path);
  bool occupied = step.old.has_value();
  Status status;
  for (int attempt = 0; attempt < 4; ++attempt) {
    status = occupied ? fs_.exchange(slot, path) : fs_.rename_new(slot, path);
    if (status) {
      touch_parent(path);
      return {};
    }
    if (status.error().reason == "eexist") {
      occupied = true;
    } else if (status.error().reason == "enoent") {
      occupied = false;
      if (Status made = make_parents(step.path); !made) return made;
    } else {
      return status;
    }
  }
  return status;
}

Status TreeSwitch::clear(const SwitchStep& step) {
  const std::string path = live(step.path);
  const auto found = look(fs_, path);
  if (!found) return is_nothing_there(found.error()) ? Status() : found.error();
  // A directory where our file was is not ours.
  if (!*found || (*found)->type == FileType::directory) return {};
  const Status moved = fs_.rename_new(path, state_.slot(step.slot));
  if (!moved) return is_nothing_there(moved.error()) ? Status() : moved;
  touch_parent(path);
  return {};
}

Status TreeSwitch::undo(const std::vector<SwitchStep>& steps, const Manifest& before) {
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    Status status = step->next ? undo_put(*step, before) : undo_clear(*step);
    if (!status) return status;
  }
  return {};
}

Status TreeSwitch::undo_put(const SwitchStep& step, const Manifest& before) {
  const std::string path = live(step.path);
  const std::string slot = state_.slot(step.slot);
  const Result<MaybeFile> there = identify(fs_, path);
  if (!there) return is_nothing_there(there.error()) ? Status() : there.error();
  if (*there != step.next) return {};
  const auto displaced = look(fs_, slot);
  if (!displaced) return displaced.error();
  touch_parent(path);
  if (!*displaced) {
    if (Status status = fs_.rename_new(path, slot); !status) return status;
    prune_above(step.path, before);
    return {};
  }
  const Result<MaybeFile> staged = identify(fs_, slot);
  if (!staged) return staged.error();
  return *staged == step.next ? Status() : fs_.exchange(slot, path);
}

// If something stands there again by now, it goes into the slot, from where it will be saved.
Status TreeSwitch::undo_clear(const SwitchStep& step) {
  const std::string slot = state_.slot(step.slot);
  const std::string path = live(step.path);
  const auto displaced = look(fs_, slot);
  if (!displaced || !*displaced) return displaced ? Status() : displaced.error();
  Status status;
  bool occupied = false;
  for (int attempt = 0; attempt < 4; ++attempt) {
    status = occupied ? fs_.exchange(slot, path) : fs_.rename_new(slot, path);
    if (status) break;
    occupied = status.error().reason == "eexist";
    if (!occupied && status.error().reason != "enoent") break;
    if (occupied) continue;
    if (Status made = make_parents(step.path); !made) return made;
  }
  touch_parent(path);
  return status;
}

Status TreeSwitch::make_parents(const std::string& path) {
  const std::string absolute = live(path);
  for (std::size_t slash = absolute.find('/', root_.size() + 1); slash != std::string::npos;
       slash = absolute.find('/', slash + 1)) {
    if (Status status = make_one(absolute.substr(0, slash)); !status) return status;
  }
  return {};
}

Status TreeSwitch::make_one(const std::string& directory) {
  if (present_.contains(directory)) return {};
  const auto found = look(fs_, directory);
  if (!found) return found.error();
  if (!*found) {
    // Born where nobody else can reach it, so that what is given away is surely the directory that
    // was made.
    const std::string born = state_.slot("new.directory");
    Status status = fs_.make_directory(born, 0755);
    if (!status && status.error().reason == "eexist") status = Status();
    if (status) status = give_to(fs_, owner_, born);
    if (status) status = fs_.rename_new(born, directory);
    if (!status && status.error().reason != "eexist") return status;
    touched_.insert(directory);
    touch_parent(directory);
  }
  present_.insert(directory);
  return {};
}

void TreeSwitch::prune(const std::vector<SwitchStep>& steps, const Manifest& next) {
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if (!step->next && step->old) prune_above(step->path, next);
  }
}

// Not being able to remove a directory is no failure: it is in use, or somebody else's.
void TreeSwitch::prune_above(const std::string& path, const Manifest& needed) {
  std::string directory = path;
  while (true) {
    const std::size_t slash = directory.find_last_of('/');
    if (slash == std::string::npos) return;
    directory.resize(slash);
    if (needed.has_below(directory) || needed.find(directory)) return;
    const Status removed = fs_.remove_directory(live(directory));
    if (!removed && removed.error().reason != "enoent") return;
    if (removed) touch_parent(live(directory));
    touched_.erase(live(directory));
    present_.erase(live(directory));
  }
}

void TreeSwitch::touch_parent(const std::string& absolute) {
  touched_.insert(absolute.substr(0, absolute.find_last_of('/')));
}

// staging/ first: on a disk that orders nothing, a displaced file is then safe before its old name
// is gone.
Status TreeSwitch::sync() {
  if (Status status = fs_.sync_directory(state_.staging()); !status) return status;
  if (touched_.size() > kManyDirectories) return fs_.sync_file_system(state_.top());
  for (const std::string& directory : touched_) {
    Status synced = fs_.sync_directory(directory);
    if (!synced && !is_nothing_there(synced.error())) return synced;
  }
  return {};
}

}  // namespace rolesync
