// SPDX-License-Identifier: Apache-2.0
// The real program: what it says about a wrong command line, and how it exits.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/process/child.hpp"
#include "tests/place.hpp"

namespace rolesync::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// A port nobody listens on while this object lives: bound, but not listening.
class ClosedPort {
 public:
  ClosedPort() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(fd_, reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~ClosedPort() { ::close(fd_); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  int fd_, port_ = 0;
};

ChildResult rolesync(std::vector<std::string> arguments,
                     std::map<std::string, std::string> environment = {}) {
  ChildSpec spec;
  spec.argv = std::move(arguments);
  spec.argv.insert(spec.argv.begin(), build_directory() + "/bin/rolesync");
  spec.environment = std::move(environment);
  auto result = run_child(spec);
  return result ? *result : ChildResult{};
}

TEST(Arguments, HelpIsDataAndNoError) {
  const auto help = rolesync({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.output, HasSubstr("Exit codes:"));
  for (const char* noun : {"demo", "status", "plan", "sync", "job", "node", "role", "source",
                           "commit", "plugin", "token", "server", "agent"})
    EXPECT_THAT(help.output, HasSubstr(noun));
}

TEST(Arguments, UsageErrorsExitTwoAndLeaveStdoutEmpty) {
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"nonsense"},
      {"status", "--nonsense"},
      {"node"},
      {"node", "show"},
      {"-o", "xml", "status"},
      {"sync"},
      {"sync", "--approve"},
      {"sync", "frontend"},
      {"sync", "--plan", "x", "--approve"},
      {"sync", "--plan", "x", "--node", "n"},
      {"sync", "a", "--approve", "--restart", "maybe"},
      {"source", "set", "--repository", "/r"},
      {"token", "create"},
      {"token", "create", "x", "--scope", "root"},
      {"job", "list", "--limit", "0"}};
  for (const auto& arguments : wrong) {
    const auto result = rolesync(arguments);
    EXPECT_EQ(result.exit_code, 2) << testing::PrintToString(arguments);
    EXPECT_THAT(result.output, IsEmpty()) << testing::PrintToString(arguments);
    EXPECT_FALSE(result.errors.empty()) << testing::PrintToString(arguments);
  }
}

TEST(Arguments, AnUnreachableServerExitsEightAndSaysWhatToDo) {
  const ClosedPort closed;
  const auto result = rolesync({"status"}, {{"ROLESYNC_URL", closed.url()}});
  EXPECT_EQ(result.exit_code, 8);
  EXPECT_THAT(result.output, IsEmpty());
  EXPECT_THAT(result.errors, HasSubstr("error: "));
  EXPECT_THAT(result.errors, HasSubstr("-> "));
}

TEST(Arguments, OptionsMayFollowTheVerb) {
  const ClosedPort closed;
  const auto result = rolesync({"node", "list", "-o", "json", "--url", closed.url()});
  EXPECT_EQ(result.exit_code, 8) << result.errors;
}

// "--node n1 frontend" names one node and one role.
TEST(Arguments, ARepeatableOptionTakesOneValueEach) {
  const ClosedPort closed;
  const auto result = rolesync({"sync", "--approve", "--node", "n1", "--node", "n2", "frontend"},
                               {{"ROLESYNC_URL", closed.url()}});
  EXPECT_EQ(result.exit_code, 8) << result.errors;
}

TEST(Arguments, AFileThatIsNoRoleIsRefusedBeforeAnyRequest) {
  const auto missing = rolesync({"role", "apply", "/nonexistent.json"});
  EXPECT_EQ(missing.exit_code, 3);
  EXPECT_THAT(missing.errors, HasSubstr("/nonexistent.json"));
}

TEST(Arguments, NoDemoRunningIsNotFound) {
  const auto result = rolesync({"demo", "env"}, {{"TMPDIR", "/nonexistent-directory"}});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.errors, HasSubstr("rolesync demo"));
}

TEST(Arguments, ColourIsForTerminalsOnly) {
  EXPECT_EQ(rolesync({"sync"}, {{"TERM", "xterm-256color"}}).errors.find('\033'),
            std::string::npos);
}

}  // namespace
}  // namespace rolesync::cli
