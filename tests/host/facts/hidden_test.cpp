// SPDX-License-Identifier: Apache-2.0
// What an agent may not see: ports without their owners, no sockets at all, other network and
// process namespaces, paths that another user may not pass. Each is told as that, and not as a
// state of the machine. In children of this test that give up rights; those that need root are
// skipped without.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>

#include "host/facts/facts.hpp"
#include "host/process/unique_fd.hpp"

namespace rolesync {
namespace {

constexpr uid_t kNobody = 65534;

class Hidden : public ::testing::Test {
 protected:
  void SetUp() override {
    listener_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(listener_.get(), 5), 0);
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }

  // What a child says in which `give_up` went well; 99 when it did not.
  static int in_child(const std::function<bool()>& give_up, const std::function<int()>& look) {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(give_up() ? look() : 99);
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
  }

  // 0: not there; 1: there, its process hidden; 2: there, with its process; 3: not known.
  int port_as_seen() const {
    const auto ports = kernel_ports();
    const auto facts = collect_facts({}, *systemd_units(), *ports);
    if (!facts->ports_error.empty()) return 3;
    for (const ListeningPort& each : facts->ports) {
      if (each.port == port_) return each.pid == 0 && each.process.empty() ? 1 : 2;
    }
    return 0;
  }

  UniqueFd listener_;
  std::uint16_t port_ = 0;
};

TEST_F(Hidden, ThePortsOfOtherUsersHaveNoProcess) {
  EXPECT_EQ(port_as_seen(), 2);
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  const auto become_nobody = [] { return ::setgid(kNobody) == 0 && ::setuid(kNobody) == 0; };
  EXPECT_EQ(in_child(become_nobody,
                     [&] {
                       listener_.reset();  // the parent's copy is the one in question
                       return port_as_seen();
                     }),
            1);
}

TEST_F(Hidden, WithoutASocketForTheQuestionNothingIsKnown) {
  EXPECT_EQ(port_as_seen(), 2);  // a sanitizer, too, looks at types for the first time with a pipe
  const auto no_descriptors = [] {
    const rlimit none{0, 0};
    return ::setrlimit(RLIMIT_NOFILE, &none) == 0;
  };
  EXPECT_EQ(in_child(no_descriptors, [&] { return port_as_seen(); }), 3);
}

TEST_F(Hidden, AnotherNetworkIsAnotherMachine) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to make a network namespace";
  EXPECT_EQ(in_child([] { return ::unshare(CLONE_NEWNET) == 0; }, [&] { return port_as_seen(); }),
            0);
}

TEST_F(Hidden, AProcessInAnotherProcessNamespaceIsNotVisible) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to make a process namespace";
  const auto own_processes = [] {
    if (::unshare(CLONE_NEWPID | CLONE_NEWNS) != 0) return false;
    const pid_t pid = ::fork();  // the first process of the new namespace
    if (pid != 0) {
      int status = 0;
      ::waitpid(pid, &status, 0);
      ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 98);
    }
    return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("proc", "/proc", "proc", 0, nullptr) == 0;
  };
  EXPECT_EQ(in_child(own_processes,
                     [&] {
                       listener_.reset();
                       return port_as_seen();
                     }),
            1);
}

TEST_F(Hidden, APathThatMayNotBePassedIsNotAbsent) {
  std::string directory = "/tmp/rolesync-hidden-XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);  // mode 0700
  ASSERT_EQ(::mkdir((directory + "/role").c_str(), 0755), 0);
  const auto look = [&](const std::string& path) {
    const auto units = systemd_units();
    const auto facts = collect_facts({{path}, {}}, *units, *kernel_ports());
    if (facts->path_errors.contains(path)) return 2;
    return facts->path_exists.at(path) ? 1 : 0;
  };
  EXPECT_EQ(look(directory + "/role"), 1);
  EXPECT_EQ(look(directory + "/none"), 0);
  EXPECT_EQ(look(directory + "/role/none/deeper"), 0);
  if (::geteuid() == 0) {
    EXPECT_EQ(
        in_child([] { return ::setuid(kNobody) == 0; }, [&] { return look(directory + "/role"); }),
        2);
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace rolesync
