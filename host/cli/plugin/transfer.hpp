// SPDX-License-Identifier: Apache-2.0
// Both halves of a deployer on this machine: the files of a directory are offered, served on a
// socket and fetched, as between server and agent, and every byte that arrived is proven.
#pragma once
#include <filesystem>

#include "host/cli/plugin/local_calls.hpp"

namespace rolesync::cli {

// `staging`: new or empty. The answer is {"offer", "answer", "files", "bytes", "staging",
// "serving"} where serving is "ok" or what the serving half reported. Errors: also
// failed/blob_missing and failed/blob_differs.
Result<Json> run_transfer(LocalCalls& calls, const std::filesystem::path& directory,
                          const std::filesystem::path& staging);

}  // namespace rolesync::cli
