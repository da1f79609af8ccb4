// SPDX-License-Identifier: Apache-2.0
// The intent of one switch, durable before the first live file is touched: what recover() needs to
// end the switch in either direction (docs/formats.md). Pure; any thread.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "host/activation/known_file.hpp"

namespace rolesync {

// One path of the switch. Its slot is a name in staging/: before the step it holds the new file
// (a removal: nothing), after the step what was displaced.
struct SwitchStep {
  std::string path;
  MaybeFile old;   // what our records say is there; nothing when the path is not ours yet
  MaybeFile next;  // nothing: the path is cleared
  std::string slot;
};

struct Journal {
  std::uint64_t sequence = 0;     // of the release that this switch brings
  std::uint64_t keep = 0;         // origin of the current release when it is to be kept, else 0
  std::vector<SwitchStep> steps;  // by path
};

// What is wrong when it is not there although a switch has begun.
inline constexpr const char* kJournalLost = "it is missing, but a switch was under way";

std::string to_text(const Journal& journal);
Result<Journal> parse_journal(std::string_view text, const std::string& path);

// The same envelope for "which hand-made states did the kept release have": path -> what was there.
std::string edits_text(const FilesByPath& edits);
Result<FilesByPath> parse_edits(std::string_view text, const std::string& path);

}  // namespace rolesync
