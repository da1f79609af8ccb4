// SPDX-License-Identifier: Apache-2.0
#include "host/cli/hook_install.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "host/process/child.hpp"
#include "host/values/file_text.hpp"

namespace rolesync::cli {
namespace {

namespace fs = std::filesystem;

// Our script names the hook it keeps; no other script does.
constexpr const char* kMark = "before-rolesync";

Error unwritable(const std::string& path) {
  return {ErrorKind::failed, "hook_unwritable",
          "cannot write " + path + ": " + std::strerror(errno),
          "run this as the user who owns the repository"};
}

// Complete, with its final mode, before it has its name: git may run the hook at any moment.
Status write_file(const std::string& path, const std::string& text, mode_t mode) {
  const std::string temporary = path + ".new";
  ::unlink(temporary.c_str());
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return unwritable(path);
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::fchmod(fd, mode) == 0 && ::fsync(fd) == 0;
  ::close(fd);
  if (!written || ::rename(temporary.c_str(), path.c_str()) != 0) return unwritable(path);
  return {};
}

// Nothing to keep, or kept now, or an Error when two hooks would want the same place.
Result<bool> keep_older(const std::string& hook) {
  std::error_code failed;
  if (!fs::exists(fs::symlink_status(hook, failed))) return false;
  if (file_text(hook).value_or("").find(kMark) != std::string::npos) return false;
  const std::string kept = hook + "." + kMark;
  if (fs::exists(fs::symlink_status(kept, failed)))
    return Error{ErrorKind::conflict, "hook_in_the_way",
                 hook + " is not ours and " + kept + " exists already",
                 "merge the two by hand, remove one of them, and try again"};
  fs::rename(hook, kept, failed);
  if (failed) return unwritable(kept);
  return true;
}

bool is_hook_name(const std::string& name) {
  return name.size() > 5 && name.rfind("post-", 0) == 0 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string::npos;
}

}  // namespace

Status check_hook_programs() {
  const char* given = std::getenv("PATH");
  const char* path = given ? given : "/usr/local/bin:/usr/bin:/bin";  // as execvp does without one
  std::string missing;
  for (const char* name : {"git", "curl", "openssl"}) {
    bool found = false;
    std::istringstream directories(path);
    for (std::string directory; !found && std::getline(directories, directory, ':');)
      found = ::access((directory + "/" + name).c_str(), X_OK) == 0;
    if (!found) missing += std::string(missing.empty() ? "" : " ") + name;
  }
  if (missing.empty()) return {};
  return Error{ErrorKind::failed, "program_missing",
               "the hook needs programs that are not on this machine: " + missing,
               "install them (apt-get install " + missing + ") and try again"};
}

Result<HookPlace> find_hook_place(const std::string& repository) {
  ChildSpec spec;
  // The user's own configuration counts here: core.hooksPath and safe.directory are theirs.
  for (const char* name : {"PATH", "HOME", "XDG_CONFIG_HOME"})
    if (const char* value = std::getenv(name)) spec.environment[name] = value;
  spec.argv = {"git", "rev-parse", "--path-format=absolute", "--git-path", "hooks"};
  spec.directory = repository;
  const auto git = run_child(spec);
  if (!git || !git->succeeded())
    return Error{
        ErrorKind::not_found, "not_a_repository",
        repository + " is not a git repository: " + (git ? git->explain() : git.error().message),
        "give its path with --repository"};
  HookPlace place;
  place.directory = git->output.substr(0, git->output.find('\n'));
  return place;
}

Result<std::vector<std::string>> install_hook(const HookPlace& place, const HookFiles& files) {
  if (files.script.empty() || files.key.empty() || files.hooks.empty())
    return Error{ErrorKind::failed, "unreadable_answer", "the server sent no hook",
                 "check that server and CLI are of the same version"};
  std::error_code failed;
  fs::create_directories(place.directory, failed);
  if (failed) return unwritable(place.directory);
  std::vector<std::string> done;
  if (auto status = write_file(place.key_file(), files.key + "\n", 0600); !status)
    return status.error();
  for (const std::string& name : files.hooks) {
    if (!is_hook_name(name))
      return Error{ErrorKind::failed, "unreadable_answer", "the server sent a hook named " + name,
                   "check that this is a rolesync server"};
    const std::string hook = place.directory + "/" + name;
    auto kept = keep_older(hook);
    if (!kept) return kept.error();
    if (auto status = write_file(hook, files.script, 0755); !status) return status.error();
    done.push_back("installed " + hook + (*kept ? "; the older hook is kept and runs first" : ""));
  }
  return done;
}

}  // namespace rolesync::cli
