// SPDX-License-Identifier: Apache-2.0
// Reading the server's answers without trusting their shape: what is absent, null or of another
// type reads as empty, so that an older or newer server never crashes the CLI. Pure; any thread.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "host/values/json.hpp"

namespace rolesync::cli {

std::string text_of(const Json& object, const char* key);
std::int64_t number_of(const Json& object, const char* key);
bool flag_of(const Json& object, const char* key);

// The member, or a null, empty array or empty object that lives for ever.
const Json& member_of(const Json& object, const char* key);
const Json& array_of(const Json& object, const char* key);
const Json& object_of(const Json& object, const char* key);

std::vector<std::string> texts_of(const Json& object, const char* key);
std::string joined(const std::vector<std::string>& parts, const char* separator = ", ");

}  // namespace rolesync::cli
