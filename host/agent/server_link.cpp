// SPDX-License-Identifier: Apache-2.0
#include "host/agent/server_link.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "host/services/clock.hpp"

namespace rolesync::agent {
namespace {

constexpr std::size_t kMaxJson = 64 << 20;
// How soon a running agent notices that its node has joined again.
constexpr std::chrono::milliseconds kLookForJoin{1000};
// A server that asks for more than this is asked again all the same.
constexpr std::chrono::seconds kLongestHold{300};

}  // namespace

ServerLink::ServerLink(const AgentConfig& config, std::string credential)
    : config_(config),
      credential_(config, std::move(credential)),
      boot_id_(real_clock().boot_id()) {}

ServerLink::~ServerLink() = default;

Result<std::unique_ptr<LinkClient>> ServerLink::connect() {
  const std::size_t server = server_;
  Result<std::unique_ptr<HttpClient>> client =
      HttpClient::create(config_.server(server), [this] { return credential_.current(); });
  if (!client) return client.error();
  return std::make_unique<LinkClient>(*this, std::move(*client), server,
                                      LinkClient::Afterwards::close);
}

Result<std::unique_ptr<LinkClient>> ServerLink::borrow() {
  const std::size_t server = server_;
  std::unique_ptr<HttpClient> client;
  {
    std::lock_guard lock(mutex_);
    if (spare_server_ == server) client = std::move(spare_);
  }
  if (!client) {
    Result<std::unique_ptr<HttpClient>> made =
        HttpClient::create(config_.server(server), [this] { return credential_.current(); });
    if (!made) return made.error();
    client = std::move(*made);
  }
  return std::make_unique<LinkClient>(*this, std::move(client), server,
                                      LinkClient::Afterwards::keep);
}

Result<std::unique_ptr<LinkClient>> ServerLink::connect_as(const std::string& secret) {
  const std::size_t server = server_;
  Result<std::unique_ptr<HttpClient>> client = HttpClient::create(config_.server(server), secret);
  if (!client) return client.error();
  return std::make_unique<LinkClient>(*this, std::move(*client), server,
                                      LinkClient::Afterwards::close);
}

Result<std::unique_ptr<Stream>> ServerLink::open_awaited_stream(const std::string& rest) {
  const std::size_t first = server_;
  Result<std::unique_ptr<Stream>> stream =
      Error{ErrorKind::failed, "stream_unknown", "no server is configured"};
  for (std::size_t i = 0; i < config_.server_urls.size(); ++i) {
    Result<std::unique_ptr<HttpClient>> client =
        HttpClient::create(config_.server(first + i), [this] { return credential_.current(); });
    if (!client) return client.error();
    LinkClient link(*this, std::move(*client), first + i, LinkClient::Afterwards::close);
    Result<std::unique_ptr<Stream>> opened = link.open_stream(node_path(rest));
    if (opened) return opened;
    // What the server at hand says counts, unless it just does not know of the stream.
    if (i == 0) stream = std::move(opened);
    if (stream.error().reason != "stream_unknown") return stream;
  }
  return stream;
}

void ServerLink::failed() {
  ++server_;
}

std::string ServerLink::node_path(const std::string& rest) const {
  return "/api/nodes/" + config_.node_id + "/" + rest;
}

bool ServerLink::sleep(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  stopped_.wait_for(lock, time, [this] { return stopping_.load(); });
  return !stopping_;
}

bool ServerLink::pause(std::chrono::milliseconds time) {
  {
    std::lock_guard lock(mutex_);
    const auto held = std::chrono::ceil<std::chrono::milliseconds>(
        not_before_ - std::chrono::steady_clock::now());
    time = std::max(time, held);
  }
  return sleep(time);
}

bool ServerLink::pause_until_joined(std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (!stopping_) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) break;
    if (!sleep(std::min(left, kLookForJoin))) break;
    if (credential_.take_from_disk()) break;
  }
  return !stopping_;
}

void ServerLink::hold_off(const HttpAnswer& answer) {
  const auto header = answer.headers.find("retry-after");
  if (header == answer.headers.end()) return;
  std::uint32_t seconds = 0;
  const char* end = header->second.data() + header->second.size();
  // The other form, a date, hangs on two clocks; our own pauses do.
  if (std::from_chars(header->second.data(), end, seconds).ptr != end) return;
  const auto wait = std::min(std::chrono::seconds(seconds), kLongestHold);
  std::lock_guard lock(mutex_);
  not_before_ = std::max(not_before_, std::chrono::steady_clock::now() + wait);
}

void ServerLink::stop() {
  std::lock_guard lock(mutex_);
  stopping_ = true;
  stopped_.notify_all();
  for (HttpClient* client : clients_) client->interrupt();
}

LinkClient::LinkClient(ServerLink& link, std::unique_ptr<HttpClient> client, std::size_t server,
                       Afterwards afterwards)
    : link_(link), client_(std::move(client)), server_(server), afterwards_(afterwards) {
  std::lock_guard lock(link_.mutex_);
  link_.clients_.insert(client_.get());
}

LinkClient::~LinkClient() {
  std::lock_guard lock(link_.mutex_);
  link_.clients_.erase(client_.get());
  if (afterwards_ == Afterwards::close || link_.stopping_) return;
  std::swap(link_.spare_, client_);
  link_.spare_server_ = server_;
}

Result<HttpAnswer> LinkClient::send(const HttpRequest& request) {
  const std::string used = link_.credential().current();
  Result<HttpAnswer> answer = client_->send(request);
  if (answer && (answer->status == 429 || answer->status == 503)) link_.hold_off(*answer);
  if (!answer || answer->status != 401 || used == link_.credential().current()) return answer;
  return client_->send(request);
}

Result<std::unique_ptr<Stream>> LinkClient::open_stream(const std::string& path) {
  const std::string used = link_.credential().current();
  Result<std::unique_ptr<Stream>> stream = client_->open_stream(path);
  if (stream || stream.error().kind != ErrorKind::unauthenticated ||
      used == link_.credential().current()) {
    return stream;
  }
  return client_->open_stream(path);
}

Result<HttpAnswer> LinkClient::get(const std::string& path) {
  HttpRequest request;
  request.path = path;
  Result<HttpAnswer> answer = send(request);
  if (answer && answer->status > 299) return error_from_answer(*answer);
  return answer;
}

Result<Json> LinkClient::post(const std::string& path, const Json& body,
                              std::chrono::milliseconds limit) {
  HttpRequest request;
  request.method = "POST";
  request.path = path;
  request.headers["Content-Type"] = "application/json";
  request.body = to_text(body);
  request.time_limit = limit;
  request.max_answer = kMaxJson;
  Result<HttpAnswer> answer = send(request);
  if (!answer) return answer.error();
  if (answer->status > 299) return error_from_answer(*answer);
  if (answer->body.empty()) return Json(nullptr);
  return parse_json(answer->body, {kMaxJson, 64});
}

std::chrono::milliseconds Backoff::next(std::chrono::milliseconds longest) {
  const double pause = std::min(500.0 * static_cast<double>(1u << std::min(tries_++, 12)),
                                static_cast<double>(longest.count()));
  const double share = std::uniform_real_distribution<double>(0.5, 1.0)(random_);
  return std::chrono::milliseconds(static_cast<std::int64_t>(pause * share));
}

}  // namespace rolesync::agent
