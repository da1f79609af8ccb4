// SPDX-License-Identifier: Apache-2.0
// A front with a few routes on a free port of 127.0.0.1, and a raw socket to say improper things.
#pragma once
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "host/client/http_client.hpp"
#include "server/http/front.hpp"

namespace rolesync::http {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Waits for a condition, not for a time: fails only when it never comes.
inline bool eventually(const std::function<bool()>& condition, seconds most = seconds(20)) {
  const auto until = std::chrono::steady_clock::now() + most;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return true;
}

class RawSocket {
 public:
  explicit RawSocket(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
      throw std::runtime_error("cannot connect");
    }
  }
  ~RawSocket() { close(); }
  RawSocket(RawSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  // Reads until the text stands in what was read, or the end. What was read stays in `seen`.
  bool read_until(std::string_view text) {
    while (seen.find(text) == std::string::npos) {
      if (!read_some()) return false;
    }
    return true;
  }
  std::string read_all() {
    while (read_some()) {
    }
    return seen;
  }
  // One whole answer with Content-Length; takes it out of `seen`.
  std::string read_answer() {
    if (!read_until("\r\n\r\n")) return {};
    const std::size_t head = seen.find("\r\n\r\n") + 4;
    std::size_t length = 0;
    const std::size_t at = seen.find("Content-Length: ");
    if (at < head) length = std::stoul(seen.substr(at + 16));
    while (seen.size() < head + length) {
      if (!read_some()) return {};
    }
    std::string answer = seen.substr(0, head + length);
    seen.erase(0, head + length);
    return answer;
  }
  void finish_sending() { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  std::string seen;

 private:
  bool read_some() {
    pollfd p{fd_, POLLIN, 0};
    if (::poll(&p, 1, 20'000) <= 0) return false;
    char piece[4096];
    const ssize_t n = ::recv(fd_, piece, sizeof piece, 0);
    if (n <= 0) return false;
    seen.append(piece, static_cast<std::size_t>(n));
    return true;
  }
  int fd_;
};

// Holds Replies for the test to answer.
struct Parked {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::shared_ptr<Reply>> replies;
  int closed = 0;

  std::shared_ptr<Reply> take() {
    std::unique_lock lock(mutex);
    if (!changed.wait_for(lock, seconds(20), [&] { return !replies.empty(); })) return nullptr;
    auto reply = replies.back();
    replies.pop_back();
    return reply;
  }
};

// A door that a handler waits at until the test opens it.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  int inside = 0;
  void pass() {
    std::unique_lock lock(mutex);
    ++inside;
    changed.notify_all();
    changed.wait(lock, [&] { return open; });
    --inside;
  }
  bool wait_for_inside(int n) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, seconds(20), [&] { return inside >= n; });
  }
  void let_go() {
    std::lock_guard lock(mutex);
    open = true;
    changed.notify_all();
  }
};

inline Result<Principal> test_login(const Request& request) {
  const auto header = request.headers.find("authorization");
  if (header == request.headers.end()) return Principal{};
  if (header->second == "Bearer admin") {
    return Principal{Principal::Kind::token, "t1", "root", {"admin"}};
  }
  if (header->second == "Bearer reader") {
    return Principal{Principal::Kind::token, "t2", "reader", {"read"}};
  }
  if (header->second == "Bearer n1") return Principal{Principal::Kind::node, "n1", "n1", {}};
  return Error{ErrorKind::unauthenticated, "token_unknown", "This token is not known", ""};
}

class FrontTest : public ::testing::Test {
 protected:
  FrontTest() {
    options.limits.stop_time = milliseconds(10'000);
    add_routes();
  }
  ~FrontTest() override {
    gate.let_go();
    std::lock_guard lock(parked.mutex);
    parked.replies.clear();
  }

  void add_routes() {
    router.on("GET", "/hello", Policy::open(), [](const Request& r) {
      return Response{
          200, {{"Content-Type", "text/plain"}}, r.query.contains("x") ? r.query.at("x") : "hello"};
    });
    router.on("POST", "/echo", Policy::open(),
              [](const Request& r) {
                return Response{200, {}, r.body};
              },
              {.max_body = 1 << 20, .content_type = ""});
    router.on("PUT", "/json", Policy::open(),
              [](const Request& r) { return json_response(200, r.body); }, {.max_body = 100});
    router.on("GET", "/throw/{how}", Policy::open(), [](const Request& r) -> Response {
      if (r.parameters.at("how") == "std") throw std::runtime_error("the secret is 42");
      if (r.parameters.at("how") == "int") throw 7;
      return {};
    });
    router.on("GET", "/gate", Policy::open(), [this](const Request&) {
      gate.pass();
      return Response{200, {}, "through"};
    });
    router.on("GET", "/read", Policy::scope("read"), [](const Request& r) {
      return Response{200, {}, r.principal.id};
    });
    router.on_waiting("POST", "/api/nodes/{id}/heartbeat", Policy::node(),
                      [this](const Request&, std::shared_ptr<Reply> reply) {
                        std::lock_guard lock(parked.mutex);
                        reply->on_closed([this] {
                          std::lock_guard inner(parked.mutex);
                          ++parked.closed;
                          parked.changed.notify_all();
                        });
                        parked.replies.push_back(std::move(reply));
                        parked.changed.notify_all();
                      });
  }

  void start() {
    front = std::make_unique<Front>(options, router);
    const Status started = front->start();
    ASSERT_TRUE(started.ok()) << started.error().text();
  }

  std::unique_ptr<HttpClient> client(const std::string& token = "") {
    auto made = HttpClient::create({front->url(), fingerprint, ""}, token);
    EXPECT_TRUE(made.ok());
    return std::move(*made);
  }

  static std::string heartbeat(const std::string& token = "n1", const std::string& node = "n1") {
    return "POST /api/nodes/" + node + "/heartbeat HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " +
           token + "\r\nContent-Length: 0\r\n\r\n";
  }

  Gate gate;
  Parked parked;
  Router router{test_login};
  FrontOptions options;
  std::string fingerprint;
  std::unique_ptr<Front> front;  // last: its threads use the rest
};

}  // namespace rolesync::http
