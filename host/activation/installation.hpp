// SPDX-License-Identifier: Apache-2.0
// One role's files on this node: what is installed, whether the disk still agrees, and the way from
// one release to the next that never leaves half a tree. This is the face of host/activation; no
// plugin and no caller knows how a tree is switched. One thread at a time per installation.
//
// State lives in <root>/.rolesync/<role>/ (0700), beside the target, never in it (docs/formats.md).
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/activation/manifest.hpp"
#include "host/services/file_system.hpp"
#include "host/values/result.hpp"
#include "host/values/timestamp.hpp"

namespace rolesync {

// What was put on the disk, as the marker records it.
struct Release {
  std::string role;
  std::string role_revision;
  std::string role_snapshot;  // the role's JSON as it was deployed
  std::string commit;
  std::string content_id;
  std::string task_id;
  Millis activated_at = 0;
  Manifest manifest;
  std::map<std::string, std::string> rewritten;  // path -> blob id that post_sync left there
};

enum class DriftKind { changed, removed, mode_changed, replaced };  // replaced: another file type
struct Drift {
  std::string path;
  DriftKind kind;
};

// The result of looking at the disk: nothing here is assumed.
struct Proof {
  Millis verified_at = 0;
  std::vector<Drift> drift;  // empty: the disk is the release
  std::size_t files = 0;     // looked at
  std::size_t hashed = 0;    // of those, read again because their stat was not trusted
};

enum class FirstInstall { refuse, overlay };  // a target with files and no release of ours

struct SavedFile {
  std::string path;      // relative to the target
  std::string saved_as;  // absolute path of the kept copy
};

struct SwitchReport {
  std::size_t added = 0, changed = 0, removed = 0;
  std::vector<SavedFile> saved;  // local edits and foreign files that were in the way
};

struct InstallationOptions {
  std::filesystem::path root;  // the allowed root that contains the target
  std::filesystem::path target;
  std::string role;
  std::string owner;  // "user[:group]"; empty: owner of the target or its parent
  std::size_t keep_releases = 3;
};

class Installation {
 public:
  // Opens or prepares the state directory. Refuses a state from a newer version
  // (reason state_newer) or one that is damaged (state_damaged); never guesses.
  static Result<std::unique_ptr<Installation>> open(FileSystem& fs, InstallationOptions options);
  virtual ~Installation() = default;

  // What the marker says is installed; nothing when nothing is. No disk proof.
  virtual const Release* current() const = 0;
  virtual std::vector<Release> kept() const = 0;  // newest first, without the current one

  // Ends an interrupted switch: forward, or back when something staged is missing. Idempotent.
  // Returns what was done ("", "rolled_forward", "rolled_back").
  virtual Result<std::string> recover() = 0;

  // Stats every file of the current release; reads those whose stat is not in the cache or too
  // young to trust. `full` reads all.
  virtual Result<Proof> prove(bool full = false) = 0;

  // Blobs of `next` that are neither live, kept nor staged here: what a deployer must fetch.
  virtual Result<std::vector<ManifestEntry>> lacking(const Manifest& next) = 0;
  // Where a deployer puts a fetched blob: this directory, file name = blob id.
  virtual std::filesystem::path staging() const = 0;
  // For delta transfers: a directory with files named by the NEW blob id whose bytes are an older
  // version of the same path. Made on demand for the given entries; may be empty.
  virtual Result<std::filesystem::path> delta_basis(const std::vector<ManifestEntry>& wanted) = 0;
  // Re-hashes everything staged for `next` and checks that nothing lacks and that every
  // switch step is possible (types, foreign files, space). Touches nothing live.
  virtual Status verify_staged(const Manifest& next, FirstInstall first_install) = 0;

  // Journal, switch, marker. On an Error the tree is the old release or a journal that recover()
  // will end; the error says which.
  virtual Result<SwitchReport> activate(Release next, FirstInstall first_install) = 0;

  // After post_sync: files it rewrote are recorded, not drift.
  virtual Result<std::vector<std::string>> record_rewritten() = 0;

  // Back to the release before the current one, from kept blobs alone. Errors:
  // not_found/no_previous.
  virtual Result<SwitchReport> roll_back() = 0;

  // Drops what no kept release needs; saved copies stay.
  virtual Status collect_garbage() = 0;
};

// "<root>/.rolesync/<role>" for every role that has state under `root`.
std::vector<std::string> roles_with_state(FileSystem& fs, const std::filesystem::path& root);

}  // namespace rolesync
