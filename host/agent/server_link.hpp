// SPDX-License-Identifier: Apache-2.0
// Connections to the server that this node obeys now, and when to try again. When a server does
// not answer the next one of the list is taken. Any thread; each client belongs to one thread.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "host/agent/config.hpp"
#include "host/client/http_client.hpp"
#include "host/values/json.hpp"

namespace rolesync::agent {

// A client that stop() interrupts for as long as it exists.
class LinkClient;

class ServerLink {
 public:
  ServerLink(const AgentConfig& config, std::string credential);
  ~ServerLink();

  Result<std::unique_ptr<LinkClient>> connect();
  // For a few requests now and then: the connection is kept for whoever borrows next, so that a
  // task costs no handshake.
  Result<std::unique_ptr<LinkClient>> borrow();
  // The server did not answer: others should take the next one.
  void failed();

  const std::string& boot_id() const { return boot_id_; }
  std::string node_path(const std::string& rest) const;  // "/api/nodes/<id>/<rest>"

  // Sleeps, unless the agent stops first; false when it stops.
  bool pause(std::chrono::milliseconds time);
  void stop();  // interrupts every client, now and from now on
  bool stopping() const { return stopping_; }

 private:
  friend class LinkClient;
  const AgentConfig& config_;
  const std::string credential_, boot_id_;
  std::atomic<std::size_t> server_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable stopped_;
  std::set<HttpClient*> clients_;
  std::unique_ptr<HttpClient> spare_;
  std::size_t spare_server_ = 0;
};

class LinkClient {
 public:
  enum class Afterwards { close, keep };
  LinkClient(ServerLink& link, std::unique_ptr<HttpClient> client, std::size_t server,
             Afterwards afterwards);
  ~LinkClient();
  HttpClient& http() { return *client_; }

  Result<HttpAnswer> get(const std::string& path);
  // Sends JSON and expects JSON (or nothing); any status over 299 is an Error.
  Result<Json> post(const std::string& path, const Json& body, std::chrono::milliseconds limit);

 private:
  ServerLink& link_;
  std::unique_ptr<HttpClient> client_;
  const std::size_t server_;
  const Afterwards afterwards_;
};

// Pauses that double from 0.5 s to 30 s, each shortened by up to a half at random, so that a
// restarted server is not met by all agents at once.
class Backoff {
 public:
  std::chrono::milliseconds next();
  void reset() { tries_ = 0; }

 private:
  int tries_ = 0;
};

}  // namespace rolesync::agent
