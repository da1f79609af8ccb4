// SPDX-License-Identifier: Apache-2.0
// A release as the marker and the files of releases/ hold it (docs/formats.md). Pure; any thread.
#pragma once
#include <cstdint>
#include <string>

#include "host/activation/installation.hpp"

namespace rolesync {

struct MarkerRecord {
  Release release;
  std::uint64_t sequence = 0;  // counts the switches of this installation
  std::uint64_t origin = 0;    // the sequence that first brought this release; less after roll_back
  std::string target;          // relative to the root, so that a root can be moved
  bool removed = false;        // the end of an undeployment: nothing is installed

  // What should be on the disk at an entry of the manifest: nothing when post_sync removed it.
  const std::string& expected_id(const ManifestEntry& entry) const;
};

std::string to_text(const MarkerRecord& record);
Result<MarkerRecord> parse_marker_record(std::string_view text, const std::string& path);

}  // namespace rolesync
