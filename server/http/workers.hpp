// SPDX-License-Identifier: Apache-2.0
// The threads that run handlers, in two lanes: requests of nodes may use all of them, all other
// requests leave the reserved ones free. Any thread may submit; the owner stops.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "host/stream/channel.hpp"

namespace rolesync::http {

enum class Lane { nodes, others };

class Workers {
 public:
  Workers(int total, int reserved, std::size_t max_queued);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  void start();
  bool submit(Lane lane, std::function<void()> job);  // false: too many wait already
  std::size_t queued() const;

  // Finishes what is queued and running; false when that took longer. The threads that are then
  // still in a handler are left alone and end after it.
  bool stop(Deadline deadline);

 private:
  struct State;
  std::shared_ptr<State> state_;
  std::vector<std::thread> threads_;
  int total_;
};

}  // namespace rolesync::http
