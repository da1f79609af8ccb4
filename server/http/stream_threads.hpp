// SPDX-License-Identifier: Apache-2.0
// One thread for each upgraded connection. Any thread may start one; the front stops them all.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>

#include "host/stream/channel.hpp"

namespace rolesync::http {

class StreamThreads {
 public:
  explicit StreamThreads(std::size_t most);

  // Runs the function on a thread of its own; false when there are too many, or we stop.
  bool run(const std::shared_ptr<Channel>& channel, std::function<void()> function);
  std::size_t count() const;

  // Breaks all channels and waits; false when some function has not returned until then.
  bool stop(Deadline deadline);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace rolesync::http
