// SPDX-License-Identifier: Apache-2.0
#include "host/agent/server_link.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "host/services/clock.hpp"

namespace rolesync::agent {

ServerLink::ServerLink(const AgentConfig& config, std::string credential)
    : config_(config), credential_(std::move(credential)), boot_id_(real_clock().boot_id()) {}

ServerLink::~ServerLink() = default;

Result<std::unique_ptr<LinkClient>> ServerLink::connect() {
  const std::size_t server = server_;
  Result<std::unique_ptr<HttpClient>> client =
      HttpClient::create(config_.server(server), credential_);
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
        HttpClient::create(config_.server(server), credential_);
    if (!made) return made.error();
    client = std::move(*made);
  }
  return std::make_unique<LinkClient>(*this, std::move(client), server,
                                      LinkClient::Afterwards::keep);
}

void ServerLink::failed() {
  ++server_;
}

std::string ServerLink::node_path(const std::string& rest) const {
  return "/api/nodes/" + config_.node_id + "/" + rest;
}

bool ServerLink::pause(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  stopped_.wait_for(lock, time, [this] { return stopping_.load(); });
  return !stopping_;
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

Result<HttpAnswer> LinkClient::get(const std::string& path) {
  HttpRequest request;
  request.path = path;
  Result<HttpAnswer> answer = client_->send(request);
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
  Result<HttpAnswer> answer = client_->send(request);
  if (!answer) return answer.error();
  if (answer->status > 299) return error_from_answer(*answer);
  if (answer->body.empty()) return Json(nullptr);
  return parse_json(answer->body, {64 << 20, 64});
}

std::chrono::milliseconds Backoff::next() {
  static thread_local std::minstd_rand random{std::random_device{}()};
  const double longest =
      std::min(500.0 * static_cast<double>(1u << std::min(tries_++, 10)), 30'000.0);
  const double share = std::uniform_real_distribution<double>(0.5, 1.0)(random);
  return std::chrono::milliseconds(static_cast<std::int64_t>(longest * share));
}

}  // namespace rolesync::agent
