// SPDX-License-Identifier: Apache-2.0
#include "host/cli/demo/surroundings.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <random>
#include <thread>

namespace rolesync::cli {
namespace {

extern "C" void on_signal(int) {
  demo_stop = true;
}

bool is_free(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int reuse = 1;  // a connection that lingers from a demo before does not matter
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  const bool free = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return free;
}

}  // namespace

CancelFlag demo_stop{false};
static_assert(CancelFlag::is_always_lock_free, "it is set by a signal handler");

void watch_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
}

std::map<std::string, std::string> demo_environment() {
  std::map<std::string, std::string> environment{{"LANG", "C.UTF-8"}};
  for (const char* name : {"PATH", "TMPDIR", "HOME"})
    if (const char* value = ::getenv(name)) environment[name] = value;
  return environment;
}

Result<DemoDirectory> DemoDirectory::create() {
  const char* base = ::getenv("TMPDIR");
  std::string pattern = std::string(base && *base ? base : "/tmp") + "/rolesync-demo.XXXXXX";
  if (!::mkdtemp(pattern.data()))
    return Error{ErrorKind::failed, "demo_unwritable",
                 "cannot make a directory like " + pattern + ": " + std::strerror(errno),
                 "choose another place with TMPDIR"};
  std::error_code failed;
  const auto real = std::filesystem::canonical(pattern, failed);
  return DemoDirectory(failed ? pattern : real.string());
}

DemoDirectory::DemoDirectory(DemoDirectory&& other) noexcept
    : path_(std::move(other.path_)), keep_(other.keep_) {
  other.path_.clear();
}

DemoDirectory::~DemoDirectory() {
  if (path_.empty() || keep_) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Result<int> free_port() {
  std::random_device random;
  for (int attempt = 0; attempt < 200; ++attempt) {
    const int port = 20'000 + static_cast<int>(random() % 12'000);
    if (is_free(port)) return port;
  }
  return Error{ErrorKind::unavailable, "no_free_port", "no free port between 20000 and 32000"};
}

bool wait_until(std::chrono::milliseconds limit, const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!demo_stop) {
    if (condition()) return true;
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

}  // namespace rolesync::cli
