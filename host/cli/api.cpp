// SPDX-License-Identifier: Apache-2.0
#include "host/cli/api.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/values/hash.hpp"
#include "host/values/secret.hpp"

namespace rolesync::cli {
namespace {

HttpRequest request_with_body(const char* method, const std::string& path, const Json& body) {
  HttpRequest request;
  request.method = method;
  request.path = path;
  request.body = to_text(body);
  request.headers["Content-Type"] = "application/json";
  return request;
}

}  // namespace

std::string encoded(std::string_view text) {
  constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out;
  for (const char c : text) {
    if (plain.find(c) != std::string_view::npos)
      out += c;
    else
      out += '%', out += to_hex(std::string_view(&c, 1));
  }
  return out;
}

Api::Api(Connection connection, std::unique_ptr<HttpClient> client)
    : connection_(std::move(connection)), client_(std::move(client)) {}

Result<Api> Api::connect(Connection connection) {
  auto client = HttpClient::create(connection.address, connection.token);
  if (!client) return client.error();
  return Api(std::move(connection), std::move(*client));
}

Result<Json> Api::get(const std::string& path, std::string* etag) {
  HttpRequest request;
  request.path = path;
  return send_json(std::move(request), etag);
}

Result<Json> Api::get_list(const std::string& path, const std::string& member, std::size_t most) {
  constexpr std::size_t longest_page = 500;
  const std::string joint = path.find('?') == std::string::npos ? "?" : "&";
  Json whole;
  std::string token;
  do {
    const std::size_t have = whole.is_null() ? 0 : whole[member].size();
    const std::size_t left = most > 0 ? most - have : longest_page;
    std::string query = joint + "limit=" + std::to_string(std::min(left, longest_page));
    if (!token.empty()) query += "&page_token=" + encoded(token);
    auto page = get(path + query);
    if (!page) return page.error();
    if (!page->is_object() || !page->contains(member) || !page->at(member).is_array()) {
      return Error{ErrorKind::failed, "unreadable_answer",
                   connection_.address.url + " did not answer with a list of " + member,
                   "check that the URL is that of a rolesync server"};
    }
    const Json next = page->value("next_page_token", Json());
    token = next.is_string() ? next.get<std::string>() : "";
    if (whole.is_null()) {
      whole = std::move(*page);
    } else {
      for (Json& item : page->at(member)) whole[member].push_back(std::move(item));
      whole["next_page_token"] = next;
    }
  } while (!token.empty() && (most == 0 || whole[member].size() < most));
  return whole;
}

Result<Json> Api::post(const std::string& path, const Json& body) {
  HttpRequest request = request_with_body("POST", path, body);
  request.headers["Idempotency-Key"] = random_hex(16);
  return send_json(std::move(request));
}

Result<Json> Api::put(const std::string& path, const Json& body, const std::string& if_match) {
  HttpRequest request = request_with_body("PUT", path, body);
  request.headers["If-Match"] = if_match.empty() ? "*" : if_match;
  return send_json(std::move(request));
}

Status Api::remove(const std::string& path) {
  HttpRequest request;
  request.method = "DELETE";
  request.path = path;
  request.headers["If-Match"] = "*";
  auto answer = send(std::move(request));
  return answer ? Status() : Status(answer.error());
}

Status Api::follow(const std::string& path, const std::string& last_event_id,
                   const std::function<bool(const HttpClient::Event&)>& callback) {
  return client_->follow_events(path, last_event_id, callback);
}

Result<HttpAnswer> Api::send(HttpRequest request) {
  request.time_limit = time_limit_;
  auto answer = client_->send(request);
  if (!answer) return explain(answer.error());
  if (answer->status >= 400) return explain(error_from_answer(*answer));
  return answer;
}

Result<Json> Api::send_json(HttpRequest request, std::string* etag) {
  auto answer = send(std::move(request));
  if (!answer) return answer.error();
  if (etag && answer->headers.count("etag")) *etag = answer->headers["etag"];
  if (answer->body.empty()) return Json(nullptr);
  auto body = parse_json(answer->body, {.max_bytes = 64 << 20});
  if (body) return body;
  return Error{ErrorKind::failed, "unreadable_answer",
               connection_.address.url + " did not answer with JSON: " + body.error().message,
               "check that the URL is that of a rolesync server"};
}

Error Api::explain(Error error) const {
  if (!error.hint.empty()) return error;
  if (error.kind == ErrorKind::unauthenticated)
    error.hint = connection_.token.empty()
                     ? "set ROLESYNC_TOKEN, or use --token-file"
                     : "the token is not valid here; make one with: rolesync token create";
  else if (error.reason == "server_unreachable")
    error.hint = "is the server running? set ROLESYNC_URL or --url when it is elsewhere";
  return error;
}

}  // namespace rolesync::cli
