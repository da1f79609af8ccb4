// SPDX-License-Identifier: Apache-2.0
// A loaded plugin library. Every pointer handed out keeps the library mapped. Any thread.
#pragma once
#include <rolesync/abi.h>

#include <filesystem>
#include <memory>
#include <string>

#include "host/values/result.hpp"

namespace rolesync::plugin {

// Binds everything now, keeps its symbols to itself, and checks the door. Errors, all of kind
// invalid: symbol_unresolved, load_failed, entry_missing, wrong_magic, abi_unsupported,
// entry_incomplete. Loading runs the library's initialisers: a library that was not probed in a
// child may take the process down.
Result<std::shared_ptr<const rs_plugin>> load_library(const std::filesystem::path& path);

// Its descriptor's text. Errors: describe_failed.
Result<std::string> describe(const rs_plugin& plugin);

// A sink that appends to `text`.
rs_sink sink_into(std::string& text);

}  // namespace rolesync::plugin
