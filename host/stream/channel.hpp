// SPDX-License-Identifier: Apache-2.0
// One connected TCP socket, plain or TLS (Poco NetSSL), used without ever blocking in a read or
// write: whoever owns it waits with poll or epoll, under a deadline of its own. Both directions may
// be driven by different threads; shutdown() may come from any thread.
#pragma once
#include <Poco/Net/Context.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "host/values/result.hpp"
#include "host/values/timestamp.hpp"

namespace Poco::Net {
class SecureStreamSocket;
}  // namespace Poco::Net

namespace rolesync {

using Deadline = std::chrono::steady_clock::time_point;

class Channel {
 public:
  // done: `bytes` were moved. want_read, want_write: nothing moved, wait for that first. end: the
  // other side finished sending. lost: the connection is broken, failure() says how.
  enum class State { done, want_read, want_write, end, lost };
  struct Step {
    State state;
    std::size_t bytes = 0;
  };

  // Each takes over a connected descriptor. The handshake of a secure channel happens by itself in
  // the first read or write, or on purpose in try_handshake().
  static std::shared_ptr<Channel> plain(int descriptor);
  static std::shared_ptr<Channel> secure_server(int descriptor, Poco::Net::Context::Ptr context);
  static std::shared_ptr<Channel> secure_client(int descriptor, const std::string& host,
                                                Poco::Net::Context::Ptr context);
  ~Channel();  // closes
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  Step try_read(char* buffer, std::size_t size);
  Step try_peek(char* buffer, std::size_t size);  // plain only: read without consuming
  Step try_write(std::string_view bytes);
  Step try_handshake();

  void end_writing();  // the other side reads the end
  void shutdown();     // both directions, at once; whoever waits on the descriptor wakes

  int descriptor() const { return descriptor_; }
  bool secure() const { return secure_ != nullptr; }
  std::string failure() const;

  // After the handshake: the other side's certificate, and whether it names this host.
  std::string peer_certificate_sha256();
  bool peer_certificate_names(const std::string& host);
  std::optional<Millis> peer_certificate_expires_at();

 private:
  Channel(int descriptor, std::unique_ptr<Poco::Net::SecureStreamSocket> secure);
  Step lost(std::string why);
  template <class Call>
  Step secure_step(Call call);

  const int descriptor_;
  std::unique_ptr<Poco::Net::SecureStreamSocket> secure_;  // null: plain
  mutable std::mutex mutex_;  // a TLS session must not be used by two threads at a time
  std::string failure_;
};

// Waits until the channel can go on. `wake` is a descriptor that ends the wait when it becomes
// readable, or -1.
enum class Waited { ready, timeout, woken };
Waited wait_for(const Channel& channel, Channel::State wanted, Deadline deadline, int wake = -1);

// A write to a connection that is gone must be an error, never a signal. Idempotent; every user of
// secure channels calls it once (OpenSSL writes without MSG_NOSIGNAL).
void ignore_broken_pipes();

}  // namespace rolesync
