// SPDX-License-Identifier: Apache-2.0
// The Installation that switches file by file (`activation = in_place`). in_place_staging.cpp holds
// what touches nothing live, in_place_switch.cpp what does. One thread at a time.
#pragma once
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/activation/installation.hpp"
#include "host/activation/journal.hpp"
#include "host/activation/live_tree.hpp"
#include "host/activation/marker_record.hpp"
#include "host/activation/owner.hpp"
#include "host/activation/staging.hpp"
#include "host/activation/state_directory.hpp"
#include "host/activation/tree_switch.hpp"

namespace rolesync {

struct PackPlan;

class InPlaceInstallation final : public Installation {
 public:
  // `options` has canonical paths; `lock` is held for the object's life.
  InPlaceInstallation(FileSystem& fs, InstallationOptions options, StateDirectory state,
                      std::unique_ptr<FileLock> lock);
  // Reads marker, journal and stat cache. Once, before everything else.
  Status load();

  Status intact() override;
  bool has_record() const override { return record_.has_value(); }
  const Release* current() const override;
  std::vector<Release> kept() const override;
  bool interrupted() const override { return journal_.has_value(); }
  Result<std::string> recover() override;
  Result<Proof> prove(bool full) override;
  Result<Proof> prove_paths(const std::vector<std::string>& paths) override;
  Result<std::size_t> reread(std::size_t first, std::uint64_t bytes) override;
  Result<std::vector<ManifestEntry>> lacking(const Manifest& next, Look look) override;
  Status stage_pack(const Manifest& next, std::string_view pack) override;
  std::filesystem::path staging() const override { return state_.staging(); }
  Result<std::filesystem::path> delta_basis(const std::vector<ManifestEntry>& wanted) override;
  Status verify_staged(const Manifest& next, FirstInstall first_install) override;
  Status discard_staged() override;
  Result<SwitchReport> activate(Release next, FirstInstall first_install) override;
  Status adopt(Release base) override;
  Result<std::vector<std::string>> record_rewritten() override;
  using Installation::roll_back;
  Result<SwitchReport> roll_back(const Moment& now) override;
  Result<SwitchReport> remove() override;
  Status collect_garbage() override;

 private:
  // The steps of one checked and prepared switch.
  struct Prepared {
    std::string content_id;
    std::uint64_t sequence = 0;  // of the marker it starts from
    std::vector<SwitchStep> steps;
  };
  // What a rollback brings back, as far as this node has the bytes.
  struct WayBack {
    MarkerRecord record;
    Manifest goal;                // the files to place
    std::set<std::string> as_is;  // drifted paths without bytes: left alone
  };

  const MarkerRecord* installed() const;
  std::uint64_t sequence() const { return record_ ? record_->sequence : 0; }
  std::string relative_target() const;
  Status ready() const;
  Status know_drift(Look look);
  void save_cache();

  Result<std::set<std::string>> right_already(const Manifest& next);
  Result<std::vector<ManifestEntry>> supply(const std::vector<SwitchStep>& steps,
                                            const Manifest& next);
  Result<Prepared> prepare(const Manifest& next, const std::set<std::string>& as_is);
  Result<std::uint64_t> check_target();
  Error cross_device() const;
  Result<std::string> bases_of(const PackPlan& plan);
  Status check_exchange();
  Status check_space(const Manifest& next, std::uint64_t bytes) const;

  Result<WayBack> way_back();
  Status choose_bytes(WayBack& way, const std::vector<ManifestEntry>& lacking,
                      const FilesByPath& edits);
  Result<SwitchReport> switch_to(MarkerRecord next, Prepared prepared, std::uint64_t keep);
  Status write_intent(const MarkerRecord& next);
  Status commit(TreeSwitch& tree, const MarkerRecord& next);
  Status end_journal();
  Status end_undone();
  Result<std::vector<SavedFile>> settle_and_end();
  Error take_back(TreeSwitch& tree, const Error& why);
  void move_on(MarkerRecord next, const std::vector<SwitchStep>& steps);
  Status check_adoptable();
  Millis last_change(const Manifest& manifest);
  Result<TreeSwitch> tree_switch();
  Result<std::string> roll_forward_or_back();

  FileSystem& fs_;
  const InstallationOptions options_;
  const StateDirectory state_;
  const std::unique_ptr<FileLock> lock_;
  std::optional<MarkerRecord> record_;  // the marker
  std::optional<FileStat> marker_;      // of the marker's file, when it was last found intact
  std::optional<Journal> journal_;      // an interrupted switch
  std::optional<Prepared> prepared_;
  LiveTree live_;
  Staging staging_;
};

}  // namespace rolesync
