// SPDX-License-Identifier: Apache-2.0
// The text of openapi.yaml and of its viewer, built into the program (cmake/embed_text.cmake).
#pragma once
#include <string_view>
#include <utility>
#include <vector>

namespace rolesync::api {

const std::vector<std::pair<std::string_view, std::string_view>>& openapi_files();
// Likewise the files of docs/.
const std::vector<std::pair<std::string_view, std::string_view>>& docs_files();

}  // namespace rolesync::api
