// SPDX-License-Identifier: Apache-2.0
// Takes the frame off a body in chunked transfer encoding, piece by piece as it arrives. Used by
// the client for answers and by the server for requests. One decoder belongs to one message.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "host/values/result.hpp"

namespace rolesync {

class ChunkedDecoder {
 public:
  // Takes what it can from the front of `in` (removing it) and appends the content to `out`.
  // True when the body is complete. Errors: invalid/bad_chunk, too_large/body_too_large when `out`
  // would grow over `max_body`.
  Result<bool> feed(std::string& in, std::string& out, std::size_t max_body);

 private:
  enum class At { size, data, data_end, trailer, done } at_ = At::size;
  std::size_t left_ = 0;
  std::size_t trailer_bytes_ = 0;
};

}  // namespace rolesync
