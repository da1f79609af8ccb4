// SPDX-License-Identifier: Apache-2.0
// The hook, run by real git commands, against a server that records what it is told.
#include "server/source/hook.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "host/values/secret.hpp"
#include "server/source/notification.hpp"
#include "tests/server/source/git_repository.hpp"

namespace rolesync::source {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

// Answers every request with 202 and keeps it; requests come one per connection, with a length.
class Recorder {
 public:
  struct Request {
    std::string first_line, body;
    std::map<std::string, std::string> headers;  // names in lower case
  };

  Recorder() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Recorder() {
    stopping_ = true;
    thread_.join();
    ::close(listener_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  void answer_with(int status) { status_ = status; }

  // The next one that was not taken yet.
  std::optional<Request> take() {
    std::unique_lock lock(mutex_);
    if (!arrived_.wait_for(lock, seconds(30), [&] { return taken_ < requests_.size(); })) {
      return std::nullopt;
    }
    return requests_[taken_++];
  }

 private:
  void serve() {
    while (!stopping_) {
      pollfd waiting{listener_, POLLIN, 0};
      if (::poll(&waiting, 1, 20) != 1) continue;
      const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) continue;
      answer(client);
      ::close(client);
    }
  }
  void answer(int client) {
    const timeval limit{10, 0};
    ::setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    std::string text;
    char bytes[4096];
    std::size_t head_end = std::string::npos, length = 0;
    Request request;
    while (head_end == std::string::npos || text.size() < head_end + 4 + length) {
      const ssize_t got = ::recv(client, bytes, sizeof bytes, 0);
      if (got <= 0) return;
      text.append(bytes, got);
      if (head_end != std::string::npos) continue;
      head_end = text.find("\r\n\r\n");
      if (head_end == std::string::npos) continue;
      request = parse_head(text.substr(0, head_end));
      length = std::stoul(request.headers["content-length"]);
    }
    request.body = text.substr(head_end + 4);
    const std::string answer =
        "HTTP/1.1 " + std::to_string(status_) + " Whatever\r\nContent-Length: 2\r\n\r\n{}";
    (void)::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
    const std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
    arrived_.notify_all();
  }
  static Request parse_head(const std::string& head) {
    Request request;
    std::size_t begin = 0;
    while (begin < head.size()) {
      const std::size_t end = std::min(head.find("\r\n", begin), head.size());
      const std::string line = head.substr(begin, end - begin);
      begin = end + 2;
      const std::size_t colon = line.find(": ");
      if (request.first_line.empty()) {
        request.first_line = line;
      } else if (colon != std::string::npos) {
        std::string name = line.substr(0, colon);
        std::transform(name.begin(), name.end(), name.begin(), ::tolower);
        request.headers[name] = line.substr(colon + 2);
      }
    }
    return request;
  }

  int listener_ = -1, port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> status_ = 202;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Request> requests_;
  std::size_t taken_ = 0;
  std::thread thread_;
};

class HookTest : public ::testing::Test {
 protected:
  void SetUp() override { write_file(key_file(), key_ + "\n"); }

  std::filesystem::path key_file() const { return directory_.path() / "a key"; }

  ChildResult install(const GitRepository& repository, const std::string& server_url) {
    const auto script =
        hook_script({.server_url = server_url, .source = "main", .key_file = key_file().string()});
    EXPECT_TRUE(script.ok()) << script.error().text();
    const auto file = directory_.path() / "hook.sh";
    write_file(file, *script);
    const auto done =
        run({"sh", file.string(), "--install", repository.path().string()}, directory_.path());
    EXPECT_TRUE(done.succeeded()) << done.explain();
    return done;
  }
  void install() { install(repository_, server_.url()); }

  // The next notification, verified as the server verifies it.
  Notification next() {
    const auto request = server_.take();
    EXPECT_TRUE(request.has_value()) << "no notification; the hook's log says: "
                                     << read_file(repository_.path() / ".git/rolesync-hook.log");
    if (!request) return {};
    EXPECT_EQ(request->first_line, "POST /api/code-source/notify HTTP/1.1");
    const auto headers = notify_headers(request->headers);
    EXPECT_TRUE(headers.ok()) << headers.error().text();
    using namespace std::chrono;
    const auto now = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
    const Status verified = verify_notification(*headers, request->body, key_, now);
    EXPECT_TRUE(verified.ok()) << verified.error().text();
    EXPECT_EQ(headers->source, "main");
    const auto read = parse_notification(request->body);
    EXPECT_TRUE(read.ok()) << read.error().text() << "\n" << request->body;
    return read.ok() ? *read : Notification{};
  }
  void expect_next(const std::string& branch, const std::string& old_commit,
                   const std::string& new_commit, bool forced = false) {
    const Notification got = next();
    EXPECT_EQ(got.branch, branch);
    EXPECT_EQ(got.old_commit, old_commit);
    EXPECT_EQ(got.new_commit, new_commit);
    EXPECT_EQ(got.forced, forced);
  }
  std::string commit(const std::string& message) {
    repository_.git({"commit", "--quiet", "--allow-empty", "-F", "-"}, message);
    return repository_.head();
  }

  const std::string key_ = random_hex(32);
  TemporaryDirectory directory_;
  GitRepository repository_{directory_.path() / "work"};
  Recorder server_;
};

TEST_F(HookTest, CommitsAreToldWhateverTheirMessageHolds) {
  install();
  const std::string first = commit("first");
  expect_next("main", "", first);
  const std::string second =
      commit("it's \"quoted\" \\ $(touch /tmp/x) `id`\n\n{\"a\": 1}\nemoji \xF0\x9F\x9A\x80");
  expect_next("main", first, second);
  repository_.git({"checkout", "--quiet", "-b", "topic/\"x\"-\xC3\xBC"});
  const std::string third = commit("elsewhere");
  expect_next("topic/\"x\"-\xC3\xBC", second, third);
}

TEST_F(HookTest, AnAmendIsForced) {
  install();
  const std::string first = commit("first");
  expect_next("main", "", first);
  const std::string second = commit("second");
  expect_next("main", first, second);
  repository_.git({"commit", "--quiet", "--allow-empty", "--amend", "-m", "second, better"});
  expect_next("main", second, repository_.head(), true);  // post-commit
  expect_next("main", second, repository_.head(), true);  // post-rewrite: the server knows it then
}

TEST_F(HookTest, MergesAreToldWithTheValueBeforeThem) {
  install();
  const std::string base = commit("base");
  expect_next("main", "", base);
  repository_.git({"checkout", "--quiet", "-b", "side"});
  const std::string side1 = commit("side 1");
  expect_next("side", base, side1);
  const std::string side2 = commit("side 2");
  expect_next("side", side1, side2);
  repository_.git({"checkout", "--quiet", "main"});
  repository_.git({"merge", "--quiet", "side"});  // fast forward
  expect_next("main", base, side2);
  const std::string ahead = commit("ahead");
  expect_next("main", side2, ahead);
  repository_.git({"checkout", "--quiet", "side"});
  const std::string side3 = commit("side 3");
  expect_next("side", side2, side3);
  repository_.git({"checkout", "--quiet", "main"});
  repository_.git({"merge", "--quiet", "--no-ff", "-m", "merged", "side"});
  expect_next("main", ahead, repository_.head());
}

TEST_F(HookTest, ARebaseIsToldOnceAtItsEnd) {
  const std::string base = commit("base");
  commit("one");
  repository_.write("a", "1");
  const std::string old = repository_.commit("two");
  repository_.git({"checkout", "--quiet", "-b", "upstream", base});
  repository_.write("b", "1");
  repository_.commit("upstream");
  repository_.git({"checkout", "--quiet", "main"});
  install();
  repository_.git({"rebase", "--quiet", "upstream"});
  expect_next("main", old, repository_.head(), true);
}

TEST_F(HookTest, APushTellsEveryBranchAndNoTag) {
  GitRepository central(directory_.path() / "central");
  central.git({"config", "core.bare", "true"});
  central.git({"config", "receive.denyDeletes", "false"});
  install(central, server_.url());
  repository_.git({"remote", "add", "origin", central.path().string()});
  const std::string first = commit("first");
  commit("second");
  const std::string third = commit("third");
  repository_.git({"tag", "v1"});
  repository_.git({"push", "--quiet", "origin", "main", "v1"});
  expect_next("main", "", third);

  repository_.git({"branch", "topic", first});
  const std::string fourth = commit("fourth");
  repository_.git({"push", "--quiet", "origin", "main", "topic"});
  Notification a = next(), b = next();  // sent at the same time
  if (*a.branch == "topic") std::swap(a, b);
  EXPECT_EQ(a.branch, "main");
  EXPECT_EQ(a.old_commit, third);
  EXPECT_EQ(a.new_commit, fourth);
  EXPECT_EQ(b.branch, "topic");
  EXPECT_EQ(b.new_commit, first);

  repository_.git({"reset", "--quiet", "--hard", first});
  repository_.git({"push", "--quiet", "--force", "origin", "main"});
  expect_next("main", fourth, first, true);
  repository_.git({"push", "--quiet", "origin", "--delete", "topic"});
  expect_next("topic", first, "");
}

TEST_F(HookTest, AHookThatWasThereIsKeptAndRunFirst) {
  const auto hook = repository_.path() / ".git/hooks/post-commit";
  const auto mark = directory_.path() / "old hook ran";
  write_file(hook, "#!/bin/sh\necho \"$#\" >>'" + mark.string() + "'\nexit 7\n");
  ::chmod(hook.c_str(), 0755);
  install();
  install();  // again: nothing is wrapped twice
  const std::string first = commit("first");
  expect_next("main", "", first);
  EXPECT_EQ(read_file(mark), "0\n");
  EXPECT_THAT(read_file(hook.string() + ".before-rolesync"), HasSubstr("exit 7"));
}

TEST_F(HookTest, TheInputOfAnOldPostReceiveHookReachesIt) {
  GitRepository central(directory_.path() / "central");
  central.git({"config", "core.bare", "true"});
  const auto hook = central.path() / ".git/hooks/post-receive";
  const auto mark = directory_.path() / "seen";
  write_file(hook, "#!/bin/sh\ncat >>'" + mark.string() + "'\n");
  ::chmod(hook.c_str(), 0755);
  install(central, server_.url());
  const std::string first = commit("first");
  repository_.git({"push", "--quiet", central.path().string(), "main"});
  expect_next("main", "", first);
  EXPECT_EQ(read_file(mark), std::string(40, '0') + " " + first + " refs/heads/main\n");
}

TEST_F(HookTest, ACommitDoesNotWaitForAServerThatHangs) {
  // Listens, accepts nobody: curl would wait for its full limit of 15 seconds, four times.
  const int silent = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(silent, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(silent, 4), 0);
  ::getsockname(silent, reinterpret_cast<sockaddr*>(&address), &size);
  install(repository_, "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)));
  const auto begin = std::chrono::steady_clock::now();
  commit("first");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(15));
  // The connection that waits is the hook's, still in the background.
  pollfd waiting{silent, POLLIN, 0};
  EXPECT_EQ(::poll(&waiting, 1, 30'000), 1);
  // A refusal ends it, so that nothing is left behind.
  const int client = ::accept4(silent, nullptr, nullptr, SOCK_CLOEXEC);
  const std::string no = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n";
  (void)::send(client, no.data(), no.size(), MSG_NOSIGNAL);
  const auto log = repository_.path() / ".git/rolesync-hook.log";
  const auto deadline = std::chrono::steady_clock::now() + seconds(30);
  while (read_file(log).find("refused the notification: 403") == std::string::npos &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_THAT(read_file(log), HasSubstr("refused the notification: 403"));
  ::close(client);
  ::close(silent);
}

TEST(HookScript, HoldsNoSecretAndRefusesWhatAShellCouldRead) {
  const HookOptions good{.server_url = "https://h:1/", .source = "main", .key_file = "/k"};
  const auto text = hook_script(good);
  ASSERT_TRUE(text.ok());
  EXPECT_THAT(*text, HasSubstr("server_url='https://h:1'\n"));
  EXPECT_THAT(*text, ::testing::Not(HasSubstr("='@")));
  for (const char* url : {"", "ftp://h", "https://h'; id; '", "https://h/$(id)", "-o/etc/x"}) {
    HookOptions bad = good;
    bad.server_url = url;
    EXPECT_EQ(hook_script(bad).error().reason, "hook_option_invalid") << url;
  }
  for (const char* file : {"", "relative", "/it's", "/new\nline"}) {
    HookOptions bad = good;
    bad.key_file = file;
    EXPECT_FALSE(hook_script(bad).ok()) << file;
  }
  HookOptions bad = good;
  bad.source = "Main'";
  EXPECT_FALSE(hook_script(bad).ok());
}

}  // namespace
}  // namespace rolesync::source
