// SPDX-License-Identifier: Apache-2.0
// One client's connection that never blocks: connects, shakes hands, sends a request, reads its
// answer, and keeps nothing between two of them. Driven by the fleet's epoll loop; one thread.
#pragma once
#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "endpoint.hpp"
#include "host/process/unique_fd.hpp"

namespace rolesync::simulated {

struct Answer {
  int status = 0;
  std::string body;
};

class Connection {
 public:
  // `id` comes back with every epoll event of it.
  Connection(const Endpoint& endpoint, int epoll, std::uint64_t id)
      : endpoint_(endpoint), epoll_(epoll), id_(id), server_(id) {}

  bool open() const { return static_cast<bool>(socket_); }
  // Connects first when it has to. One request at a time. False: lost already.
  bool send(std::string request);
  void close();

  // What has become of the request; `lost` leaves the connection closed.
  enum class Outcome { pending, answered, lost };
  Outcome on_ready();
  Answer take_answer() { return std::move(answer_); }

  std::uint64_t sent_bytes() const { return sent_bytes_; }
  std::uint64_t opened() const { return opened_; }

 private:
  struct Free {
    void operator()(SSL* session) const { SSL_free(session); }
  };
  enum class Step { done, again, lost };
  bool connect();
  Step shake_hands();
  Step write_some();
  Step read_some();
  bool complete();
  Step wait_for(std::uint32_t events);
  Step tls_step(int result);

  const Endpoint& endpoint_;
  const int epoll_;
  const std::uint64_t id_;
  std::size_t server_;  // which one; the next after a loss
  UniqueFd socket_;
  std::unique_ptr<SSL, Free> tls_;
  bool shaken_ = false;
  std::string out_, in_;
  std::size_t written_ = 0;
  std::optional<std::size_t> length_;  // of the whole answer, once its head is there
  Answer answer_;
  std::uint64_t sent_bytes_ = 0, opened_ = 0;
};

}  // namespace rolesync::simulated
