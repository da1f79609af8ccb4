// SPDX-License-Identifier: Apache-2.0
#include "host/activation/staging.hpp"

#include "host/values/hash.hpp"

namespace rolesync {
namespace {

// From here on one syncfs is cheaper than an fsync per file.
constexpr std::size_t kManyFiles = 64;

}  // namespace

Result<bool> Staging::holds(const std::string& slot, const ManifestEntry& entry) {
  const std::string path = state_.slot(slot);
  const auto found = look(fs_, path);
  if (!found) return found.error();
  if (!*found) return false;
  if ((*found)->type == FileType::regular && (*found)->size == entry.size) {
    const Result<std::string> id = hash_file(fs_, path, **found);
    if (!id) return id.error();
    if (*id == entry.blob_id) return true;
  }
  if (Status removed = remove_below(fs_, path); !removed) return removed.error();
  return false;
}

// A copy of `source` becomes the staged blob, if it is that blob.
Result<bool> Staging::bring(const ManifestEntry& entry, const std::string& source) {
  const auto found = look(fs_, source);
  if (!found) return found.error().reason == "eloop" ? Result<bool>(false) : found.error();
  if (!*found || (*found)->size != entry.size) return false;
  const std::string slot = state_.slot(entry.blob_id);
  Status status;
  if ((*found)->type == FileType::symlink) {
    const Result<std::string> text = fs_.read_link(source);
    status = text ? fs_.write(slot, *text, 0644) : Status(text.error());
  } else if ((*found)->type == FileType::regular) {
    status = fs_.copy(source, slot, 0644);
  } else {
    return false;
  }
  if (!status) return status.error();
  return holds(entry.blob_id, entry);
}

// A kept file that is not what its name says is worth nothing.
Result<bool> Staging::bring_kept(const ManifestEntry& entry) {
  const std::string kept = state_.kept_blob(entry.blob_id);
  Result<bool> have = bring(entry, kept);
  if (have && !*have) {
    if (Status removed = remove_if_there(fs_, kept); !removed) return removed.error();
  }
  return have;
}

Result<std::vector<ManifestEntry>> Staging::supply(const std::vector<ManifestEntry>& wanted,
                                                   const LiveFiles& live) {
  std::vector<ManifestEntry> lacking;
  for (const ManifestEntry& entry : wanted) {
    Result<bool> have = holds(entry.blob_id, entry);
    if (have && !*have && entry.size == 0 && entry.blob_id == git_blob_id("")) {
      const Status written = fs_.write(state_.slot(entry.blob_id), "", 0644);
      have = written ? Result<bool>(true) : Result<bool>(written.error());
    }
    if (have && !*have) have = bring_kept(entry);
    const auto at = live.find(entry.blob_id);
    if (have && !*have && at != live.end()) have = bring(entry, at->second);
    if (!have) return have.error();
    if (!*have) lacking.push_back(entry);
  }
  return lacking;
}

Status Staging::prepare(std::vector<SwitchStep>& steps, const Order& order) {
  hashed_.clear();
  stats_.clear();
  uses_.clear();
  std::size_t cleared = 0;
  for (SwitchStep& step : steps) {
    if (!step.next) {
      step.slot = "out." + std::to_string(cleared++);
      if (Status status = remove_below(fs_, state_.slot(step.slot)); !status) return status;
      continue;
    }
    const ManifestEntry* entry = order.next.find(step.path);
    Status status = entry->mode == FileMode::symlink ? prepare_link(step, *entry, order)
                                                     : prepare_file(step, *entry, order);
    if (!status) return status;
  }
  if (stats_.size() > kManyFiles) {
    if (Status status = fs_.sync_file_system(state_.staging()); !status) return status;
  } else {
    for (const auto& [slot, stat] : stats_) {
      if (stat.type != FileType::regular) continue;
      if (Status status = fs_.sync_file(state_.slot(slot)); !status) return status;
    }
  }
  return fs_.sync_directory(state_.staging());
}

Status Staging::prepare_file(SwitchStep& step, const ManifestEntry& entry, const Order& order) {
  const int use = uses_[entry.blob_id]++;
  const std::string path = state_.slot(entry.blob_id);
  const std::uint32_t mode = entry.mode == FileMode::executable ? 0755 : 0644;
  step.slot = use == 0 ? entry.blob_id : entry.blob_id + "." + std::to_string(use);
  const std::string slot_path = state_.slot(step.slot);
  if (use == 0) {
    const Result<bool> have = holds(entry.blob_id, entry);
    if (!have) return have.error();
    if (!*have) {
      return Error{ErrorKind::conflict, "lacking_blobs",
                   "the staged file for " + entry.path + " is missing or has other bytes",
                   "fetch what the installation lacks and verify again"};
    }
    if (Status status = fs_.set_mode(slot_path, mode); !status) return status;
  } else if (Status status = fs_.copy(path, slot_path, mode); !status) {
    return status;
  }
  if (Status status = give_to(fs_, order.owner, slot_path); !status) return status;
  if (order.keep.contains(entry.path)) {
    if (Status status = keep_copy(entry); !status) return status;
  }
  const Result<FileStat> stat = fs_.stat(slot_path);
  if (!stat) return stat.error();
  stats_[step.slot] = *stat;
  if (use == 0 && content_is_settled(*stat, fs_.now_ns())) hashed_[step.slot] = *stat;
  return {};
}

Status Staging::prepare_link(SwitchStep& step, const ManifestEntry& entry, const Order& order) {
  const Result<bool> have = holds(entry.blob_id, entry);
  if (!have) return have.error();
  if (!*have) {
    return Error{ErrorKind::conflict, "lacking_blobs",
                 "the staged text of the symlink " + entry.path + " is missing",
                 "fetch what the installation lacks and verify again"};
  }
  const Result<std::string> text = fs_.read(state_.slot(entry.blob_id));
  if (!text) return text.error();
  if (Status status = check_symlink(entry.path, *text); !status) return status;
  step.slot = entry.blob_id + ".link" + std::to_string(uses_[entry.blob_id + ".link"]++);
  const std::string path = state_.slot(step.slot);
  if (Status status = remove_below(fs_, path); !status) return status;
  if (Status status = fs_.make_symlink(*text, path); !status) return status;
  if (Status status = give_to(fs_, order.owner, path); !status) return status;
  const Result<FileStat> stat = fs_.stat(path);
  if (!stat) return stat.error();
  stats_[step.slot] = *stat;
  return {};
}

Status Staging::keep_copy(const ManifestEntry& entry) {
  const std::string kept = state_.kept_blob(entry.blob_id);
  const auto found = look(fs_, kept);
  if (!found || *found) return found ? Status() : found.error();
  if (Status status = fs_.copy(state_.slot(entry.blob_id), kept, 0600); !status) return status;
  return fs_.sync_file(kept);
}

bool Staging::still_prepared() const {
  for (const auto& [slot, stat] : stats_) {
    const Result<FileStat> found = fs_.stat(state_.slot(slot));
    if (!found || *found != stat) return false;
  }
  return true;
}

Status Staging::clear() {
  hashed_.clear();
  stats_.clear();
  const Result<std::vector<std::string>> names = fs_.list(state_.staging());
  if (!names) return names.error();
  for (const std::string& name : *names) {
    if (Status status = remove_below(fs_, state_.slot(name)); !status) return status;
  }
  return {};
}

}  // namespace rolesync
