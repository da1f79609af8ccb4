// SPDX-License-Identifier: Apache-2.0
#include "host/client/chunked.hpp"

#include <algorithm>
#include <charconv>

namespace rolesync {
namespace {

constexpr std::size_t kMaxSizeLine = 256;  // the size and any extensions
constexpr std::size_t kMaxTrailer = 8 << 10;

Error bad_chunk(const char* why) {
  return {ErrorKind::invalid, "bad_chunk", std::string("The chunked body is broken: ") + why,
          "check the program that sent it"};
}

bool read_size(std::string_view line, std::size_t& size) {
  const std::string_view digits = line.substr(0, line.find_first_of("; \t"));
  if (digits.empty() || digits.size() > 15) return false;
  const char* end = digits.data() + digits.size();
  const auto [stop, failed] = std::from_chars(digits.data(), end, size, 16);
  return failed == std::errc{} && stop == end && line.find_first_of("\r\n") == line.npos;
}

}  // namespace

Result<bool> ChunkedDecoder::feed(std::string& in, std::string& out, std::size_t max_body) {
  std::size_t used = 0;
  const auto rest = [&] { return std::string_view(in).substr(used); };
  const auto keep_rest = [&](bool complete) {
    in.erase(0, used);
    return complete;
  };
  for (;;) {
    if (at_ == At::done) return keep_rest(true);
    if (at_ == At::data) {
      const std::size_t n = std::min(left_, rest().size());
      out.append(rest().substr(0, n));
      used += n;
      left_ -= n;
      if (left_ > 0) return keep_rest(false);
      at_ = At::data_end;
    }
    if (at_ == At::data_end) {
      if (rest().size() < 2) return keep_rest(false);
      if (!rest().starts_with("\r\n")) return bad_chunk("a chunk is longer than it says");
      used += 2;
      at_ = At::size;
    }
    const std::size_t limit = at_ == At::size ? kMaxSizeLine : kMaxTrailer - trailer_bytes_;
    const std::size_t end = rest().find("\r\n");
    if (std::min(end, rest().size()) > limit) return bad_chunk("a line is too long");
    if (end == std::string_view::npos) return keep_rest(false);
    const std::string_view line = rest().substr(0, end);
    used += end + 2;
    if (at_ == At::trailer) {
      trailer_bytes_ += line.size();
      if (line.empty()) at_ = At::done;
    } else {
      if (!read_size(line, left_)) return bad_chunk("a chunk's size is not a hexadecimal number");
      if (left_ > max_body || out.size() > max_body - left_) {
        return Error{ErrorKind::too_large, "body_too_large",
                     "The body is larger than " + std::to_string(max_body) + " bytes",
                     "send less at once"};
      }
      at_ = left_ == 0 ? At::trailer : At::data;
    }
  }
}

}  // namespace rolesync
