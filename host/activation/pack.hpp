// SPDX-License-Identifier: Apache-2.0
// The blobs that a content has and an older one lacks, as one zstd frame that uses the files they
// replace as its dictionary: a small commit costs little more than its own lines. What is in a
// pack, and in which order, follows from the two manifests alone, so it needs no directory of its
// own (docs/formats.md). Pure; any thread.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/activation/manifest.hpp"

namespace rolesync {

struct PackPlan {
  // Files of `from` that `to` has with other bytes, in path order: their bytes, one after the
  // other, are the dictionary. Pointers into the manifests.
  std::vector<const ManifestEntry*> bases;
  // One entry per blob that only `to` has, in the path order of their first use.
  std::vector<const ManifestEntry*> blobs;
  std::uint64_t base_bytes = 0, blob_bytes = 0;

  // Packs are for small changes: both sides hold all of it in memory.
  bool fits() const { return base_bytes <= limit && blob_bytes <= limit && !blobs.empty(); }
  static constexpr std::uint64_t limit = 4 << 20;
};

// The manifests must outlive the plan.
PackPlan plan_pack(const Manifest& from, const Manifest& to);
PackPlan plan_pack(Manifest&& from, const Manifest& to) = delete;

// Error: failed/pack_failed, when zstd has no memory.
Result<std::string> make_pack(std::string_view bases, std::string_view blobs);

// The `bytes` bytes that were packed with the same bases. Never writes more than that, whatever the
// frame says. Error: invalid/invalid_pack.
Result<std::string> open_pack(std::string_view bases, std::string_view pack, std::uint64_t bytes);

// What a node that has `from` gets in one answer: the difference of the manifests, and the pack.
//   decimal length of the difference, LF, the difference, the zstd frame
inline constexpr const char* update_type = "application/x-rolesync-update";

struct Update {
  std::string_view delta, pack;  // into the text it was read from
};

std::string write_update(const Update& update);
Result<Update> read_update(std::string_view text);  // invalid/invalid_update

}  // namespace rolesync
