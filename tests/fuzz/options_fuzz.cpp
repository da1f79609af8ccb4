// SPDX-License-Identifier: Apache-2.0
// A schema and values (two lines): what is accepted stays accepted with its defaults filled in.
#include <nlohmann/json.hpp>

#include "host/plugin/options.hpp"
#include "tests/fuzz/property.hpp"

using namespace rolesync;
using namespace rolesync::plugin;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = text.find('\n');
  const auto schema = parse_json(text.substr(0, end));
  if (!schema || !check_options_schema(*schema)) return 0;
  const auto values = parse_json(end == std::string_view::npos ? "{}" : text.substr(end + 1));
  if (!values || !check_options(*schema, *values)) return 0;
  const Json complete = with_defaults(*schema, *values);
  holds(check_options(*schema, complete).ok());
  holds(with_defaults(*schema, complete) == complete);
  return 0;
}
