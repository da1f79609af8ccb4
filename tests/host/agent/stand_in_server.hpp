// SPDX-License-Identifier: Apache-2.0
// What an agent needs of a server, on the real HTTP front, told by a test what to say: commands,
// definitions, contents. Remembers everything that an agent said. Any thread.
#pragma once
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/activation/manifest.hpp"
#include "host/plugin/registry.hpp"
#include "host/role/role.hpp"
#include "server/http/front.hpp"

namespace rolesync {

class StandInServer {
 public:
  explicit StandInServer(const std::string& directory);
  ~StandInServer();

  void start();  // also again, on the same port
  void stop();
  std::string url() const;

  void define(const std::vector<Role>& roles);
  // A content of these files; its id. The agent may then ask for its manifest and blobs.
  std::string content(const std::map<std::string, std::string>& files);
  void order(const std::string& id, const std::string& kind, const Json& payload,
             std::uint64_t fence = 1);
  Json task(const std::string& task_id, const Role& role, const std::string& content_id,
            bool restart = false) const;
  // From now on contents are answered as updates from what the agent has.
  enum class Packs { right, damaged };
  void send_packs(Packs packs) { packs_ = packs; }
  void want_again(const std::string& part);
  void refuse_events(bool refuse);

  // Waits until some heartbeat (from the `after`th on) or event fits. Null when none came.
  using Fits = std::function<bool(const Json&)>;
  Json heartbeat(const Fits& fits, std::size_t after = 0);
  Json event(const Fits& fits);
  std::size_t heartbeats() const;
  std::vector<Json> events() const;
  // Of the last heartbeat's HTTP head: its request line and headers.
  std::size_t head_bytes() const { return head_bytes_; }
  int repeated() const { return repeated_; }  // events that came again, and had no effect
  int offers() const { return offers_; }
  std::string joined_with() const;
  std::string source_greeting();  // first bytes of a stream named "source_1"

 private:
  void add_routes();
  http::Response content_answer(const http::Request& request);
  void keep_events(const Json& events);
  http::Response take_events(const http::Request& request);
  void take_heartbeat(const http::Request& request, std::shared_ptr<http::Reply> reply);
  void answer_waiting();
  std::variant<http::Response, http::StreamOwner> open_stream(const http::Request& request);

  const std::string directory_;
  std::unique_ptr<plugin::Registry> registry_;
  std::unique_ptr<http::Router> router_;
  std::unique_ptr<http::Front> front_;
  std::uint16_t port_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Json> heartbeats_, events_;
  std::map<std::string, Json> commands_;  // until acknowledged
  std::vector<std::string> resend_;
  std::shared_ptr<http::Reply> waiting_;
  Json definitions_;
  std::string etag_ = "none", agent_etag_, joined_with_, greeting_;
  bool greets_ = false;  // after a restart: answers the first heartbeat at once
  std::set<std::pair<std::string, std::uint64_t>> known_;  // events: task, sequence
  Json report_ = Json::object();                           // the last role report, made whole
  std::map<std::string, Manifest> manifests_;              // by content id
  std::map<std::string, std::string> task_contents_;
  std::optional<Packs> packs_;
  std::map<std::string, std::vector<std::string>> offered_;
  bool refuse_events_ = false;
  std::atomic<int> offers_{0}, repeated_{0};
  std::atomic<std::size_t> head_bytes_{0};
};

}  // namespace rolesync
