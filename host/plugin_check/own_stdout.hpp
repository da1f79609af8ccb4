// SPDX-License-Identifier: Apache-2.0
// Catches what is printed to stdout while it lives, in this process.
#pragma once
#include <string>

#include "host/process/unique_fd.hpp"

namespace rolesync::plugin_check {

class OwnStdout {
 public:
  OwnStdout();
  ~OwnStdout();  // stdout is what it was
  OwnStdout(const OwnStdout&) = delete;
  OwnStdout& operator=(const OwnStdout&) = delete;

  // So far; flushes the buffers of C first.
  std::string printed() const;

 private:
  UniqueFd saved_, caught_;
};

}  // namespace rolesync::plugin_check
