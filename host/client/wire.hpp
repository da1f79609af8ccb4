// SPDX-License-Identifier: Apache-2.0
// A client's connection while it is used: every wait ends at the deadline or when the client is
// interrupted. Internal to host/client; belongs to one thread.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "host/client/http_client.hpp"
#include "host/stream/channel.hpp"
#include "host/values/result.hpp"

namespace rolesync {

// What ends a wait early: a deadline, or interrupt() from another thread.
class Interrupter {
 public:
  Interrupter();
  ~Interrupter();
  Interrupter(const Interrupter&) = delete;
  Interrupter& operator=(const Interrupter&) = delete;
  void interrupt();
  void clear();
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

class Wire {
 public:
  Wire(std::shared_ptr<Channel> channel, Interrupter& interrupter)
      : channel_(std::move(channel)), interrupter_(&interrupter) {}

  // Reasons: interrupted, server_silent, connection_lost.
  Status handshake(Deadline deadline);
  Status write(std::string_view bytes, Deadline deadline);
  // Appends what arrives to in(); false at the end of the connection.
  Result<bool> fill(Deadline deadline);

  // The head of an answer, without its body. With `exactly`, nothing behind it is read from the
  // socket (plain connections only), so that the descriptor can be handed on.
  Result<HttpAnswer> read_head(Deadline deadline, bool exactly);
  // The body that belongs to this head.
  Status read_body(HttpAnswer& answer, const std::string& method, std::size_t most,
                   Deadline deadline);

  bool alive();  // an idle connection that the server has not closed
  bool reusable(const HttpAnswer& answer) const;
  std::string& in() { return in_; }
  bool heard() const { return heard_; }  // at least one byte has come since forget_heard()
  void forget_heard() { heard_ = false; }
  const std::shared_ptr<Channel>& channel() const { return channel_; }

 private:
  Status wait(Channel::State wanted, Deadline deadline);
  Result<bool> fill_head_exactly(Deadline deadline);
  Status read_chunked(std::string& body, std::size_t most, Deadline deadline);

  std::shared_ptr<Channel> channel_;
  Interrupter* interrupter_;
  std::string in_;
  bool heard_ = false;
  bool framed_ = true;  // the last body had an end of its own
};

}  // namespace rolesync
