// SPDX-License-Identifier: Apache-2.0
#include "host/activation/switch_plan.hpp"

#include <algorithm>

#include "host/activation/state_directory.hpp"

namespace rolesync {
namespace {

const std::string kReserved = std::string("/") + kStateName + "/";
constexpr std::size_t kMostCounted = 100'000;

MaybeFile recorded(const SwitchGoal& goal, const ManifestEntry* entry) {
  if (!entry || !goal.current) return std::nullopt;
  const std::string& id = goal.current->expected_id(*entry);
  return id.empty() ? MaybeFile() : MaybeFile(KnownFile{entry->mode, id});
}

MaybeFile wanted(const ManifestEntry* entry) {
  return entry ? MaybeFile(KnownFile{entry->mode, entry->blob_id}) : MaybeFile();
}

// Calls `visit` with the relative path of every file below `directory` until it returns false.
Status walk_files(FileSystem& fs, const std::string& target, const std::string& directory,
                  const std::function<bool(const std::string&)>& visit, bool& going) {
  const Result<std::vector<std::string>> names = fs.list(target + "/" + directory);
  if (!names) return names.error().kind == ErrorKind::not_found ? Status() : names.error();
  for (const std::string& name : *names) {
    if (directory.empty() && name == kStateName) continue;
    const std::string path = path_below(directory, name);
    const auto found = look(fs, path_below(target, path));
    if (!found) return found.error();
    if (!*found) continue;
    if ((*found)->type == FileType::directory) {
      if (Status status = walk_files(fs, target, path, visit, going); !status) return status;
    } else {
      going = visit(path);
    }
    if (!going) return {};
  }
  return {};
}

class StepChecks {
 public:
  StepChecks(FileSystem& fs, const std::string& target, std::uint64_t device,
             const SwitchGoal& goal)
      : fs_(fs), target_(target), device_(device), goal_(goal) {}

  Status check(const SwitchStep& step) {
    if (step.next && ("/" + step.path + "/").find(kReserved) != std::string::npos) {
      return Error{ErrorKind::invalid, "reserved_path",
                   step.path + " would lie in a directory where rolesync keeps its own state",
                   "rename it in the repository, or exclude it from the role"};
    }
    if (Status status = check_parents(step); !status) return status;
    if (!step.next || foreign_.contains(step.path)) return {};
    const auto found = look(fs_, target_ + "/" + step.path);
    if (!found) {
      // A foreign file or link as a parent, found above, is moved away before this step.
      return found.error().reason == "eloop" ? Status() : found.error();
    }
    if (*found && (*found)->type == FileType::directory) return check_replaced_directory(step.path);
    return {};
  }

  const std::set<std::string>& foreign() const { return foreign_; }

 private:
  Status check_parents(const SwitchStep& step) {
    for (std::size_t slash = step.path.find('/'); slash != std::string::npos;
         slash = step.path.find('/', slash + 1)) {
      const std::string parent = step.path.substr(0, slash);
      const auto known = directories_.find(parent);
      if (known != directories_.end()) {
        if (known->second) continue;
        return {};  // not there: nothing below it either
      }
      const auto found = look(fs_, target_ + "/" + parent);
      if (!found) return found.error();
      const bool directory = *found && (*found)->type == FileType::directory;
      directories_[parent] = directory;
      if (directory && (*found)->device != device_) return cross_device(parent);
      if (directory) continue;
      return *found && step.next ? check_not_directory(parent, **found) : Status();
    }
    return {};
  }

  // Something that is no directory stands where one is needed.
  Status check_not_directory(const std::string& parent, const FileStat& found) {
    const bool ours = goal_.current && goal_.current->release.manifest.find(parent);
    if (ours) return {};  // leaves by its own step, which comes first
    if (found.type == FileType::symlink) {
      return Error{ErrorKind::conflict, "symlink_in_path",
                   target_ + "/" + parent +
                       " is a symlink that rolesync did not deploy, and files "
                       "of the role belong below it",
                   "replace the link by a real directory, or leave these files out of the role"};
    }
    foreign_.insert(parent);
    return {};
  }

  Status check_replaced_directory(const std::string& path) {
    std::string stranger;
    bool going = true;
    Status status = walk_files(
        fs_, target_, path,
        [&](const std::string& file) {
          const bool ours = goal_.current && goal_.current->release.manifest.find(file);
          if (!ours) stranger = file;
          return ours;
        },
        going);
    if (!status) return status;
    if (stranger.empty()) return {};
    return Error{ErrorKind::conflict, "directory_in_the_way",
                 target_ + "/" + path +
                     " must become a file, but it is a directory with files "
                     "that rolesync did not deploy, for example " +
                     stranger,
                 "move that directory away and sync again"};
  }

  Error cross_device(const std::string& parent) const {
    return {ErrorKind::conflict, "cross_device",
            target_ + "/" + parent + " is on another file system than the role's state directory",
            "files cannot be switched atomically across file systems: move the mount point above "
            "the allowed root, or give the directory a role of its own"};
  }

  FileSystem& fs_;
  const std::string& target_;
  const std::uint64_t device_;
  const SwitchGoal& goal_;
  std::map<std::string, bool> directories_;  // looked at: is it one?
  std::set<std::string> foreign_;
};

}  // namespace

std::vector<SwitchStep> plan_steps(const SwitchGoal& goal) {
  const Manifest nothing;
  const Manifest& now = goal.current ? goal.current->release.manifest : nothing;
  std::map<std::string, SwitchStep> steps;
  const auto add = [&](const std::string& path) {
    if (goal.as_is.contains(path)) return;
    const MaybeFile old = recorded(goal, now.find(path));
    steps[path] = {path, old, wanted(goal.next.find(path)), ""};
  };
  for (const ManifestChange& change : compare(now, goal.next)) add(change.path());
  for (const auto& [path, kind] : goal.drift) {
    if (goal.next.find(path)) add(path);
  }
  if (goal.current) {
    // What post_sync made of the last release is not what post_sync of the next should start from.
    for (const auto& [path, id] : goal.current->release.rewritten) {
      if (goal.next.find(path)) add(path);
    }
  }
  std::vector<SwitchStep> out;
  out.reserve(steps.size());
  for (auto& [path, step] : steps) out.push_back(std::move(step));
  return out;
}

Result<std::set<std::string>> already_there(FileSystem& fs, const std::string& target,
                                            const Manifest& next) {
  std::vector<const std::string*> paths;
  paths.reserve(next.entries().size());
  for (const ManifestEntry& entry : next.entries()) paths.push_back(&entry.path);
  std::vector<std::pair<const ManifestEntry*, FileStat>> alike;
  fs.stat_below(target, paths, [&](std::size_t i, const Result<FileStat>& stat) {
    const ManifestEntry& entry = next.entries()[i];
    if (stat && mode_of(*stat) == entry.mode && stat->size == entry.size) {
      alike.emplace_back(&entry, *stat);
    }
  });
  std::set<std::string> same;
  for (const auto& [entry, stat] : alike) {
    const Result<std::string> id = hash_file(fs, path_below(target, entry->path), stat);
    if (!id) return id.error();
    if (*id == entry->blob_id) same.insert(entry->path);
  }
  return same;
}

Status check_steps(FileSystem& fs, const std::string& target, std::uint64_t device,
                   const SwitchGoal& goal, std::vector<SwitchStep>& steps) {
  StepChecks checks(fs, target, device, goal);
  for (const SwitchStep& step : steps) {
    if (Status status = checks.check(step); !status) return status;
  }
  for (const std::string& path : checks.foreign()) steps.push_back({path, {}, {}, ""});
  std::sort(steps.begin(), steps.end(),
            [](const SwitchStep& a, const SwitchStep& b) { return a.path < b.path; });
  return {};
}

Status check_first_install(FileSystem& fs, const std::string& target,
                           const std::vector<std::string>& owned) {
  std::size_t count = 0;
  std::string example;
  bool going = true;
  const auto visit = [&](const std::string& path) {
    if (count++ == 0) example = path;
    return count < kMostCounted;
  };
  const std::vector<std::string> whole = {""};
  for (const std::string& prefix : owned.empty() ? whole : owned) {
    const auto found = look(fs, prefix.empty() ? target : path_below(target, prefix));
    if (!found) return found.error();
    if (!*found || !going) continue;
    if ((*found)->type != FileType::directory) {
      going = visit(prefix);
    } else if (Status status = walk_files(fs, target, prefix, visit, going); !status) {
      return status;
    }
  }
  if (count == 0) return {};
  const std::string number = (going ? "" : "more than ") + std::to_string(count);
  return Error{ErrorKind::conflict, "target_not_empty",
               target + " has " + number + (count == 1 ? " file" : " files") +
                   " that rolesync did not deploy, for example " + example,
               "adopt the tree, or install with overlay: what is in the way is then saved, and the "
               "rest stays"};
}

}  // namespace rolesync
