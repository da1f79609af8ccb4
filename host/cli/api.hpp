// SPDX-License-Identifier: Apache-2.0
// The server's API as the CLI uses it: JSON in, JSON out, problems as Errors. One thread.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "host/cli/connection.hpp"
#include "host/client/http_client.hpp"
#include "host/values/json.hpp"
#include "host/values/result.hpp"

namespace rolesync::cli {

// One path segment or query value, percent-encoded.
std::string encoded(std::string_view text);

class Api {
 public:
  static Result<Api> connect(Connection connection);

  // `etag` gets the answer's ETag, for an If-Match later.
  Result<Json> get(const std::string& path, std::string* etag = nullptr);
  // A list with all its pages as one. `most`: not more of its items; 0: all.
  Result<Json> get_list(const std::string& path, const std::string& member, std::size_t most = 0);
  // Every POST carries an Idempotency-Key, so the client may repeat it after a broken connection.
  Result<Json> post(const std::string& path, const Json& body);
  // Without an ETag whatever is there is changed.
  Result<Json> put(const std::string& path, const Json& body, const std::string& if_match = {});
  Status remove(const std::string& path);
  Status follow(const std::string& path, const std::string& last_event_id,
                const std::function<bool(const HttpClient::Event&)>& callback);

  const Connection& connection() const { return connection_; }
  void set_time_limit(std::chrono::milliseconds limit) { time_limit_ = limit; }

 private:
  Api(Connection connection, std::unique_ptr<HttpClient> client);
  Result<HttpAnswer> send(HttpRequest request);
  Result<Json> send_json(HttpRequest request, std::string* etag = nullptr);
  Error explain(Error error) const;

  Connection connection_;
  std::unique_ptr<HttpClient> client_;
  std::chrono::milliseconds time_limit_{30'000};
};

}  // namespace rolesync::cli
