// SPDX-License-Identifier: Apache-2.0
// Everything of an InPlaceInstallation that touches nothing live: looking, staging, checking.
#include <algorithm>
#include <unordered_set>

#include "host/activation/in_place_installation.hpp"
#include "host/activation/kept_releases.hpp"
#include "host/activation/pack.hpp"
#include "host/activation/sealed_text.hpp"
#include "host/activation/switch_plan.hpp"
#include "host/values/hash.hpp"

namespace rolesync {
namespace {

// Below this a delta costs more than it saves.
constexpr std::uint64_t kWorthADelta = 32'768;
// What journal, marker and directories may need besides the files.
constexpr std::uint64_t kSpareBytes = 1 << 20;

std::uint64_t bytes_of(const std::vector<ManifestEntry>& entries) {
  std::uint64_t bytes = 0;
  for (const ManifestEntry& entry : entries) bytes += entry.size;
  return bytes;
}

}  // namespace

InPlaceInstallation::InPlaceInstallation(FileSystem& fs, InstallationOptions options,
                                         StateDirectory state, std::unique_ptr<FileLock> lock)
    : fs_(fs),
      options_(std::move(options)),
      state_(std::move(state)),
      lock_(std::move(lock)),
      live_(fs, options_.target.string()),
      staging_(fs, state_) {}

Status InPlaceInstallation::load() {
  live_.start(nullptr, "");  // it points into record_
  const auto marker = read_if_there(fs_, state_.marker());
  if (!marker) return marker.error();
  record_.reset();
  if (*marker) {
    Result<MarkerRecord> record = parse_marker_record(**marker, state_.marker());
    if (!record) return record.error();
    record_ = std::move(*record);
  }
  if (installed() && record_->target != relative_target()) {
    return Error{ErrorKind::conflict, "target_changed",
                 "role " + options_.role + " is installed in " +
                     (options_.root / record_->target).string() + ", not in " + live_.target(),
                 "undeploy it from the old target first"};
  }
  const auto journal = read_if_there(fs_, state_.journal());
  if (!journal) return journal.error();
  journal_.reset();
  if (*journal) {
    Result<Journal> parsed = parse_journal(**journal, state_.journal());
    if (!parsed) return parsed.error();
    journal_ = std::move(*parsed);
  } else {
    const auto next = look(fs_, state_.next_marker());
    if (!next) return next.error();
    // How far that switch got stood in the journal: the tree may be any mixture.
    if (*next) return state_damaged(state_.journal(), kJournalLost);
  }
  const auto kept = kept_origins(fs_, state_, UINT64_MAX);
  if (!kept) return kept.error();
  if (!record_ && !kept->empty()) {
    return state_damaged(state_.marker(), "it is missing, but older releases are kept");
  }
  const auto stats = read_if_there(fs_, state_.stats());
  live_.start(installed(), stats && *stats ? **stats : std::string());
  return {};
}

std::string InPlaceInstallation::relative_target() const {
  const std::string root = options_.root.string();
  return live_.target().substr(root == "/" ? 1 : root.size() + 1);
}

const MarkerRecord* InPlaceInstallation::installed() const {
  return record_ && !record_->removed ? &*record_ : nullptr;
}

const Release* InPlaceInstallation::current() const {
  return installed() ? &record_->release : nullptr;
}

std::vector<Release> InPlaceInstallation::kept() const {
  std::vector<Release> releases;
  const auto origins = kept_origins(fs_, state_, installed() ? record_->origin : 0);
  if (!origins) return releases;
  for (const std::uint64_t origin : *origins) {
    Result<MarkerRecord> record = read_kept(fs_, state_, origin);
    if (record) releases.push_back(std::move(record->release));
  }
  return releases;
}

Status InPlaceInstallation::ready() const {
  if (!journal_) return {};
  return Error{ErrorKind::conflict, "recovery_needed",
               "a switch of role " + options_.role + " was interrupted",
               "run rolesync-agent recover"};
}

Status InPlaceInstallation::know_drift(Look look) {
  if (look == Look::trust && live_.proven()) return {};
  const Result<Proof> proof = prove(false);
  return proof ? Status() : proof.error();
}

void InPlaceInstallation::save_cache() {
  // Only a cache: without space for it the next start reads more files, and nothing else happens.
  if (const auto text = live_.unsaved_cache()) {
    (void)state_.replace_cache(fs_, state_.stats(), *text).ok();
  }
}

Result<Proof> InPlaceInstallation::prove(bool full) {
  if (Status status = ready(); !status) return status.error();
  Result<Proof> proof = live_.prove(full);
  save_cache();
  return proof;
}

Result<Proof> InPlaceInstallation::prove_paths(const std::vector<std::string>& paths) {
  if (Status status = ready(); !status) return status.error();
  Result<Proof> proof = live_.prove_paths(paths);
  save_cache();
  return proof;
}

Result<std::size_t> InPlaceInstallation::reread(std::size_t first, std::uint64_t bytes) {
  if (Status status = ready(); !status) return status.error();
  return live_.reread(first, bytes);
}

Result<std::set<std::string>> InPlaceInstallation::right_already(const Manifest& next) {
  if (installed()) return std::set<std::string>();
  return already_there(fs_, live_.target(), next);
}

// Stages what this node has of the blobs that the steps need; returns the others.
Result<std::vector<ManifestEntry>> InPlaceInstallation::supply(const std::vector<SwitchStep>& steps,
                                                               const Manifest& next) {
  std::vector<ManifestEntry> wanted;
  std::unordered_set<std::string> ids;
  for (const SwitchStep& step : steps) {
    if (!step.next || !ids.insert(step.next->blob_id).second) continue;
    wanted.push_back(*next.find(step.path));
  }
  Staging::LiveFiles live;
  if (installed() && !wanted.empty()) {
    for (const ManifestEntry& entry : record_->release.manifest.entries()) {
      const std::string& id = record_->expected_id(entry);
      if (ids.contains(id) && !live_.drift().contains(entry.path)) {
        live.emplace(id, live_.absolute(entry.path));
      }
    }
  }
  return staging_.supply(wanted, live);
}

Result<std::vector<ManifestEntry>> InPlaceInstallation::lacking(const Manifest& next, Look look) {
  if (Status status = ready(); !status) return status.error();
  if (Status status = know_drift(look); !status) return status.error();
  const auto as_is = right_already(next);
  if (!as_is) return as_is.error();
  const SwitchGoal goal{installed(), next, live_.drift(), *as_is};
  Result<std::vector<ManifestEntry>> missing = supply(plan_steps(goal), next);
  if (!missing) return missing.error();
  if (Status status = check_space(next, bytes_of(*missing)); !status) return status.error();
  return missing;
}

// The files that a pack builds on, one after the other.
Result<std::string> InPlaceInstallation::bases_of(const PackPlan& plan) {
  std::string bases;
  for (const ManifestEntry* base : plan.bases) {
    const std::string path = live_.absolute(base->path);
    const Result<FileStat> stat = fs_.stat(path);
    const bool right = stat && stat->type == FileType::regular && stat->size == base->size;
    const Result<std::string> bytes = right ? fs_.read(path) : Result<std::string>(std::string());
    if (!bytes || git_blob_id(*bytes) != base->blob_id) {
      return Error{ErrorKind::not_found, "base_changed", path + " is not as it was released"};
    }
    bases += *bytes;
  }
  return bases;
}

Status InPlaceInstallation::stage_pack(const Manifest& next, std::string_view pack) {
  if (Status status = ready(); !status) return status;
  static const Manifest nothing;
  const PackPlan plan = plan_pack(installed() ? record_->release.manifest : nothing, next);
  const Result<std::string> bases = bases_of(plan);
  if (!bases) return bases.error();
  const Result<std::string> blobs = open_pack(*bases, pack, plan.blob_bytes);
  if (!blobs) return blobs.error();
  std::vector<std::string_view> parts;
  std::string_view rest = *blobs;
  for (const ManifestEntry* entry : plan.blobs) {
    parts.push_back(rest.substr(0, entry->size));
    rest.remove_prefix(entry->size);
    if (git_blob_id(parts.back()) == entry->blob_id) continue;
    return Error{ErrorKind::invalid, "invalid_pack",
                 "the pack's bytes for " + entry->path + " are not those of its blob"};
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Status written = fs_.write(state_.slot(plan.blobs[i]->blob_id), parts[i], 0644);
    if (!written) return written;
  }
  return {};
}

Status InPlaceInstallation::check_space(const Manifest& next, std::uint64_t bytes) const {
  const Result<std::uint64_t> free = fs_.free_bytes(state_.top());
  if (!free) return free.error();
  const std::uint64_t needed = bytes + kSpareBytes + next.entries().size() * 256;
  if (*free >= needed) return {};
  return Error{ErrorKind::unavailable, "disk_full",
               state_.top() + " needs " + std::to_string(needed) + " bytes, and " +
                   std::to_string(*free) + " are free",
               "free space there and try again"};
}

Result<std::filesystem::path> InPlaceInstallation::delta_basis(
    const std::vector<ManifestEntry>& wanted) {
  if (Status status = ready(); !status) return status.error();
  if (Status status = remove_below(fs_, state_.basis()); !status) return status.error();
  if (!installed()) return std::filesystem::path();
  bool any = false;
  for (const ManifestEntry& entry : wanted) {
    const ManifestEntry* old = record_->release.manifest.find(entry.path);
    if (!old || old->mode == FileMode::symlink || entry.mode == FileMode::symlink) continue;
    if (old->size < kWorthADelta || entry.size < kWorthADelta) continue;
    if (!any) {
      if (Status status = fs_.make_directory(state_.basis(), 0700); !status) return status.error();
      any = true;
    }
    const std::string copy = state_.basis() + "/" + entry.blob_id;
    const Status copied = fs_.copy(live_.absolute(entry.path), copy, 0600);
    // Without a basis the whole file is fetched; only a full disk is a reason to stop.
    if (!copied && copied.error().kind == ErrorKind::unavailable) return copied.error();
  }
  return any ? std::filesystem::path(state_.basis()) : std::filesystem::path();
}

// The device of the target, or of the directory in which it will be made.
Result<std::uint64_t> InPlaceInstallation::check_target() {
  const std::string root = options_.root.string();
  for (std::string path = live_.target(); path.size() > 1; path.resize(path.find_last_of('/'))) {
    const auto found = look(fs_, path);
    if (!found && found.error().reason != "eloop") return found.error();
    if (!found || (*found && (*found)->type == FileType::symlink)) {
      return Error{ErrorKind::conflict, "symlink_in_path",
                   "the target " + live_.target() +
                       " leads through a symlink below the allowed "
                       "root " +
                       root,
                   "name the real directory as the role's target"};
    }
    if (!*found) continue;
    if ((*found)->type != FileType::directory) {
      return Error{ErrorKind::conflict, "target_not_a_directory", path + " is not a directory",
                   "move it away, or change the role's target"};
    }
    return (*found)->device;
  }
  const Result<FileStat> top = fs_.stat(state_.top());
  return top ? Result<std::uint64_t>(top->device) : top.error();
}

Error InPlaceInstallation::cross_device() const {
  return {ErrorKind::conflict, "cross_device",
          live_.target() + " is on another file system than " + state_.top(),
          "files cannot be switched atomically across file systems: allow a root that is on the "
          "target's own file system"};
}

Result<InPlaceInstallation::Prepared> InPlaceInstallation::prepare(
    const Manifest& next, const std::set<std::string>& as_is) {
  const SwitchGoal goal{installed(), next, live_.drift(), as_is};
  Prepared prepared{next.content_id(), sequence(), plan_steps(goal)};
  const Result<std::uint64_t> device = check_target();
  if (!device) return device.error();
  const Result<FileStat> state = fs_.stat(state_.top());
  if (!state) return state.error();
  if (*device != state->device) return cross_device();
  Status status = check_steps(fs_, live_.target(), *device, goal, prepared.steps);
  if (status) status = check_space(next, 0);
  if (!status) return status.error();
  const Result<Owner> owner = resolve_owner(fs_, options_.owner, live_.target());
  if (!owner) return owner.error();
  static const std::map<std::string, std::string> nothing;
  const auto& keep = installed() ? record_->release.rewritten : nothing;
  status = staging_.prepare(prepared.steps, {next, *owner, keep});
  if (!status) return status.error();
  return prepared;
}

// Some file systems cannot exchange two names; better known now than in the middle of a switch.
Status InPlaceInstallation::check_exchange() {
  const std::string a = state_.slot("probe.a");
  const std::string b = state_.slot("probe.b");
  Status status = fs_.write(a, "", 0600);
  if (status) status = fs_.write(b, "", 0600);
  if (!status) return status;
  const Status exchanged = fs_.exchange(a, b);
  for (const std::string& path : {a, b}) {
    if (Status removed = fs_.remove_file(path); !removed) return removed;
  }
  if (exchanged) return {};
  return Error{ErrorKind::failed, "exchange_unsupported",
               "the file system of " + state_.top() +
                   " cannot exchange two files atomically: " + exchanged.error().message,
               "use a local file system such as ext4, xfs, btrfs or tmpfs"};
}

Status InPlaceInstallation::verify_staged(const Manifest& next, FirstInstall first_install) {
  prepared_.reset();
  if (Status status = ready(); !status) return status;
  if (Status status = remove_below(fs_, state_.basis()); !status) return status;  // has served
  if (Status status = know_drift(Look::trust); !status) return status;
  if (Result<std::uint64_t> target = check_target(); !target) return target.error();
  if (!installed() && first_install == FirstInstall::refuse) {
    Status empty = check_first_install(fs_, live_.target(), options_.owned);
    if (!empty) return empty;
  }
  const auto as_is = right_already(next);
  if (!as_is) return as_is.error();
  if (!installed()) {
    if (Status status = check_exchange(); !status) return status;
  }
  Result<Prepared> prepared = prepare(next, *as_is);
  if (!prepared) return prepared.error();
  prepared_ = std::move(*prepared);
  return {};
}

Status InPlaceInstallation::discard_staged() {
  if (Status status = ready(); !status) return status;
  prepared_.reset();
  for (const std::string& rest :
       {state_.basis(), state_.next_marker(), state_.journal() + ".tmp"}) {
    if (Status status = remove_below(fs_, rest); !status) return status;
  }
  return staging_.clear();
}

}  // namespace rolesync
