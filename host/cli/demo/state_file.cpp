// SPDX-License-Identifier: Apache-2.0
#include "host/cli/demo/state_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "host/cli/fields.hpp"

namespace rolesync::cli {
namespace {

Error no_demo() {
  return {ErrorKind::not_found, "no_demo", "no demo is running",
          "start one in another terminal: rolesync demo"};
}

// Everything inside single quotes is literal for a shell, but the quote itself.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace

std::string demo_state_path(const Environment& environment) {
  return environment("TMPDIR").value_or("/tmp") + "/rolesync-demo-" + std::to_string(::getuid()) +
         ".json";
}

std::string process_start_time(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');  // the name may hold blanks
  if (name_end == std::string::npos) return {};
  std::istringstream fields(line.substr(name_end + 1));
  std::string field;
  for (int i = 3; i <= 22; ++i) fields >> field;  // field 22 of proc(5)
  return field;
}

Status write_demo_state(const std::string& path, const DemoState& state) {
  ::unlink(path.c_str());  // of a demo before; fails when it is another user's, and then so do we
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  const std::string text = to_text({{"pid", state.pid},
                                    {"start_time", state.start_time},
                                    {"directory", state.directory},
                                    {"url", state.url},
                                    {"token", state.token}});
  const bool written =
      fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int cause = errno;
  if (fd >= 0) ::close(fd);
  if (written) return {};
  return Error{ErrorKind::failed, "demo_unwritable",
               "cannot write " + path + ": " + std::strerror(cause),
               "choose another place with TMPDIR"};
}

Result<DemoState> read_demo_state(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return no_demo();
  struct stat info {};
  std::string text(64 << 10, '\0');
  const bool ours = ::fstat(fd, &info) == 0 && info.st_uid == ::getuid();
  const ssize_t size = ours ? ::read(fd, text.data(), text.size()) : -1;
  ::close(fd);
  if (size < 0) return no_demo();
  const auto json = parse_json(std::string_view(text).substr(0, static_cast<std::size_t>(size)));
  if (!json) return no_demo();
  DemoState state{static_cast<pid_t>(number_of(*json, "pid")), text_of(*json, "start_time"),
                  text_of(*json, "directory"), text_of(*json, "url"), text_of(*json, "token")};
  if (state.start_time.empty() || process_start_time(state.pid) != state.start_time)
    return no_demo();
  return state;
}

std::string shell_environment(const DemoState& state, const std::string& program_directory) {
  return "export ROLESYNC_URL=" + quoted(state.url) + "\n" +
         "export ROLESYNC_TOKEN=" + quoted(state.token) + "\n" +
         "export ROLESYNC_DEMO=" + quoted(state.directory) + "\n" +
         "export PATH=" + quoted(program_directory) + ":\"$PATH\"\n";
}

}  // namespace rolesync::cli
