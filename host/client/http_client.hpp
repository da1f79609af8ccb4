// SPDX-License-Identifier: Apache-2.0
// The HTTP client of the server's API, for agent, CLI and tests: one server, kept-alive
// connections, TLS pinned to the server certificate's fingerprint or verified by a CA file.
// One client belongs to one thread; interrupt() may come from any.
#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "host/stream/stream.hpp"
#include "host/values/result.hpp"

namespace rolesync {

struct ServerAddress {
  std::string url;                 // "http://127.0.0.1:8770" or "https://host:port"
  std::string certificate_sha256;  // pin; empty: verify by ca_file
  std::string ca_file;
};

struct HttpRequest {
  std::string method = "GET";
  std::string path;  // with the query, already encoded
  std::map<std::string, std::string> headers;
  std::string body;
  std::chrono::milliseconds time_limit{30'000};  // in all
  std::size_t max_answer = 256 << 20;            // bytes of the answer's body
};

struct HttpAnswer {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

class HttpClient {
 public:
  // Errors: invalid_url, no_trust, tls_required (http:// to anything but this machine: the token
  // would be readable), certificate_unreadable.
  static Result<std::unique_ptr<HttpClient>> create(const ServerAddress& address,
                                                    std::string bearer_token);
  // Asked before each request, for a token that changes while the client lives.
  using TokenSource = std::function<std::string()>;
  static Result<std::unique_ptr<HttpClient>> create(const ServerAddress& address,
                                                    TokenSource bearer_token);
  virtual ~HttpClient() = default;

  // Any HTTP status is an answer. Errors: unavailable/server_unreachable, timeout/server_silent,
  // denied/certificate_mismatch, _untrusted, _expired or _wrong_name; too_large/answer_too_large.
  // When a kept-alive connection turns out to be stale, the request is
  // sent once more on a new one; a POST only with an Idempotency-Key.
  virtual Result<HttpAnswer> send(const HttpRequest& request) = 0;

  // GET with Upgrade: rolesync-stream/1 on a connection of its own; a refusal is an Error with the
  // problem's text.
  virtual Result<std::unique_ptr<Stream>> open_stream(const std::string& path) = 0;

  // GET of an event stream: the callback gets each event's data until it returns false or the
  // stream ends. `last_event_id` resumes.
  struct Event {
    std::string id, type, data;
  };
  virtual Status follow_events(const std::string& path, const std::string& last_event_id,
                               const std::function<bool(const Event&)>& callback) = 0;

  // A call in progress returns unavailable/interrupted; with none in progress the next one does.
  virtual void interrupt() = 0;
};

// The Error a problem+json answer stands for: kind by status, reason, message, hint, fields.
Error error_from_answer(const HttpAnswer& answer);

}  // namespace rolesync
