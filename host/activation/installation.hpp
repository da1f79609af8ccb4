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
  // The same on a clock that never jumps; without a boot it is not known.
  std::string activated_boot;
  Millis activated_since_boot = 0;
  Manifest manifest;
  // path -> blob id that post_sync left there; "" when it removed the file
  std::map<std::string, std::string> rewritten;
};

// added: a file where the release has none (post_sync had removed it); replaced: another file type.
enum class DriftKind { changed, removed, mode_changed, replaced, added };
const char* to_word(DriftKind kind);  // "changed", "removed", ...
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

// What a target with files, and no release of ours, means: refuse (reason target_not_empty), or
// overlay: what is in the way is saved, the rest stays as it is.
enum class FirstInstall { refuse, overlay };

// Whether the disk is looked at again, or the last proof of this object is good enough (a caller
// with watches on the tree knows that nothing happened since, or has named what did).
enum class Look { again, trust };

// When something is done: on the wall clock, and on one that never jumps.
struct Moment {
  Millis at = 0;  // 0: now, as the file system's clock has it
  std::string boot_id = {};
  Millis since_boot = 0;
};

struct SavedFile {
  std::string path;      // relative to the target
  std::string saved_as;  // absolute path of the kept copy
};

struct SwitchReport {
  std::size_t added = 0, changed = 0, removed = 0;
  std::vector<SavedFile> saved;  // local edits and foreign files that were in the way
};

struct InstallationOptions {
  std::filesystem::path root;  // the allowed root; must contain the target, not be it
  std::filesystem::path target;
  std::string role;
  std::string owner;  // "user[:group]"; empty: owner of the target or its parent
  std::size_t keep_releases = 3;
  // The role's own territory under the target (SourceMapping::to of its mappings). Decides which
  // files make a first install refuse. Empty: the whole target.
  std::vector<std::string> owned;
};

class Installation {
 public:
  // Opens or prepares the state directory and locks it while the object lives (conflict,
  // installation_busy). Refuses a state from a newer version (state_newer) or one that is damaged
  // (state_damaged), or about another target (target_changed); never guesses. When interrupted() is
  // true, recover() must come first: until then everything else that looks or changes answers
  // conflict/recovery_needed.
  static Result<std::unique_ptr<Installation>> open(FileSystem& fs, InstallationOptions options);
  virtual ~Installation() = default;

  // Puts the state of a role aside, whatever it is, so that open() begins anew. Nothing of it is
  // lost: it keeps its files under the name that is returned ("": there was none). Errors:
  // conflict/ installation_busy.
  static Result<std::string> set_aside(FileSystem& fs, InstallationOptions options);

  // Whether the marker on the disk is still the one that this object knows; costs one stat. Errors:
  // failed/state_missing, state_damaged, state_newer: then this object is to be thrown away.
  virtual Status intact() = 0;
  // Whether there is a marker at all, be it that of an undeployment.
  virtual bool has_record() const = 0;

  // What the marker says is installed; nothing when nothing is. No disk proof. Valid until the next
  // call that changes something.
  virtual const Release* current() const = 0;
  // What roll_back() can go back to: newest first, without the current one.
  virtual std::vector<Release> kept() const = 0;

  virtual bool interrupted() const = 0;
  // Ends an interrupted switch: forward, or back when something staged is missing. Idempotent.
  // Returns what was done ("", "rolled_forward", "rolled_back").
  virtual Result<std::string> recover() = 0;

  // Stats every file of the current release; reads those whose stat is not in the cache or too
  // young to trust. `full` reads all. Nothing installed: an empty proof.
  virtual Result<Proof> prove(bool full = false) = 0;
  // Looks only at these files, and at the files below these directories (relative to the target;
  // what is not managed is ignored). The drift is that of the whole tree, as known then.
  virtual Result<Proof> prove_paths(const std::vector<std::string>& paths) = 0;

  // One slice of prove(true), for a caller who must not hold the installation for long: reads the
  // files of the current release from the `first`-th on, until `bytes` were read, and returns the
  // index of the next. Once that is past the last, prove() finds all of it in the stat cache.
  virtual Result<std::size_t> reread(std::size_t first, std::uint64_t bytes) = 0;

  // What a deployer must fetch before `next` can be activated, one entry per blob, by path: what is
  // live (even under another path), kept or already staged is taken from this node instead, and is
  // in staging() afterwards. Includes the blobs that repair drift. Errors: disk_full.
  virtual Result<std::vector<ManifestEntry>> lacking(const Manifest& next,
                                                     Look look = Look::again) = 0;
  // Stages the blobs of a pack (pack.hpp) that leads from the current release to `next`. What it
  // brings is hashed; nothing of it is staged unless all of it is right. Errors: not_found/
  // base_changed when a file it builds on is not as released, invalid/invalid_pack, disk_full.
  virtual Status stage_pack(const Manifest& next, std::string_view pack) = 0;
  // Where a deployer puts a fetched blob: this directory, file name = blob id; a symlink's blob is
  // a regular file that holds the link's text. Kept between attempts.
  virtual std::filesystem::path staging() const = 0;
  // For delta transfers: a directory with files named by the NEW blob id whose bytes are an older
  // version of the same path. Private copies, made on demand for the given entries; empty path when
  // there is nothing worth it.
  virtual Result<std::filesystem::path> delta_basis(const std::vector<ManifestEntry>& wanted) = 0;
  // Re-hashes everything staged for `next` and checks that nothing lacks and that every switch step
  // is possible (types, foreign files, links, space). Touches nothing live. After it, activate() of
  // the same manifest has only the switch left to do. Errors: lacking_blobs, target_not_empty,
  // directory_in_the_way, symlink_in_path, cross_device, unsafe_symlink, disk_full ...
  virtual Status verify_staged(const Manifest& next, FirstInstall first_install) = 0;
  // Forgets what was staged: a cancelled task.
  virtual Status discard_staged() = 0;

  // Journal, switch, marker (after verify_staged(), which it does itself when nobody did). On an
  // Error the tree is the old release, or interrupted() is true and recover() will end it.
  virtual Result<SwitchReport> activate(Release next, FirstInstall first_install) = 0;

  // Records as installed what somebody else put there: durable, and no file of the tree is touched.
  // From then on its files are ours; where the disk differs from it, that is drift. The same
  // release again has no effect. Errors: conflict/already_installed, not_found/nothing_there, and
  // those of a target that cannot be switched.
  virtual Status adopt(Release base) = 0;

  // After post_sync: files it rewrote (or removed) are recorded, not drift. Returns their paths.
  virtual Result<std::vector<std::string>> record_rewritten() = 0;

  // Back to the release before the current one, from this node's own files alone. What had been
  // edited by hand before that release was replaced comes back as it was. The release that is left
  // is not offered again. Errors: not_found/no_previous, lacking_blobs.
  virtual Result<SwitchReport> roll_back(const Moment& now) = 0;
  Result<SwitchReport> roll_back() { return roll_back(Moment()); }

  // Undeploys: removes the release's files that are as deployed, and directories that get empty;
  // edited files stay where they are. Afterwards nothing is installed and nothing is kept.
  virtual Result<SwitchReport> remove() = 0;

  // Drops releases beyond keep_releases and what no kept release needs; saved copies stay.
  virtual Status collect_garbage() = 0;
};

// Root and target with the symlinks on the way to the root resolved. Errors: invalid/invalid_root,
// target_outside_root, and those of a path that is none.
Status make_canonical(FileSystem& fs, InstallationOptions& options);

// The roles that have an installation (or an interrupted switch) under `root`, sorted.
std::vector<std::string> roles_with_state(FileSystem& fs, const std::filesystem::path& root);

// The target of that installation: what open() needs when nobody can be asked (recovery at boot),
// or when the role's target has changed and the old one is to be retired. Errors:
// not_found/no_state, and those of open().
Result<std::filesystem::path> target_with_state(FileSystem& fs, const std::filesystem::path& root,
                                                const std::string& role);

}  // namespace rolesync
