// SPDX-License-Identifier: Apache-2.0
// Probes against a one-shot server in this process.
#include "host/services/health_probe.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <thread>

#include "host/process/unique_fd.hpp"

namespace rolesync {
namespace {

// Answers one connection with fixed bytes, or holds it silently.
class OneShotServer {
 public:
  explicit OneShotServer(std::string answer)
      : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_.get(), 5);
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, answer = std::move(answer)] {
      UniqueFd client(::accept(listener_.get(), nullptr, nullptr));
      char buffer[4096];
      const ssize_t read = ::recv(client.get(), buffer, sizeof buffer, 0);
      if (read > 0) request_.assign(buffer, static_cast<std::size_t>(read));
      if (!answer.empty()) ::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
      while (::recv(client.get(), buffer, sizeof buffer, 0) > 0) {
      }
    });
  }
  ~OneShotServer() { join(); }
  void join() {
    if (thread_.joinable()) thread_.join();
  }
  int port() const { return port_; }
  const std::string& request() const { return request_; }
  void close() { listener_.reset(); }

 private:
  UniqueFd listener_;
  int port_ = 0;
  std::string request_;
  std::thread thread_;
};

constexpr std::chrono::seconds kLong{20};

TEST(HealthProbe, HttpStatusDecides) {
  struct Case {
    const char* answer;
    const char* reason;  // empty: healthy
  };
  for (const Case& each :
       {Case{"HTTP/1.1 200 OK\r\n\r\n", ""}, Case{"HTTP/1.0 302 Found\r\n\r\n", ""},
        Case{"HTTP/1.1 503 Busy\r\n\r\n", "health_status"},
        Case{"HTTP/1.1 404 Not Found\r\n\r\n", "health_status"},
        Case{"SSH-2.0-OpenSSH_9.2\r\n", "health_status"}}) {
    OneShotServer server(each.answer);
    const Status status = probe_http("127.0.0.1", server.port(), "/api/health", kLong);
    EXPECT_EQ(status.ok() ? "" : status.error().reason, each.reason) << each.answer;
    server.join();
    EXPECT_EQ(server.request().rfind("GET /api/health HTTP/1.1\r\nHost: 127.0.0.1:", 0), 0u);
  }
}

TEST(HealthProbe, SilenceAndClosedPortsAreDifferent) {
  OneShotServer server("");
  const Status silent = probe_http("127.0.0.1", server.port(), "/", std::chrono::milliseconds(100));
  ASSERT_FALSE(silent.ok());
  EXPECT_EQ(silent.error().reason, "port_silent");
  server.join();
  server.close();
  const Status closed = probe_port("127.0.0.1", server.port(), kLong);
  ASSERT_FALSE(closed.ok());
  EXPECT_EQ(closed.error().reason, "port_closed");
}

TEST(HealthProbe, APathCannotSmuggleAHeader) {
  const Status status = probe_http("127.0.0.1", 1, "/x\r\nHost: evil", kLong);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().reason, "invalid_request");
}

}  // namespace
}  // namespace rolesync
