// SPDX-License-Identifier: Apache-2.0
// `rolesync plugin new KIND NAME`: a small project that builds, with tests.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "host/cli/plugin/author.hpp"
#include "host/cli/plugin/project.hpp"
#include "host/cli/programs.hpp"
#include "host/cli/session.hpp"

namespace rolesync::cli {
namespace {

namespace fs = std::filesystem;

struct Wanted {
  std::string kind, name, directory;
};

// The prefix whose bin/ we run from, when the SDK is installed there.
std::string sdk_prefix() {
  std::error_code error;
  const fs::path prefix = fs::path(program_directory()).parent_path();
  for (const char* lib : {"lib", "lib64"}) {
    if (fs::exists(prefix / lib / "cmake/RoleSyncSDK", error)) return prefix;
    for (const auto& entry : fs::directory_iterator(prefix / lib, error)) {
      if (fs::exists(entry.path() / "cmake/RoleSyncSDK", error)) return prefix;
    }
  }
  return "";
}

// CMake looks into the prefixes whose bin/ is in PATH.
bool is_in_path(const Session& session, const std::string& prefix) {
  const std::string path = session.environment()("PATH").value_or("");
  return (":" + path + ":").find(":" + prefix + "/bin:") != std::string::npos;
}

void tell_next_steps(const Session& session, const fs::path& directory) {
  const std::string prefix = sdk_prefix();
  session.say("Next:");
  if (prefix.empty()) {
    session.say("  # the SDK is not installed beside this program; from a source tree:");
    session.say("  cmake --install build --component sdk --prefix ~/.local/rolesync-sdk");
    session.say("  export CMAKE_PREFIX_PATH=~/.local/rolesync-sdk");
  } else if (!is_in_path(session, prefix)) {
    session.say("  export CMAKE_PREFIX_PATH=" + prefix);
  }
  session.say("  cd " + directory.string());
  session.say("  cmake --workflow --preset dev    # configure, build, unit tests, plugin check");
}

int write_new(Session& session, const Wanted& wanted) {
  auto files = new_project(wanted.kind, wanted.name);
  if (!files) return session.fail(files.error());
  const fs::path directory = wanted.directory.empty() ? wanted.name : wanted.directory;
  if (Status status = write_project(directory, *files); !status)
    return session.fail(status.error());
  for (const ProjectFile& file : *files) session.print((directory / file.name).string() + "\n");
  tell_next_steps(session, directory);
  return kOk;
}

}  // namespace

void add_plugin_new(CLI::App& plugin, Session& session) {
  auto wanted = std::make_shared<Wanted>();
  CLI::App* verb = plugin.add_subcommand("new", "write the project of a new plugin");
  verb->add_option("kind", wanted->kind, "role, detector, deployer or restart_strategy")
      ->required();
  verb->add_option("name", wanted->name, "its id: lower-case letters, digits and '-'")->required();
  verb->add_option("--directory", wanted->directory, "where to write it; default: ./NAME");
  verb->callback([&session, wanted] {
    session.action = [&session, wanted] { return write_new(session, *wanted); };
  });
}

}  // namespace rolesync::cli
