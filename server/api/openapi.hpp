// SPDX-License-Identifier: Apache-2.0
// The text of openapi.yaml, built into the program (cmake/embed_text.cmake).
#pragma once
#include <string_view>
#include <utility>
#include <vector>

namespace rolesync::api {

const std::vector<std::pair<std::string_view, std::string_view>>& openapi_files();

}  // namespace rolesync::api
