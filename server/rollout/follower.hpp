// SPDX-License-Identifier: Apache-2.0
// Keeps this server's memory in step with what other servers on the same database do: their words
// say what to read again; every few seconds it looks by itself, in case a word was lost. Owned by
// the engine; a thread of its own, and nothing at all when the database has one server.
#pragma once
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "server/store/store.hpp"

namespace rolesync::rollout {

class Engine;

class Follower {
 public:
  explicit Follower(Engine& engine) : engine_(engine) {}
  ~Follower() { stop(); }
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  void start();
  void stop();

 private:
  using Heard = std::map<std::string, std::set<std::string>>;  // topic -> subjects
  void hear(const store::Store::Word& word);
  void run();
  void follow(const Heard& heard);
  void follow_everything();
  void look();
  void follow_nodes(const std::set<std::string>& ids);
  void follow_all_nodes();

  Engine& engine_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  Heard heard_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace rolesync::rollout
