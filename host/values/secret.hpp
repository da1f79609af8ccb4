// SPDX-License-Identifier: Apache-2.0
// Random names and secrets from the operating system's generator. Any thread.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace rolesync {

// `bytes` random bytes as lower-case hex. Throws when the system has no randomness.
std::string random_hex(std::size_t bytes);

// prefix + "_" + 128 random bits: ids of jobs, tasks, commands, requests. For example
// "job_9f3c...".
std::string new_id(std::string_view prefix);

}  // namespace rolesync
