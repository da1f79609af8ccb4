// SPDX-License-Identifier: Apache-2.0
#include "host/activation/settling.hpp"

#include <set>

namespace rolesync {
namespace {

struct Displaced {
  std::string path;  // under the target, where it was
  std::string now;   // absolute
  MaybeFile file;    // nothing: neither a regular file nor a symlink
};

enum class Fate { leave, drop, keep, save };

class Settling {
 public:
  Settling(FileSystem& fs, const StateDirectory& state, const Journal& journal, Ending ending)
      : fs_(fs), state_(state), journal_(journal), ending_(ending) {
    for (const SwitchStep& step : journal.steps) steps_[step.path] = &step;
  }

  Result<std::vector<SavedFile>> run() {
    Status status;
    for (const SwitchStep& step : journal_.steps) {
      if (status) status = collect(step.path, state_.slot(step.slot));
    }
    // The hand-made states are written down before a single file moves: afterwards a slot that is
    // empty no longer tells whether there was nothing, or whether it has been settled.
    if (status) status = note_edits();
    // The same holds for copies: they are durable before what they were made of moves away.
    if (status) status = make_copies();
    for (const Displaced& displaced : displaced_) {
      if (status) status = move(displaced);
    }
    for (const SwitchStep& step : journal_.steps) {
      if (status && had_directory_.contains(step.path)) {
        status = remove_below(fs_, state_.slot(step.slot));
      }
    }
    if (status) status = sync();
    if (!status) return status.error();
    return std::move(saved_);
  }

 private:
  Status collect(const std::string& path, const std::string& now) {
    const auto found = look(fs_, now);
    if (!found) return found.error();
    if (!*found) return {};
    if ((*found)->type != FileType::directory) {
      Result<MaybeFile> file = identify(fs_, now);
      if (!file) return file.error();
      displaced_.push_back({path, now, *file});
      seen_.insert(path);
      return {};
    }
    had_directory_.insert(path);
    const Result<std::vector<std::string>> names = fs_.list(now);
    if (!names) return names.error();
    for (const std::string& name : *names) {
      Status status = collect(path_below(path, name), path_below(now, name));
      if (!status) return status;
    }
    return {};
  }

  Fate fate_of(const Displaced& displaced) const {
    const auto at = steps_.find(displaced.path);
    if (at == steps_.end() || !displaced.file) return Fate::save;
    const SwitchStep& step = *at->second;
    const std::string& id = displaced.file->blob_id;
    if (step.next && step.next->blob_id == id) {
      return ending_ == Ending::back ? Fate::leave : Fate::drop;
    }
    return step.old && step.old->blob_id == id ? Fate::keep : Fate::save;
  }

  // A managed path that the switch changed, whose recorded content is not on this node any more.
  Result<bool> only_as_edited(const SwitchStep& step) {
    if (!journal_.keep || !step.old || step.old == step.next) return false;
    const auto kept = look(fs_, state_.kept_blob(step.old->blob_id));
    if (!kept) return kept.error();
    return !*kept;
  }

  Status note_edits() {
    if (!journal_.keep || ending_ == Ending::back) return {};
    FilesByPath edits;
    for (const Displaced& displaced : displaced_) {
      const auto at = steps_.find(displaced.path);
      if (at == steps_.end() || !displaced.file || fate_of(displaced) == Fate::keep) continue;
      const Result<bool> edited = only_as_edited(*at->second);
      if (!edited) return edited.error();
      if (*edited) edits[displaced.path] = displaced.file;
    }
    for (const SwitchStep& step : journal_.steps) {
      if (seen_.contains(step.path) || had_directory_.contains(step.path)) continue;
      const Result<bool> edited = only_as_edited(step);
      if (!edited) return edited.error();
      if (*edited) edits[step.path] = std::nullopt;
    }
    edits_ = edits;
    const std::string path = state_.edits(journal_.keep);
    const auto written = read_if_there(fs_, path);
    if (!written) return written.error();
    if (*written) {  // by the run that was interrupted, which saw all slots
      Result<FilesByPath> before = parse_edits(**written, path);
      if (!before) return before.error();
      edits_ = std::move(*before);
      return {};
    }
    if (edits.empty()) return {};
    if (Status status = state_.replace(fs_, path, edits_text(edits)); !status) return status;
    return fs_.sync_directory(state_.releases());
  }

  // kept/ has regular files only, so a link's text is copied; and an edited file that a rollback
  // would need is both saved and kept.
  Status make_copies() {
    bool any = false;
    for (const Displaced& displaced : displaced_) {
      if (!displaced.file) continue;
      const bool link = displaced.file->mode == FileMode::symlink;
      const bool keeps = fate_of(displaced) == Fate::keep;
      if (!(keeps && link) && (keeps || !edits_.contains(displaced.path))) continue;
      any = true;
      const std::string kept = state_.kept_blob(displaced.file->blob_id);
      const Result<std::string> text = link ? fs_.read_link(displaced.now) : std::string();
      if (!text) return text.error();
      Status status = link ? fs_.write(kept, *text, 0600) : fs_.copy(displaced.now, kept, 0600);
      if (status) status = fs_.sync_file(kept);
      if (!status) return status;
    }
    return any ? fs_.sync_directory(state_.kept()) : Status();
  }

  Status move(const Displaced& displaced) {
    switch (fate_of(displaced)) {
      case Fate::leave:
        return {};
      case Fate::drop:
        return fs_.remove_file(displaced.now);
      case Fate::save:
        return save(displaced);
      case Fate::keep:
        break;
    }
    if (displaced.file->mode == FileMode::symlink) return fs_.remove_file(displaced.now);
    synced_.insert(state_.kept());
    return fs_.rename(displaced.now, state_.kept_blob(displaced.file->blob_id));
  }

  Status save(const Displaced& displaced) {
    const std::string top = state_.saved(journal_.sequence);
    std::string path = top + "/" + displaced.path;
    for (std::size_t slash = path.find('/', top.size()); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      const std::string directory = path.substr(0, slash);
      if (synced_.contains(directory)) continue;
      Status made = fs_.make_directory(directory, 0700);
      if (!made && made.error().reason != "eexist") return made;
      synced_.insert(directory);
    }
    Status moved = fs_.rename_new(displaced.now, path);
    for (int i = 1; !moved && moved.error().reason == "eexist"; ++i) {
      path = top + "/" + displaced.path + "." + std::to_string(i);
      moved = fs_.rename_new(displaced.now, path);
    }
    if (moved) saved_.push_back({displaced.path, path});
    return moved;
  }

  Status sync() {
    if (!saved_.empty()) synced_.insert(state_.saved());
    for (const std::string& directory : synced_) {
      if (Status status = fs_.sync_directory(directory); !status) return status;
    }
    return {};
  }

  FileSystem& fs_;
  const StateDirectory& state_;
  const Journal& journal_;
  const Ending ending_;
  std::map<std::string, const SwitchStep*> steps_;
  std::vector<Displaced> displaced_;
  std::set<std::string> seen_;           // paths of displaced_
  std::set<std::string> had_directory_;  // paths where a directory was displaced
  FilesByPath edits_;
  std::set<std::string> synced_;  // directories to sync
  std::vector<SavedFile> saved_;
};

}  // namespace

Result<std::vector<SavedFile>> settle(FileSystem& fs, const StateDirectory& state,
                                      const Journal& journal, Ending ending) {
  return Settling(fs, state, journal, ending).run();
}

}  // namespace rolesync
