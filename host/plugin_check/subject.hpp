// SPDX-License-Identifier: Apache-2.0
// The plugin that a check looks at, in this process: read, loaded and described when first asked
// for. Owned by one check; one thread, except where a check says otherwise.
#pragma once
#include <rolesync/abi.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "host/plugin/descriptor.hpp"
#include "host/values/result.hpp"

namespace rolesync::plugin_check {

class Subject {
 public:
  explicit Subject(std::filesystem::path file);  // absolute
  ~Subject();

  const std::filesystem::path& file() const { return file_; }
  Result<std::string> bytes() const;
  Result<std::shared_ptr<const rs_plugin>> library();
  void unload();  // the references of the caller must be gone

  Result<std::string> descriptor_text();
  Result<plugin::Descriptor> descriptor();

  // A directory for this check: an empty target, staging and so on; gone with the subject.
  const std::filesystem::path& scratch();

 private:
  const std::filesystem::path file_;
  std::shared_ptr<const rs_plugin> library_;
  std::filesystem::path scratch_;
};

}  // namespace rolesync::plugin_check
