// SPDX-License-Identifier: Apache-2.0
// The head of a request: request line and header fields. Strict where laxness lets two programs
// see different requests in the same bytes (RFC 9112 section 11.2); Poco's parser does the rest.
// Pure; any thread.
#pragma once
#include <cstddef>
#include <optional>
#include <string_view>
#include <variant>

#include "server/http/router.hpp"

namespace rolesync::http {

struct HeadLimits {
  std::size_t max_bytes = 32 << 10;
  std::size_t max_fields = 100;
};

struct Head {
  Request request;  // without body, peer and principal; the id is set
  bool keep_alive = true;
  bool expects_continue = false;
  bool chunked = false;
  std::size_t length = 0;  // of the body when not chunked
};

// Where the head ends in what was read so far (behind the empty line), nothing when it does not
// yet. The refusal when it never will.
std::variant<std::optional<std::size_t>, Response> find_head(std::string_view bytes,
                                                             HeadLimits limits);

// `bytes` is one whole head with its empty line.
std::variant<Head, Response> parse_head(std::string_view bytes, HeadLimits limits);

// True when a list-valued field ("keep-alive, Upgrade") holds the word, in any case.
bool lists_word(std::string_view field, std::string_view word);

}  // namespace rolesync::http
