// SPDX-License-Identifier: Apache-2.0
#include "host/plugin_check/own_stdout.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <cstdio>

namespace rolesync::plugin_check {

OwnStdout::OwnStdout() {
  std::fflush(stdout);
  saved_.reset(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
  caught_.reset(::memfd_create("stdout", MFD_CLOEXEC));
  ::dup2(caught_.get(), STDOUT_FILENO);
}

OwnStdout::~OwnStdout() {
  std::fflush(stdout);
  ::dup2(saved_.get(), STDOUT_FILENO);
}

std::string OwnStdout::printed() const {
  std::fflush(stdout);
  std::string text(256, '\0');
  const ssize_t count = ::pread(caught_.get(), text.data(), text.size(), 0);
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return text;
}

}  // namespace rolesync::plugin_check
