// SPDX-License-Identifier: Apache-2.0
#include "server/http/head.hpp"

#include <Poco/Exception.h>
#include <Poco/MemoryStream.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/String.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "host/values/secret.hpp"
#include "server/http/uri.hpp"

namespace rolesync::http {
namespace {

constexpr std::size_t kMaxTarget = 8'000;  // below the limits inside Poco's parser
constexpr std::size_t kMaxName = 200;
constexpr std::size_t kMaxValue = 8'000;

// Fields of which two would leave open which one counts.
constexpr std::array kSingle = {"authorization", "content-length", "content-type",
                                "expect",        "host",           "transfer-encoding",
                                "if-match",      "x-request-id"};

Response bad(std::string message) {
  return problem(400, {ErrorKind::invalid, "bad_request", std::move(message),
                       "send a well-formed HTTP/1.1 request"});
}

Response head_too_large(std::string what) {
  return problem(431, {ErrorKind::too_large, "head_too_large", std::move(what),
                       "send fewer or shorter header fields"});
}

Response target_too_long() {
  return problem(414, {ErrorKind::too_large, "target_too_long", "The request's address is too long",
                       "send long values in the body"});
}

bool is_token(std::string_view text) {
  constexpr std::string_view extra = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           extra.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool is_field_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return c == '\t' || (c >= 0x20 && c != 0x7f); });
}

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
         });
}

// Every header line as it must look before a parser may be trusted with it.
std::optional<Response> check_lines(std::string_view bytes, HeadLimits limits) {
  std::size_t fields = 0;
  bool first = true;
  while (bytes != "\r\n") {
    const std::size_t end = bytes.find("\r\n");
    const std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(end + 2);
    if (first) {
      first = false;
      if (!is_field_text(line)) return bad("The request line holds a control character");
      const std::size_t target = line.find(' ');
      if (target > 32) return bad("The request line is not readable");
      if (line.size() - target > kMaxTarget) return target_too_long();
      continue;
    }
    if (++fields > limits.max_fields) return head_too_large("The request has too many headers");
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
      return bad("A header line is not 'name: value'");
    }
    if (colon > kMaxName || line.size() - colon > kMaxValue) {
      return head_too_large("A header field is too long");
    }
    if (!is_field_text(line)) return bad("A header holds a control character");
  }
  return std::nullopt;
}

// The fields by lower-case name; a repeated one is joined by commas where that is allowed.
std::optional<Response> collect_fields(const Poco::Net::HTTPRequest& parsed, Request& request) {
  for (const auto& [name, value] : parsed) {
    if (!is_field_text(value)) return bad("A header holds a control character");  // decoded words
    const std::string key = Poco::toLower(name);
    auto [at, fresh] = request.headers.try_emplace(key, value);
    if (fresh) continue;
    if (std::find(kSingle.begin(), kSingle.end(), key) != kSingle.end()) {
      return bad("The header " + key + " stands twice");
    }
    at->second += ", " + value;
  }
  return std::nullopt;
}

std::string field(const Request& request, const char* name) {
  const auto found = request.headers.find(name);
  return found == request.headers.end() ? std::string{} : found->second;
}

// How long the body is. Whoever says it twice, in two ways, may mean two different requests.
std::optional<Response> read_framing(Head& head, bool http_1_0) {
  const std::string length = field(head.request, "content-length");
  const std::string coding = field(head.request, "transfer-encoding");
  const bool has_length = head.request.headers.contains("content-length");
  const bool has_coding = head.request.headers.contains("transfer-encoding");
  if (has_length && has_coding)
    return bad("Content-Length and Transfer-Encoding exclude each other");
  if (has_coding) {
    if (http_1_0) return bad("HTTP/1.0 knows no Transfer-Encoding");
    if (Poco::icompare(coding, "chunked") != 0) {
      return problem(501, {ErrorKind::invalid, "unknown_transfer_encoding",
                           "Only the transfer encoding chunked is understood", "send it chunked"});
    }
    head.chunked = true;
  } else if (has_length) {
    const char* end = length.data() + length.size();
    const auto [stop, failed] = std::from_chars(length.data(), end, head.length);
    if (failed != std::errc{} || stop != end || length.size() > 18) {
      return bad("Content-Length is not a number");
    }
  } else if (head.request.method == "POST" || head.request.method == "PUT" ||
             head.request.method == "PATCH") {
    return problem(
        411, {ErrorKind::invalid, "length_required", "The request does not say how long it is",
              "send Content-Length, 0 for an empty body"});
  }
  return std::nullopt;
}

// Splits the target into path and query; takes the absolute form a proxy would send.
std::optional<Response> read_target(std::string target, Request& request) {
  if (target.starts_with("http://") || target.starts_with("https://")) {
    const std::size_t slash = target.find('/', target.find("//") + 2);
    target = slash == std::string::npos ? "/" : target.substr(slash);
  }
  if (!target.starts_with('/') || target.find('#') != std::string::npos) {
    return bad("The request's address is not a path");
  }
  const std::size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  auto query = parse_query(mark == std::string::npos ? std::string_view{}
                                                     : std::string_view(target).substr(mark + 1));
  if (!query) return bad("The query holds a broken %-escape");
  request.query = std::move(*query);
  return std::nullopt;
}

std::optional<Response> read_version(const Poco::Net::HTTPRequest& parsed, Head& head,
                                     bool& http_1_0) {
  const std::string& version = parsed.getVersion();
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    if (!version.starts_with("HTTP/")) return bad("The request line is not readable");
    return problem(
        505, {ErrorKind::invalid, "http_version", "Only HTTP/1.1 is spoken here", "use HTTP/1.1"});
  }
  http_1_0 = version == "HTTP/1.0";
  const std::string connection = field(head.request, "connection");
  head.keep_alive = !http_1_0 && !lists_word(connection, "close");
  if (!http_1_0 && !head.request.headers.contains("host")) return bad("The header Host is missing");
  return std::nullopt;
}

}  // namespace

bool lists_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::string item(list.substr(0, comma));
    Poco::trimInPlace(item);
    if (Poco::icompare(item, std::string(word)) == 0) return true;
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
  }
  return false;
}

std::variant<std::optional<std::size_t>, Response> find_head(std::string_view bytes,
                                                             HeadLimits limits) {
  const std::size_t end = bytes.find("\r\n\r\n");
  const std::string_view head = bytes.substr(0, end);
  for (std::size_t at = head.find('\n'); at != std::string_view::npos;
       at = head.find('\n', at + 1)) {
    if (at == 0 || head[at - 1] != '\r') return bad("A line does not end in CR LF");
  }
  if (head.size() > limits.max_bytes) {
    if (head.find('\n') == std::string_view::npos) return target_too_long();
    return head_too_large("The request's headers are too long");
  }
  if (end == std::string_view::npos) return std::optional<std::size_t>{};
  return std::optional<std::size_t>{end + 4};
}

std::variant<Head, Response> parse_head(std::string_view bytes, HeadLimits limits) {
  if (auto refused = check_lines(bytes, limits)) return *refused;
  Poco::Net::HTTPRequest parsed;
  parsed.setFieldLimit(static_cast<int>(limits.max_fields) + 1);
  try {
    Poco::MemoryInputStream in(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    parsed.read(in);
  } catch (const Poco::Exception&) {
    return bad("The request line or a header is not readable");
  }
  Head head;
  bool http_1_0 = false;
  head.request.method = parsed.getMethod();
  if (!is_token(head.request.method)) return bad("The method is not readable");
  if (auto refused = collect_fields(parsed, head.request)) return *refused;
  const std::string id = field(head.request, "x-request-id");
  head.request.id = is_request_id(id) ? id : new_id("req");
  if (auto refused = read_version(parsed, head, http_1_0)) return *refused;
  if (auto refused = read_target(parsed.getURI(), head.request)) return *refused;
  if (auto refused = read_framing(head, http_1_0)) return *refused;
  const std::string expect = field(head.request, "expect");
  if (!expect.empty()) {
    if (Poco::icompare(expect, "100-continue") != 0)
      return bad("The Expect header is not understood");
    head.expects_continue = !http_1_0;
  }
  return head;
}

}  // namespace rolesync::http
