// SPDX-License-Identifier: Apache-2.0
// Everything of an InPlaceInstallation that changes what is live. The order of a switch:
//   journal | marker.next | exchange loop | directories synced, old record kept | marker |
//   displaced files settled | journal removed
// Up to the marker an interruption can end both ways; after it only forward. marker.next is never
// there without the journal, on no disk that forgets: where it is, somebody took the journal away.
#include "host/activation/in_place_installation.hpp"
#include "host/activation/kept_releases.hpp"
#include "host/activation/settling.hpp"
#include "host/activation/switch_plan.hpp"

namespace rolesync {
namespace {

SwitchReport count(const std::vector<SwitchStep>& steps) {
  SwitchReport report;
  for (const SwitchStep& step : steps) {
    if (step.next) {
      ++(step.old ? report.changed : report.added);
    } else if (step.old) {
      ++report.removed;
    }
  }
  return report;
}

Error lacking_for_rollback(const std::string& path) {
  return {ErrorKind::conflict, "lacking_blobs",
          "this node no longer has the bytes of " + path + " as the previous release had them",
          "sync the previous commit from the server instead"};
}

}  // namespace

Result<TreeSwitch> InPlaceInstallation::tree_switch() {
  const Result<Owner> owner = resolve_owner(fs_, options_.owner, live_.target());
  if (!owner) return owner.error();
  const std::string root = options_.root == "/" ? "" : options_.root.string();
  return TreeSwitch(fs_, state_, root, live_.target(), *owner);
}

Result<SwitchReport> InPlaceInstallation::activate(Release next, FirstInstall first_install) {
  if (Status status = ready(); !status) return status.error();
  const std::string content_id = next.manifest.content_id();
  if (!next.content_id.empty() && next.content_id != content_id) {
    return Error{ErrorKind::invalid, "content_id_mismatch",
                 "the manifest has content id " + content_id + ", not " + next.content_id};
  }
  next.content_id = content_id;
  const bool prepared = prepared_ && prepared_->content_id == content_id &&
                        prepared_->sequence == sequence() && staging_.still_prepared();
  if (!prepared) {
    if (Status status = verify_staged(next.manifest, first_install); !status) return status.error();
  }
  next.role = options_.role;
  if (next.activated_at == 0) next.activated_at = fs_.now_ns() / 1'000'000;
  MarkerRecord record{std::move(next), sequence() + 1, sequence() + 1, relative_target(), false};
  return switch_to(std::move(record), *std::move(prepared_), installed() ? record_->origin : 0);
}

Result<SwitchReport> InPlaceInstallation::switch_to(MarkerRecord next, Prepared prepared,
                                                    std::uint64_t keep) {
  prepared_.reset();
  Result<TreeSwitch> tree = tree_switch();
  if (!tree) return tree.error();
  Journal journal{next.sequence, keep, std::move(prepared.steps)};
  journal_ = std::move(journal);
  if (Status status = write_intent(next); !status) {
    // Nothing live was touched; only if the journal cannot be taken back must recover() look.
    (void)end_undone().ok();
    return status.error();
  }
  Status status = tree->run(journal_->steps);
  if (status) status = commit(*tree, next);
  if (!status) return take_back(*tree, status.error());
  if (status = fs_.sync_directory(state_.top()); !status) return status.error();

  SwitchReport report = count(journal_->steps);
  move_on(std::move(next), journal_->steps);
  Result<std::vector<SavedFile>> saved = settle_and_end();
  if (!saved) return saved.error();
  report.saved = std::move(*saved);
  if (status = staging_.clear(); !status) return status.error();
  return report;
}

Status InPlaceInstallation::write_intent(const MarkerRecord& next) {
  Status status = state_.replace(fs_, state_.journal(), to_text(*journal_));
  if (status) status = fs_.sync_directory(state_.top());
  // Its name need not be safe yet: without it the switch is undone.
  if (status) status = fs_.write(state_.next_marker(), to_text(next), 0600);
  return status ? fs_.sync_file(state_.next_marker()) : status;
}

// Ends with the marker in its place, not yet durable.
Status InPlaceInstallation::commit(TreeSwitch& tree, const MarkerRecord& next) {
  tree.prune(journal_->steps, next.release.manifest);
  if (Status status = tree.sync(); !status) return status;
  if (journal_->keep != 0) {
    // The marker's file is never written in place, so a second name is a copy.
    const std::string kept = state_.release(journal_->keep);
    if (Status status = remove_if_there(fs_, kept); !status) return status;
    if (Status status = fs_.hard_link(state_.marker(), kept); !status) return status;
    if (Status status = fs_.sync_directory(state_.releases()); !status) return status;
  }
  return fs_.rename(state_.next_marker(), state_.marker());
}

Error InPlaceInstallation::take_back(TreeSwitch& tree, const Error& why) {
  live_.doubt();
  static const Manifest nothing;
  Error error = why;
  Status status = tree.undo(journal_->steps, installed() ? record_->release.manifest : nothing);
  if (status) status = tree.sync();
  if (status) {
    const auto saved = settle(fs_, state_, *journal_, Ending::back);
    status = saved ? end_undone() : Status(saved.error());
  }
  error.message += status ? "; the previous release is in place"
                          : "; taking the switch back failed too: " + status.error().message;
  if (!status) error.hint = "run rolesync-agent recover when the cause is gone";
  return error;
}

Status InPlaceInstallation::end_undone() {
  Status status = remove_if_there(fs_, state_.next_marker());
  if (status) status = fs_.sync_directory(state_.top());
  return status ? end_journal() : status;
}

Status InPlaceInstallation::end_journal() {
  if (Status status = remove_if_there(fs_, state_.journal()); !status) return status;
  if (Status status = fs_.sync_directory(state_.top()); !status) return status;
  journal_.reset();
  return {};
}

// The marker names the journal's release; what is left is to put away what was displaced.
Result<std::vector<SavedFile>> InPlaceInstallation::settle_and_end() {
  Result<std::vector<SavedFile>> saved = settle(fs_, state_, *journal_, Ending::forward);
  if (!saved) return saved;
  Status status;
  if (record_->removed) {
    status = sweep_kept(fs_, state_, *record_, 0);
    if (status) status = remove_if_there(fs_, state_.stats());
  } else if (record_->origin != record_->sequence) {
    status = drop_kept(fs_, state_, record_->origin);
  }
  if (status) status = end_journal();
  if (!status) return status.error();
  return saved;
}

void InPlaceInstallation::move_on(MarkerRecord next, const std::vector<SwitchStep>& steps) {
  std::vector<LiveTree::Placed> placed;
  for (const SwitchStep& step : steps) {
    if (!step.next) continue;
    const auto at = staging_.hashed().find(step.slot);
    placed.push_back(
        {step.path, step.next->blob_id, at == staging_.hashed().end() ? FileStat() : at->second});
  }
  const Manifest before = installed() ? std::move(record_->release.manifest) : Manifest();
  record_ = std::move(next);
  live_.moved_on(installed(), before, placed);
}

Result<std::string> InPlaceInstallation::recover() {
  if (!journal_) return std::string();
  Result<std::string> done = roll_forward_or_back();
  if (!done) return done;
  prepared_.reset();
  Status status = *done == "rolled_forward" ? staging_.clear() : Status();
  if (status) status = load();
  return status ? done : status.error();
}

Result<std::string> InPlaceInstallation::roll_forward_or_back() {
  if (record_ && record_->sequence >= journal_->sequence) {
    if (Status status = fs_.sync_directory(state_.top()); !status) return status.error();
    const auto settled = settle_and_end();
    return settled ? Result<std::string>("rolled_forward") : settled.error();
  }
  const Result<std::string> text = fs_.read(state_.next_marker());
  Result<MarkerRecord> next =
      text ? parse_marker_record(*text, state_.next_marker()) : Result<MarkerRecord>(text.error());
  if (!next && next.error().reason == "state_newer") return next.error();
  Result<TreeSwitch> tree = tree_switch();
  if (!tree) return tree.error();
  Status status = next ? Status() : Status(next.error());
  if (status && next->sequence != journal_->sequence) {
    status = Error{ErrorKind::failed, "state_damaged", "the next marker is not the journal's"};
  }
  if (status) status = tree->resume(journal_->steps);
  if (status) status = commit(*tree, *next);
  if (status) {
    if (status = fs_.sync_directory(state_.top()); !status) return status.error();
    record_ = std::move(*next);
    const auto settled = settle_and_end();
    return settled ? Result<std::string>("rolled_forward") : settled.error();
  }
  const Error why = take_back(*tree, status.error());
  return interrupted() ? Result<std::string>(why) : Result<std::string>("rolled_back");
}

Result<std::vector<std::string>> InPlaceInstallation::record_rewritten() {
  if (Status status = know_drift(Look::again); !status) return status.error();
  if (!installed()) return std::vector<std::string>();
  MarkerRecord record = *record_;
  std::vector<std::string> paths;
  for (const auto& [path, kind] : live_.drift()) {
    if (kind == DriftKind::mode_changed || kind == DriftKind::replaced) continue;
    const Result<MaybeFile> file = identify(fs_, live_.absolute(path));
    if (!file) return file.error();
    record.release.rewritten[path] = *file ? (*file)->blob_id : std::string();
    paths.push_back(path);
  }
  if (paths.empty()) return paths;
  Status status = state_.replace(fs_, state_.marker(), to_text(record));
  if (status) status = fs_.sync_directory(state_.top());
  if (!status) return status.error();
  record_ = std::move(record);
  live_.expectations_changed(&*record_);
  const Result<Proof> proof = prove_paths(paths);
  if (!proof) return proof.error();
  return paths;
}

Result<SwitchReport> InPlaceInstallation::roll_back(const Moment& now) {
  if (Status status = know_drift(Look::again); !status) return status.error();
  Result<WayBack> way = way_back();
  if (!way) return way.error();
  Result<Prepared> prepared = prepare(way->goal, way->as_is);
  if (!prepared) return prepared.error();
  way->record.sequence = sequence() + 1;
  Release& release = way->record.release;
  release.activated_at = now.at ? now.at : fs_.now_ns() / 1'000'000;
  release.activated_boot = now.boot_id;
  release.activated_since_boot = now.since_boot;
  Result<SwitchReport> report = switch_to(std::move(way->record), std::move(*prepared), 0);
  live_.doubt();  // hand-made states that came back are drift again
  return report;
}

Result<InPlaceInstallation::WayBack> InPlaceInstallation::way_back() {
  const auto origins = kept_origins(fs_, state_, installed() ? record_->origin : 0);
  if (!origins) return origins.error();
  if (origins->empty()) {
    return Error{ErrorKind::not_found, "no_previous",
                 "no release before the current one is kept for role " + options_.role,
                 "sync an older commit instead"};
  }
  Result<MarkerRecord> record = read_kept(fs_, state_, origins->front());
  if (!record) return record.error();
  const Result<FilesByPath> edits = read_edits(fs_, state_, origins->front());
  if (!edits) return edits.error();
  WayBack way{std::move(*record), {}, {}};
  way.goal = way.record.release.manifest;
  const SwitchGoal wish{installed(), way.goal, live_.drift(), way.as_is};
  const auto lacking = supply(plan_steps(wish), way.goal);
  if (!lacking) return lacking.error();
  if (Status status = choose_bytes(way, *lacking, *edits); !status) return status.error();
  const SwitchGoal goal{installed(), way.goal, live_.drift(), way.as_is};
  const auto still = supply(plan_steps(goal), way.goal);
  if (!still) return still.error();
  if (!still->empty()) return lacking_for_rollback(still->front().path);
  return way;
}

// Where the deployed bytes are gone: what post_sync had made of the file then, what a person had
// made of it, or, if both releases have the same file, what is there now.
Status InPlaceInstallation::choose_bytes(WayBack& way, const std::vector<ManifestEntry>& lacking,
                                         const FilesByPath& edits) {
  const std::map<std::string, std::string> rewritten = std::move(way.record.release.rewritten);
  way.record.release.rewritten.clear();
  if (lacking.empty()) return {};
  std::set<std::string> gone;
  for (const ManifestEntry& entry : lacking) gone.insert(entry.blob_id);
  std::vector<ManifestEntry> goal;
  for (ManifestEntry entry : way.goal.entries()) {
    const ManifestEntry* now = record_->release.manifest.find(entry.path);
    const bool same = now && *now == entry;
    const auto made = rewritten.find(entry.path);
    const auto edited = edits.find(entry.path);
    if (!gone.contains(entry.blob_id) || (same && !live_.drift().contains(entry.path))) {
      goal.push_back(std::move(entry));
      continue;
    }
    MaybeFile instead;
    if (made != rewritten.end()) {
      way.record.release.rewritten.insert(*made);
      if (!made->second.empty()) instead = KnownFile{entry.mode, made->second};
    } else if (edited != edits.end()) {
      instead = edited->second;
    } else if (same) {
      way.as_is.insert(entry.path);
      goal.push_back(std::move(entry));
      continue;
    } else {
      return lacking_for_rollback(entry.path);
    }
    if (!instead) continue;
    const Result<FileStat> kept = fs_.stat(state_.kept_blob(instead->blob_id));
    if (!kept) return lacking_for_rollback(entry.path);
    goal.push_back({instead->mode, instead->blob_id, kept->size, entry.path});
  }
  Result<Manifest> manifest = Manifest::from_entries(std::move(goal));
  if (!manifest) return manifest.error();
  way.goal = std::move(*manifest);
  return {};
}

Result<SwitchReport> InPlaceInstallation::remove() {
  if (Status status = know_drift(Look::again); !status) return status.error();
  if (!installed()) return SwitchReport();
  Prepared prepared;
  for (const ManifestEntry& entry : record_->release.manifest.entries()) {
    if (live_.drift().contains(entry.path)) continue;
    const std::string& id = record_->expected_id(entry);
    if (id.empty()) continue;
    const std::string slot = "out." + std::to_string(prepared.steps.size());
    prepared.steps.push_back({entry.path, KnownFile{entry.mode, id}, {}, slot});
  }
  if (Status status = staging_.clear(); !status) return status.error();
  MarkerRecord record;
  record.release.role = options_.role;
  record.release.content_id = Manifest().content_id();
  record.sequence = record.origin = sequence() + 1;
  record.target = relative_target();
  record.removed = true;
  Result<SwitchReport> report = switch_to(std::move(record), std::move(prepared), 0);
  // Ours to remove if nothing else is in it; otherwise this fails, as it should.
  if (report) (void)fs_.remove_directory(live_.target()).ok();
  return report;
}

Status InPlaceInstallation::collect_garbage() {
  if (Status status = ready(); !status) return status;
  if (!record_) return {};
  if (Status status = remove_below(fs_, state_.basis()); !status) return status;
  return sweep_kept(fs_, state_, *record_, installed() ? options_.keep_releases : 0);
}

}  // namespace rolesync
