// SPDX-License-Identifier: Apache-2.0
// What a clock on the wall shows in some place, to the minute, and which instants that names. The
// rules are those of the machine's time zone database, read at the first use. Values; any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "host/values/result.hpp"
#include "host/values/timestamp.hpp"

namespace date {
class time_zone;
}

namespace rolesync::domain {

using LocalMinute = std::int64_t;  // minutes of wall clock time since 1970-01-01 00:00

class TimeZone {
 public:
  // An IANA name ("Europe/Berlin") or "UTC". Error: invalid/unknown_time_zone.
  static Result<TimeZone> find(std::string_view name);

  std::string name() const;
  LocalMinute local(Millis at) const;  // rounded down to the minute

  // A clock that is put forward skips minutes, one that is put back shows some of them twice.
  struct Instants {
    Millis first = 0;              // of a skipped minute: the end of the gap
    std::optional<Millis> second;  // of a minute that is shown twice
    bool skipped = false;
  };
  Instants instants(LocalMinute minute) const;

 private:
  explicit TimeZone(const date::time_zone* zone) : zone_(zone) {}
  const date::time_zone* zone_;  // lives as long as the program
};

}  // namespace rolesync::domain
