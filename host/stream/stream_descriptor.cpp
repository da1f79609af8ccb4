// SPDX-License-Identifier: Apache-2.0
// The pump behind a StreamDescriptor: one thread per direction between a socket pair and a stream
// whose bytes are not simply those of its socket.
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <stdexcept>
#include <thread>
#include <vector>

#include "host/stream/stream.hpp"

namespace rolesync {
namespace {

constexpr std::size_t kPiece = 64 << 10;

bool send_all(int descriptor, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::send(descriptor, bytes, size, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

struct StreamDescriptor::State {
  std::unique_ptr<Stream> stream;
  int given = -1;  // the end a program uses; the stream's own socket when `ours` is -1
  int ours = -1;
  std::atomic<std::uint64_t> moved{0};
  std::thread inward, outward;

  // The stream may rest in one direction as long as bytes move in the other.
  bool only_resting(const Error& error, std::uint64_t& seen) const {
    const std::uint64_t now = moved;
    const bool resting = error.reason == "stream_stalled" && now != seen;
    seen = now;
    return resting;
  }

  void pump_inward() {
    std::vector<char> piece(kPiece);
    std::uint64_t seen = moved;
    for (;;) {
      Result<std::size_t> n = stream->read(piece.data(), piece.size());
      if (!n && only_resting(n.error(), seen)) continue;
      if (!n) stream->interrupt();
      if (!n || *n == 0 || !send_all(ours, piece.data(), *n)) break;
      moved += *n;
    }
    ::shutdown(ours, SHUT_WR);
  }

  void pump_outward() {
    std::vector<char> piece(kPiece);
    for (;;) {
      const ssize_t n = ::recv(ours, piece.data(), piece.size(), 0);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      if (!stream->write({piece.data(), static_cast<std::size_t>(n)})) {
        ::shutdown(ours, SHUT_RD);  // the program learns of it by its next write
        break;
      }
      moved += static_cast<std::uint64_t>(n);
    }
    stream->finish_writing();
  }
};

StreamDescriptor::StreamDescriptor(std::unique_ptr<Stream> stream)
    : state_(std::make_unique<State>()) {
  state_->stream = std::move(stream);
  state_->given = state_->stream->plain_descriptor();
  if (state_->given >= 0) return;
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    throw std::runtime_error("no descriptors left for a stream");
  }
  state_->given = pair[0];
  state_->ours = pair[1];
  State* state = state_.get();
  state_->inward = std::thread([state] { state->pump_inward(); });
  state_->outward = std::thread([state] { state->pump_outward(); });
}

// What the program has written still goes out: closing its end lets the outward thread drain and
// leave by itself, at the latest when the stream stalls. What still comes in is of no use.
StreamDescriptor::~StreamDescriptor() {
  if (state_->ours < 0) return;
  ::close(state_->given);
  state_->outward.join();
  state_->stream->interrupt();
  state_->inward.join();
  ::close(state_->ours);
}

int StreamDescriptor::get() const {
  return state_->given;
}

}  // namespace rolesync
