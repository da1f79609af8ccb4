// SPDX-License-Identifier: Apache-2.0
#include "host/services/health_probe.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "host/process/unique_fd.hpp"

namespace rolesync {
namespace {

using Deadline = std::chrono::steady_clock::time_point;

Error closed(int port, const std::string& why) {
  return {ErrorKind::unavailable, "port_closed",
          "port " + std::to_string(port) + " does not accept: " + why,
          "look at the service's own log"};
}

Error silent(int port, const char* what) {
  return {ErrorKind::timeout, "port_silent",
          "port " + std::to_string(port) + " " + what + " in time",
          "look at the service's own log"};
}

bool wait_for(int fd, short events, Deadline until) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd poll_fd{fd, events, 0};
    const int ready = ::poll(&poll_fd, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

Result<UniqueFd> connect_to(const std::string& host, int port, Deadline until) {
  sockaddr_storage address{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(address);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
  socklen_t length = 0;
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(static_cast<std::uint16_t>(port));
    length = sizeof v4;
  } else if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(static_cast<std::uint16_t>(port));
    length = sizeof v6;
  } else {
    return closed(port, host + " is not an address");
  }
  UniqueFd fd(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return closed(port, std::strerror(errno));
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), length) == 0) return fd;
  if (errno != EINPROGRESS) return closed(port, std::strerror(errno));
  if (!wait_for(fd.get(), POLLOUT, until)) return silent(port, "did not accept");
  int reason = 0;
  socklen_t size = sizeof reason;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &reason, &size);
  if (reason != 0) return closed(port, std::strerror(reason));
  return fd;
}

// Header values come from a role; nothing in it may end the line.
bool is_http_path(const std::string& path) {
  return !path.empty() && path[0] == '/' &&
         std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < 127; });
}

// "HTTP/1.1 200 OK" as far as needed.
Result<std::string> first_line(int fd, int port, Deadline until) {
  std::string line;
  std::array<char, 512> buffer;
  while (line.find('\n') == std::string::npos && line.size() < 4096) {
    if (!wait_for(fd, POLLIN, until)) return silent(port, "did not answer");
    const ssize_t size = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (size <= 0) return closed(port, "the connection ended without an answer");
    line.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return line.substr(0, line.find_first_of("\r\n"));
}

}  // namespace

Status probe_port(const std::string& address, int port, std::chrono::milliseconds limit) {
  Result<UniqueFd> fd = connect_to(address, port, std::chrono::steady_clock::now() + limit);
  return fd.ok() ? Status{} : Status{fd.error()};
}

Status probe_http(const std::string& address, int port, const std::string& path,
                  std::chrono::milliseconds limit) {
  if (!is_http_path(path)) {
    return Error{ErrorKind::invalid, "invalid_request", "'" + path + "' is not an HTTP path",
                 "correct the role's health_check_path"};
  }
  const Deadline until = std::chrono::steady_clock::now() + limit;
  Result<UniqueFd> fd = connect_to(address, port, until);
  if (!fd) return fd.error();
  const bool v6 = address.find(':') != std::string::npos;
  const std::string request = "GET " + path +
                              " HTTP/1.1\r\nHost: " + (v6 ? "[" + address + "]" : address) + ":" +
                              std::to_string(port) +
                              "\r\nUser-Agent: rolesync-agent\r\nAccept: */*\r\n"
                              "Connection: close\r\n\r\n";
  // Fits a fresh socket's buffer.
  if (::send(fd->get(), request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    return closed(port, std::strerror(errno));
  }
  Result<std::string> line = first_line(fd->get(), port, until);
  if (!line) return line.error();
  const bool http = line->size() >= 12 && line->rfind("HTTP/1.", 0) == 0 && (*line)[8] == ' ';
  if (http && ((*line)[9] == '2' || (*line)[9] == '3')) return {};
  return Error{ErrorKind::failed, "health_status",
               "port " + std::to_string(port) + path + " answered '" + *line + "'",
               "look at the service's own log"};
}

}  // namespace rolesync
