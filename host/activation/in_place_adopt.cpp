// SPDX-License-Identifier: Apache-2.0
// How an InPlaceInstallation takes over a tree that is there already, and how it notices that its
// own record was damaged while it lives. Neither touches a file of the tree.
#include <algorithm>

#include "host/activation/in_place_installation.hpp"
#include "host/activation/sealed_text.hpp"

namespace rolesync {
namespace {

Error already_installed(const Release& current, const std::string& role) {
  return {ErrorKind::conflict, "already_installed",
          "role " + role + " is installed already, at " +
              (current.commit.empty() ? current.content_id : current.commit),
          "sync it; only a tree that rolesync did not deploy can be adopted"};
}

}  // namespace

Status InPlaceInstallation::intact() {
  if (journal_) return {};  // recover() reads everything again
  const auto found = look(fs_, state_.marker());
  if (!found) return found.error();
  if (!record_ && !*found) return {};
  if (!*found) {
    return Error{ErrorKind::failed, "state_missing",
                 state_.marker() + " is gone, which says what is installed in " + live_.target(),
                 "find out what is there with identify, and adopt it"};
  }
  if (marker_ && *marker_ == **found) return {};
  const Result<std::string> text = fs_.read(state_.marker());
  if (!text) return text.error();
  if (!record_ || *text != to_text(*record_)) {
    const Result<MarkerRecord> record = parse_marker_record(*text, state_.marker());
    return record ? state_damaged(state_.marker(), "somebody else has written it") : record.error();
  }
  marker_ = **found;
  return {};
}

// What a later sync would refuse is refused now, before we say that it is ours.
Status InPlaceInstallation::check_adoptable() {
  const Result<std::uint64_t> device = check_target();
  if (!device) return device.error();
  const auto target = look(fs_, live_.target());
  if (!target) return target.error();
  if (!*target) {
    return Error{ErrorKind::not_found, "nothing_there", "there is no directory " + live_.target(),
                 "sync the role; there is nothing to adopt"};
  }
  const Result<FileStat> state = fs_.stat(state_.top());
  if (!state) return state.error();
  return *device == state->device ? Status() : cross_device();
}

// Since when the files are as they are: what was started later runs them.
Millis InPlaceInstallation::last_change(const Manifest& manifest) {
  std::vector<const std::string*> paths;
  paths.reserve(manifest.entries().size());
  for (const ManifestEntry& entry : manifest.entries()) paths.push_back(&entry.path);
  std::int64_t last = 0;
  fs_.stat_below(live_.target(), paths, [&](std::size_t, const Result<FileStat>& stat) {
    if (stat) last = std::max(last, stat->ctime_ns);
  });
  const std::int64_t now = fs_.now_ns();
  return (last == 0 ? now : std::min(last, now)) / 1'000'000;
}

Status InPlaceInstallation::adopt(Release base) {
  if (Status status = ready(); !status) return status;
  base.content_id = base.manifest.content_id();
  if (installed()) {
    const Release& current = record_->release;
    const bool same = current.content_id == base.content_id && current.commit == base.commit;
    return same ? Status() : already_installed(current, options_.role);
  }
  if (Status status = check_adoptable(); !status) return status;
  prepared_.reset();
  base.role = options_.role;
  base.activated_at = last_change(base.manifest);
  MarkerRecord record{std::move(base), sequence() + 1, sequence() + 1, relative_target(), false};
  Status status = state_.replace(fs_, state_.marker(), to_text(record));
  if (status) status = fs_.sync_directory(state_.top());
  if (!status) return status;
  record_ = std::move(record);
  live_.start(installed(), "");
  return {};
}

}  // namespace rolesync
