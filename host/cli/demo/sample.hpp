// SPDX-License-Identifier: Apache-2.0
// The repository of the demo: a front end and a back end, each a small real web service that is
// part of the content, so that a bad commit really breaks something. Any thread.
#pragma once
#include <map>
#include <string>

#include "host/values/result.hpp"

namespace rolesync::cli {

// Path -> text of the first commit.
const std::map<std::string, std::string>& sample_files();

// A front end that starts and then fails every request: what the bad commit contains.
std::string broken_front_end();

Status write_text(const std::string& path, const std::string& text, bool executable = false);
Result<std::string> read_text(const std::string& path);

// Writes and commits the sample in a new repository (branch main).
Status make_sample_repository(const std::string& directory);

}  // namespace rolesync::cli
