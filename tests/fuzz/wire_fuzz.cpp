// SPDX-License-Identifier: Apache-2.0
// Bytes from a child that has gone mad, in pieces of any size: no line is lost or made up.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/plugin/wire.hpp"
#include "tests/fuzz/property.hpp"

using namespace rolesync;
using namespace rolesync::plugin;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = std::size_t{data[0]} + 1;
  const std::string_view all(reinterpret_cast<const char*>(data) + 1, size - 1);
  LineBuffer buffer;
  std::string seen;
  for (std::size_t at = 0; at < all.size(); at += piece) {
    buffer.add(all.substr(at, piece));
    while (const auto line = buffer.take()) {
      holds(line->find('\n') == std::string::npos);
      seen += *line + '\n';
      const auto message = parse_line(*line);
      if (message) holds(message->is_object());
    }
  }
  const std::size_t last = all.rfind('\n');
  holds(seen == all.substr(0, last == std::string_view::npos ? 0 : last + 1));
  return 0;
}
