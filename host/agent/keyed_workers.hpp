// SPDX-License-Identifier: Apache-2.0
// A few threads that do jobs: jobs of one key in order and never at the same time, jobs of
// different keys side by side. The key is a target path, so that one target has one worker. A
// thread begins with the first job that no other is free for: an agent that has nothing to do keeps
// none. Any thread.
#pragma once
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "host/agent/liveness.hpp"

namespace rolesync::agent {

class KeyedWorkers {
 public:
  // At most `threads`. `name` is what the system calls them (top -H, strace): at most 15
  // characters.
  // `liveness`, when given, is told that they wait for jobs and do none longer than `longest_job`.
  KeyedWorkers(const char* name, std::size_t threads, Liveness* liveness = nullptr,
               std::chrono::seconds longest_job = std::chrono::hours(6));
  ~KeyedWorkers();  // waits for the jobs in progress; drops the waiting ones
  void add(std::string key, std::function<void()> job);
  void stop();  // no job is begun any more

 private:
  struct Job {
    std::string key;
    std::function<void()> work;
  };
  void start_one();
  void run(Liveness::Thread* life);
  const char* const name_;
  const std::size_t most_;
  Liveness* const liveness_;
  const std::chrono::seconds longest_job_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::set<std::string> busy_;
  std::size_t free_ = 0;  // threads that wait for a job
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace rolesync::agent
