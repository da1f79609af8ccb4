// SPDX-License-Identifier: Apache-2.0
#include "server/http/request_counts.hpp"

#include <algorithm>

#include "server/http/front.hpp"

namespace rolesync::http {

void RequestCounts::add(const RequestRecord& record) {
  const int of_class = std::clamp(record.status / 100, 1, 5);
  ++by_class_[static_cast<std::size_t>(of_class - 1)];
  if (record.path.ends_with("/heartbeat")) {
    ++heartbeats_;
    return;
  }
  const auto took = static_cast<std::uint64_t>(std::max<std::int64_t>(0, record.duration.count()));
  microseconds_ += took;
  const double seconds = static_cast<double>(took) / 1e6;
  const auto* end = std::lower_bound(ends.begin(), ends.end(), seconds);
  ++buckets_[static_cast<std::size_t>(end - ends.begin())];
}

RequestCounts::Snapshot RequestCounts::snapshot() const {
  Snapshot out;
  std::copy(by_class_.begin(), by_class_.end(), out.by_class.begin());
  std::copy(buckets_.begin(), buckets_.end(), out.buckets.begin());
  out.seconds = static_cast<double>(microseconds_) / 1e6;
  out.heartbeats = heartbeats_;
  return out;
}

}  // namespace rolesync::http
