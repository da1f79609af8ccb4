// SPDX-License-Identifier: Apache-2.0
// Listening ports as the kernel tells them, with real sockets of this process.
#include "host/services/ports.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "host/process/unique_fd.hpp"

namespace rolesync {
namespace {

// A listener on a free port of 127.0.0.1 or ::1.
UniqueFd listen_on(int family, std::uint16_t& port) {
  UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage address{};
  socklen_t size = 0;
  if (family == AF_INET) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(address);
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    size = sizeof v4;
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
    v6.sin6_family = AF_INET6;
    v6.sin6_addr = in6addr_loopback;
    size = sizeof v6;
  }
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) return UniqueFd();
  if (::listen(fd.get(), 5) != 0) return UniqueFd();
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(family == AF_INET ? reinterpret_cast<sockaddr_in&>(address).sin_port
                                 : reinterpret_cast<sockaddr_in6&>(address).sin6_port);
  return fd;
}

const ListeningPort* find(const std::vector<ListeningPort>& ports, std::uint16_t port,
                          const std::string& address) {
  auto it = std::find_if(ports.begin(), ports.end(), [&](const ListeningPort& each) {
    return each.port == port && each.address == address;
  });
  return it == ports.end() ? nullptr : &*it;
}

TEST(Ports, FindsListenerWithItsOwnerAndForgetsItWhenClosed) {
  auto ports = kernel_ports();
  std::uint16_t port = 0;
  UniqueFd listener = listen_on(AF_INET, port);
  ASSERT_TRUE(listener);
  auto seen = ports->scan();
  ASSERT_TRUE(seen.ok()) << seen.error().message;
  const ListeningPort* found = find(*seen, port, "127.0.0.1");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->pid, ::getpid());
  EXPECT_FALSE(found->process.empty());

  listener.reset();
  seen = ports->scan();
  ASSERT_TRUE(seen.ok());
  EXPECT_EQ(find(*seen, port, "127.0.0.1"), nullptr);
}

TEST(Ports, FindsALaterListenerAndIpv6) {
  auto ports = kernel_ports();
  ASSERT_TRUE(ports->scan().ok());
  std::uint16_t port = 0;
  UniqueFd listener = listen_on(AF_INET6, port);
  if (!listener) GTEST_SKIP() << "no IPv6 here";
  auto seen = ports->scan();
  ASSERT_TRUE(seen.ok());
  const ListeningPort* found = find(*seen, port, "::1");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->pid, ::getpid());
}

TEST(Ports, AConnectionIsNotAListener) {
  auto ports = kernel_ports();
  std::uint16_t port = 0;
  UniqueFd listener = listen_on(AF_INET, port);
  UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  auto seen = ports->scan();
  ASSERT_TRUE(seen.ok());
  EXPECT_EQ(std::count_if(seen->begin(), seen->end(),
                          [&](const ListeningPort& each) { return each.port == port; }),
            1);
}

TEST(Ports, OwnersAreSearchedForOnceAndFoundAgainWhenTheyChange) {
  std::atomic<int> searches{0};
  auto ports = kernel_ports(&searches);
  std::uint16_t port = 0;
  UniqueFd listener = listen_on(AF_INET, port);
  ASSERT_TRUE(listener && ports->scan().ok());
  EXPECT_GE(searches, 1);
  // Those that were found and those that were not are remembered. Other programs of this machine
  // open sockets meanwhile, which is a search each: some five looks in a row see no new one.
  bool quiet = false;
  for (int round = 0; round < 200 && !quiet; ++round) {
    const int before = searches;
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(ports->scan().ok());
    quiet = searches == before;
  }
  EXPECT_TRUE(quiet);

  // The descriptor that was remembered is another file now; the socket lives on under another one.
  UniqueFd elsewhere(::fcntl(listener.get(), F_DUPFD_CLOEXEC, 200));
  ASSERT_TRUE(elsewhere);
  const UniqueFd other(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::dup3(other.get(), listener.get(), O_CLOEXEC), listener.get());
  const int before = searches;
  auto seen = ports->scan();
  ASSERT_TRUE(seen.ok());
  EXPECT_EQ(find(*seen, port, "127.0.0.1")->pid, ::getpid());
  EXPECT_GT(searches, before);

  // A child inherits the socket, and then it is the only one that has it.
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ready[1]);
    char byte = 0;
    (void)!::read(ready[0], &byte, 1);  // until the parent is gone or closes
    ::_exit(0);
  }
  ::close(ready[0]);
  elsewhere.reset();
  seen = ports->scan();
  ASSERT_TRUE(seen.ok());
  ASSERT_NE(find(*seen, port, "127.0.0.1"), nullptr);
  EXPECT_EQ(find(*seen, port, "127.0.0.1")->pid, child);
  ::close(ready[1]);
  ::waitpid(child, nullptr, 0);
  seen = ports->scan();
  EXPECT_EQ(find(*seen, port, "127.0.0.1"), nullptr);
}

TEST(Ports, AWildcardOfIpv6AnswersIpv4UnlessItSaysNot) {
  for (const int only : {0, 1}) {
    UniqueFd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      GTEST_SKIP() << "no IPv6 here";
    }
    ASSERT_EQ(::listen(fd.get(), 5), 0);
    socklen_t size = sizeof address;
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
    const auto seen = kernel_ports()->scan();
    ASSERT_TRUE(seen.ok());
    const ListeningPort* found = find(*seen, ntohs(address.sin6_port), "::");
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->v6_only, only == 1);
    EXPECT_EQ(reachable_at(*found, "127.0.0.1"), only == 0);
    EXPECT_TRUE(reachable_at(*found, "::1"));
  }
}

TEST(Ports, WhatIsReachedWhere) {
  const auto at = [](const char* address) { return ListeningPort{80, address, "", 0, false}; };
  EXPECT_TRUE(reachable_at(at("127.0.0.1"), "127.0.0.1"));
  EXPECT_FALSE(reachable_at(at("127.0.0.1"), "10.0.0.5"));
  EXPECT_FALSE(reachable_at(at("::1"), "127.0.0.1"));
  EXPECT_TRUE(reachable_at(at("0.0.0.0"), "10.0.0.5"));
  EXPECT_FALSE(reachable_at(at("0.0.0.0"), "::1"));
}

}  // namespace
}  // namespace rolesync
