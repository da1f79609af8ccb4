// SPDX-License-Identifier: Apache-2.0
#include "host/services/linux/socket_diag.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "host/process/unique_fd.hpp"

namespace rolesync {
namespace {

struct DumpRequest {
  nlmsghdr header{};
  inet_diag_req_v2 query{};
};

Error diag_failed(const char* what) {
  return {ErrorKind::failed, "ports_unknown",
          std::string("cannot ask the kernel for listening ports: ") + what + ": " +
              std::strerror(errno)};
}

// The attributes that follow the message.
bool is_v6_only(const nlmsghdr* header) {
  auto* at = reinterpret_cast<const rtattr*>(static_cast<const char*>(NLMSG_DATA(header)) +
                                             NLMSG_ALIGN(sizeof(inet_diag_msg)));
  auto left = static_cast<unsigned>(header->nlmsg_len - NLMSG_LENGTH(sizeof(inet_diag_msg)));
  for (; RTA_OK(at, left); at = RTA_NEXT(at, left)) {
    if (at->rta_type == INET_DIAG_SKV6ONLY) return *static_cast<const char*>(RTA_DATA(at)) != 0;
  }
  return false;
}

ListeningSocket to_socket(const inet_diag_msg& message) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(message.idiag_family, message.id.idiag_src, text.data(), text.size());
  return {ntohs(message.id.idiag_sport), text.data(), message.idiag_inode, false};
}

Status dump(int fd, int family, std::vector<ListeningSocket>& sockets) {
  DumpRequest request;
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.query.sdiag_family = static_cast<std::uint8_t>(family);
  request.query.sdiag_protocol = IPPROTO_TCP;
  request.query.idiag_states = 1u << TCP_LISTEN;
  if (family == AF_INET6) request.query.idiag_ext = 1u << (INET_DIAG_SKV6ONLY - 1);
  if (::send(fd, &request, sizeof request, 0) < 0) return diag_failed("send");
  alignas(nlmsghdr) std::array<char, 32768> buffer;
  for (;;) {
    const ssize_t size = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return diag_failed("receive");
    auto left = static_cast<unsigned>(size);
    for (auto* header = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(header, left);
         header = NLMSG_NEXT(header, left)) {
      if (header->nlmsg_type == NLMSG_DONE) return {};
      if (header->nlmsg_type == NLMSG_ERROR) {
        errno = -static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error;
        // A kernel without IPv6 has nothing to list there.
        return errno == ENOENT && family == AF_INET6 ? Status{} : diag_failed("dump");
      }
      if (header->nlmsg_len < NLMSG_LENGTH(sizeof(inet_diag_msg))) continue;
      sockets.push_back(to_socket(*static_cast<const inet_diag_msg*>(NLMSG_DATA(header))));
      sockets.back().v6_only = family == AF_INET6 && is_v6_only(header);
    }
  }
}

}  // namespace

Result<std::vector<ListeningSocket>> listening_sockets() {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!fd) return diag_failed("socket");
  const timeval limit{2, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  std::vector<ListeningSocket> sockets;
  for (int family : {AF_INET, AF_INET6}) {
    if (Status status = dump(fd.get(), family, sockets); !status) return status.error();
  }
  return sockets;
}

}  // namespace rolesync
