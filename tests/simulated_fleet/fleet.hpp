// SPDX-License-Identifier: Apache-2.0
// Runs all simulated nodes in one thread: an epoll loop, a queue of times, and words on standard
// output for whoever started it.
#pragma once
#include <cstddef>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "endpoint.hpp"
#include "host/process/unique_fd.hpp"
#include "host/values/result.hpp"
#include "node.hpp"
#include "options.hpp"

namespace rolesync::simulated {

class Fleet {
 public:
  static Result<std::unique_ptr<Fleet>> make(const Options& options);
  ~Fleet();

  // Until SIGTERM or SIGINT. Prints JSON lines: `settled` once every node waits in its heartbeat,
  // `counts` at SIGUSR1, and `ended`.
  void run();

 private:
  using Wake = std::pair<TimePoint, std::size_t>;
  explicit Fleet(const Options& options) : options_(options) {}
  Status prepare();
  Status read_credentials();
  void make_nodes();
  std::vector<Traits> traits() const;
  void start_some();
  void wake_due();
  int time_to_next() const;
  bool take_signal();
  void say(const char* event) const;
  void write_files() const;

  const Options options_;
  Endpoint endpoint_;
  UniqueFd epoll_, signals_;
  std::unique_ptr<World> world_;
  std::map<std::string, std::string> credentials_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::priority_queue<Wake, std::vector<Wake>, std::greater<>> wakes_;
  std::size_t started_ = 0, settled_ = 0;
  TimePoint began_;
  std::string deliveries_;
};

}  // namespace rolesync::simulated
