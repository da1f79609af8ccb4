// SPDX-License-Identifier: Apache-2.0
#include "host/cli/json_input.hpp"

#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "host/values/file_text.hpp"

namespace rolesync::cli {

Result<Json> read_json_input(const std::string& path) {
  std::string text;
  if (path == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    auto read = file_text(path);
    if (!read) {
      return Error{ErrorKind::not_found, "file_unreadable", "cannot read " + path,
                   "give a JSON file, or - for standard input"};
    }
    text = std::move(*read);
  }
  return parse_json(text);
}

}  // namespace rolesync::cli
