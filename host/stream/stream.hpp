// SPDX-License-Identifier: Apache-2.0
// A two-way byte stream between agent and server: one HTTP connection after its upgrade
// (docs/protocol.md "Streams"). Plain or TLS; the users here do not care. One thread may read while
// another writes; interrupt() may come from any thread.
#pragma once
#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>

#include "host/values/result.hpp"

namespace rolesync {

class Stream {
 public:
  virtual ~Stream() = default;  // closes
  // Bytes read, 0 at the end of the stream. Errors: unavailable/stream_lost,
  // timeout/stream_stalled.
  virtual Result<std::size_t> read(char* buffer, std::size_t size) = 0;
  virtual Status write(std::string_view bytes) = 0;
  // Ends our sending direction; the other side reads the end of the stream.
  virtual void finish_writing() = 0;
  // No progress for this long is an error. Default 60 s.
  virtual void set_stall_limit(std::chrono::milliseconds limit) = 0;
  // Breaks the connection: a read or write in progress returns at once.
  virtual void interrupt() = 0;
  // The connected socket when bytes on it are our bytes (no TLS, nothing buffered), else -1.
  virtual int plain_descriptor() const = 0;
};

// A descriptor a program can use as stdin and stdout. For a plain stream the socket itself, so no
// byte passes through us; for TLS one end of a socket pair with two threads that pump. The
// descriptor blocks, is close-on-exec, and stays ours: give a child a duplicate.
class StreamDescriptor {
 public:
  explicit StreamDescriptor(std::unique_ptr<Stream> stream);
  ~StreamDescriptor();  // closes both sides, joins the pump
  StreamDescriptor(const StreamDescriptor&) = delete;
  StreamDescriptor& operator=(const StreamDescriptor&) = delete;
  int get() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rolesync
