// SPDX-License-Identifier: Apache-2.0
#include "host/cli/programs.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace rolesync::cli {

std::string program_directory() {
  std::error_code failed;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  return failed ? std::string(".") : self.parent_path().string();
}

Result<std::string> find_program(const std::string& name) {
  const std::string path = program_directory() + "/" + name;
  if (::access(path.c_str(), X_OK) == 0) return path;
  return Error{ErrorKind::not_found, "program_missing",
               name + " is not installed beside rolesync (" + path + ")",
               "build everything with script/build, or install the whole package"};
}

std::vector<std::string> program_arguments(const std::vector<std::string>& arguments) {
  std::vector<std::string> argv = {"rolesync-" + arguments.at(0)};
  argv.insert(argv.end(), arguments.begin() + 1, arguments.end());
  return argv;
}

Error replace_by_program(const std::vector<std::string>& argv) {
  auto path = find_program(argv.at(0));
  if (!path) return path.error();
  std::vector<char*> raw;
  raw.reserve(argv.size() + 1);
  for (const std::string& argument : argv) raw.push_back(const_cast<char*>(argument.c_str()));
  raw.push_back(nullptr);
  ::execv(path->c_str(), raw.data());
  return {ErrorKind::failed, "exec_failed", "cannot start " + *path + ": " + std::strerror(errno),
          "check that the file is a program for this machine"};
}

}  // namespace rolesync::cli
