// SPDX-License-Identifier: Apache-2.0
// Counts what the front has answered, for /metrics. Any thread; costs a few atomic additions.
#pragma once
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace rolesync::http {

struct RequestRecord;

class RequestCounts {
 public:
  // Upper ends of the histogram's buckets, in seconds; one more bucket has no end.
  static constexpr std::array<double, 9> ends = {0.001, 0.005, 0.02, 0.1, 0.5, 1, 5, 30, 120};

  void add(const RequestRecord& record);

  struct Snapshot {
    std::array<std::uint64_t, 5> by_class{};  // 1xx to 5xx
    std::array<std::uint64_t, ends.size() + 1> buckets{};
    double seconds = 0;
    std::uint64_t heartbeats = 0;  // among by_class; they wait on purpose, so not in the histogram
  };
  Snapshot snapshot() const;

 private:
  std::array<std::atomic<std::uint64_t>, 5> by_class_{};
  std::array<std::atomic<std::uint64_t>, ends.size() + 1> buckets_{};
  std::atomic<std::uint64_t> microseconds_{0}, heartbeats_{0};
};

}  // namespace rolesync::http
