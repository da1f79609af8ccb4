// SPDX-License-Identifier: Apache-2.0
// Small files of our own state: written whole, under a temporary name, synced and renamed, so that
// a reader and a lost power supply see the old or the new one. Any thread, one writer per path.
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "host/values/result.hpp"

namespace rolesync {

Status write_durably(const std::string& path, std::string_view text, mode_t mode = 0600);

// The same without syncing: after lost power it may be the old one, or empty.
Status write_whole(const std::string& path, std::string_view text, mode_t mode = 0600);

// Nothing when there is no such file. Error: failed/state_unreadable.
Result<std::optional<std::string>> read_if_there(const std::string& path);

// Makes the directory and its parents; the last one gets `mode`.
Status make_directories(const std::string& path, mode_t mode = 0700);

}  // namespace rolesync
