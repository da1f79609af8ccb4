// SPDX-License-Identifier: Apache-2.0
// Connections to the server that this node obeys now, and when to try again. When a server does
// not answer the next one of the list is taken. Any thread; each client belongs to one thread.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>

#include "host/agent/config.hpp"
#include "host/agent/credential.hpp"
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
  // With another secret than the one in use, for a rotation.
  Result<std::unique_ptr<LinkClient>> connect_as(const std::string& secret);
  // A stream that one server waits for. With several servers on one database that may be another
  // than the one that passed the command on: each of the list is tried.
  Result<std::unique_ptr<Stream>> open_awaited_stream(const std::string& rest);
  // The server did not answer, or not as a server: others should take the next one.
  void failed();
  // The one that is obeyed now.
  std::string server_url() const { return config_.server(server_).url; }
  Credential& credential() { return credential_; }

  const std::string& boot_id() const { return boot_id_; }
  std::string node_path(const std::string& rest) const;  // "/api/nodes/<id>/<rest>"

  // Sleeps, and longer when the server has asked for it; false when the agent stops meanwhile.
  bool pause(std::chrono::milliseconds time);
  // The same, but ends early when the node has joined again meanwhile.
  bool pause_until_joined(std::chrono::milliseconds time);
  // What an answer's Retry-After says, within bounds: nobody asks again before.
  void hold_off(const HttpAnswer& answer);
  void stop();  // interrupts every client, now and from now on
  bool stopping() const { return stopping_; }

 private:
  friend class LinkClient;
  bool sleep(std::chrono::milliseconds time);

  const AgentConfig& config_;
  Credential credential_;
  const std::string boot_id_;
  std::atomic<std::size_t> server_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable stopped_;
  std::set<HttpClient*> clients_;
  std::unique_ptr<HttpClient> spare_;
  std::size_t spare_server_ = 0;
  std::chrono::steady_clock::time_point not_before_{};
};

class LinkClient {
 public:
  enum class Afterwards { close, keep };
  LinkClient(ServerLink& link, std::unique_ptr<HttpClient> client, std::size_t server,
             Afterwards afterwards);
  ~LinkClient();

  // A request that was on its way while the credential changed is sent once more.
  Result<HttpAnswer> send(const HttpRequest& request);
  Result<std::unique_ptr<Stream>> open_stream(const std::string& path);
  void interrupt() { client_->interrupt(); }

  Result<HttpAnswer> get(const std::string& path);
  // Sends JSON and expects JSON (or nothing); any status over 299 is an Error.
  Result<Json> post(const std::string& path, const Json& body, std::chrono::milliseconds limit);

 private:
  ServerLink& link_;
  std::unique_ptr<HttpClient> client_;
  const std::size_t server_;
  const Afterwards afterwards_;
};

// Pauses that double from 0.5 s, each shortened by up to a half at random, so that a restarted
// server is not met by all agents at once. One thread.
class Backoff {
 public:
  Backoff() : Backoff(std::random_device{}()) {}
  explicit Backoff(std::uint32_t seed) : random_(seed) {}
  std::chrono::milliseconds next(std::chrono::milliseconds longest = std::chrono::seconds(30));
  void reset() { tries_ = 0; }

 private:
  std::minstd_rand random_;
  int tries_ = 0;
};

}  // namespace rolesync::agent
