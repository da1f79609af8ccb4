// SPDX-License-Identifier: Apache-2.0
// Group commit: one thread takes all changes that wait, runs each in a savepoint of one
// transaction, commits, and only then answers. While it waits for the disk the next group gathers,
// so many callers share one fsync. Any thread may call run().
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "server/store/session.hpp"

namespace rolesync::store {

class GroupWriter {
 public:
  using Work = std::function<Status(Session&)>;

  // `begin`: the statement that begins a writing transaction.
  GroupWriter(std::unique_ptr<Session> session, std::string begin, std::size_t max_group);
  ~GroupWriter();  // ends the thread; nobody may be in run()

  Status run(const Work& work);

  std::uint64_t writes() const { return writes_; }
  std::uint64_t commits() const { return commits_; }

 private:
  struct Waiting {
    const Work& work;
    Status answer;
    bool answered = false;
    std::condition_variable wake;
  };

  void loop();
  void run_group(const std::vector<Waiting*>& group);
  Status run_all(const std::vector<Waiting*>& group);
  Status run_one(Waiting& waiting);

  const std::unique_ptr<Session> session_;
  const std::string begin_;
  const std::size_t max_group_;
  std::atomic<std::uint64_t> writes_ = 0, commits_ = 0;

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Waiting*> queue_;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace rolesync::store
