// SPDX-License-Identifier: Apache-2.0
#include "host/plugin_check/subject.hpp"

#include <stdlib.h>

#include "host/plugin/library.hpp"
#include "host/values/file_text.hpp"

namespace rolesync::plugin_check {

namespace fs = std::filesystem;

Subject::Subject(fs::path file) : file_(std::move(file)) {}

Subject::~Subject() {
  std::error_code error;
  if (!scratch_.empty()) fs::remove_all(scratch_, error);
}

Result<std::string> Subject::bytes() const {
  std::error_code error;
  if (fs::is_regular_file(file_, error)) {
    if (auto bytes = file_text(file_)) return std::move(*bytes);
  }
  return Error{ErrorKind::failed, "file_unreadable", file_.string() + " cannot be read"};
}

Result<std::shared_ptr<const rs_plugin>> Subject::library() {
  if (library_) return library_;
  auto loaded = plugin::load_library(file_);
  if (loaded) library_ = *loaded;
  return loaded;
}

void Subject::unload() {
  library_.reset();
}

Result<std::string> Subject::descriptor_text() {
  const auto loaded = library();
  if (!loaded) return loaded.error();
  return plugin::describe(**loaded);
}

Result<plugin::Descriptor> Subject::descriptor() {
  const auto text = descriptor_text();
  if (!text) return text.error();
  return plugin::parse_descriptor(*text);
}

const fs::path& Subject::scratch() {
  if (scratch_.empty()) {
    std::string name = fs::temp_directory_path() / "rolesync-check-XXXXXX";
    scratch_ = ::mkdtemp(name.data());
  }
  return scratch_;
}

}  // namespace rolesync::plugin_check
