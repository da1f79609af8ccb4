// SPDX-License-Identifier: Apache-2.0
// A cron expression: minute, hour, day of month, month, day of week. Pure; any thread.
//
// A field is `*` or a list of values, ranges (`mon-fri`) and steps (`*/15`, `8-18/2`, `5/20`);
// months and weekdays have names, Sunday is 0 and 7. @hourly, @daily (@midnight), @weekly, @monthly
// and @yearly (@annually) stand for whole expressions. When both day fields leave out some days, a
// day counts that either of them names.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "host/values/result.hpp"
#include "server/domain/time_zone.hpp"

namespace rolesync::domain {

class Cron {
 public:
  // Error: invalid/invalid_cron, naming the field and what it may be.
  static Result<Cron> parse(std::string_view text);

  // The first instant after `after`; nothing when the days named do not exist ("0 0 30 2 *").
  //
  // When clocks change, an expression that names hours fires once for each time it names: at the
  // end of the gap when that time is skipped, at the first of two when it comes twice. One that
  // says every hour follows the wall clock: what is skipped is left out, what comes twice counts
  // twice.
  std::optional<Millis> next(Millis after, const TimeZone& zone) const;

  const std::string& text() const { return text_; }

 private:
  std::optional<LocalMinute> next_match(LocalMinute from) const;
  bool matches_day(std::int64_t day) const;
  std::optional<int> next_of_day(int minute_of_day) const;

  std::string text_;
  // Bit n: the value n is named.
  std::uint64_t minutes_ = 0, hours_ = 0, days_ = 0, months_ = 0, weekdays_ = 0;
  bool every_hour_ = false, every_day_ = false, every_weekday_ = false;
};

}  // namespace rolesync::domain
