// SPDX-License-Identifier: Apache-2.0
#include "server/domain/cron.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <utility>
#include <vector>

namespace rolesync::domain {
namespace {

constexpr std::int64_t kDay = 1440;  // minutes
// The 29th of February comes at least once in this time.
constexpr std::int64_t kDaysAhead = 2929;
// The longest time that a clock is put back.
constexpr std::int64_t kLongestOverlap = 180;

using Names = std::vector<std::string_view>;

struct Field {
  const char* name;
  int low, high;
  Names names;  // of the values from low on
};

const std::array<Field, 5>& fields() {
  static const std::array<Field, 5> all = {{
      {"minute", 0, 59, {}},
      {"hour", 0, 23, {}},
      {"day of month", 1, 31, {}},
      {"month",
       1,
       12,
       {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
      {"day of week", 0, 7, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
  }};
  return all;
}

Error refusal(const std::string& message) {
  return {ErrorKind::invalid, "invalid_cron", message,
          "write five fields: minute, hour, day of month, month, day of week; for example "
          "\"30 4 * * mon-fri\", or @daily"};
}

std::string range_of(const Field& field) {
  std::string text = std::to_string(field.low) + " to " + std::to_string(field.high);
  if (!field.names.empty()) {
    text += ", or " + std::string(field.names.front()) + " to " + std::string(field.names.back());
  }
  return text;
}

Error bad_value(const Field& field, std::string_view text) {
  return refusal(std::string(field.name) + ": \"" + std::string(text) + "\" is not one of " +
                 range_of(field));
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || text.size() > 4 || parsed.ec != std::errc() ||
      parsed.ptr != text.data() + text.size() || text.front() == '-') {
    return std::nullopt;
  }
  return value;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return result;
}

std::optional<int> value_of(const Field& field, std::string_view text) {
  const auto name = std::find(field.names.begin(), field.names.end(), text);
  if (name != field.names.end()) return field.low + static_cast<int>(name - field.names.begin());
  const std::optional<int> value = number(text);
  return value && *value >= field.low && *value <= field.high ? value : std::nullopt;
}

// Splits at `separator`; "a,,b" has an empty part.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// "*", "5", "mon-fri", each perhaps with "/step".
Result<std::uint64_t> item(const Field& field, std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view range = text.substr(0, slash);
  int step = 1, first = field.low, last = field.high;
  if (slash != std::string_view::npos) {
    const std::optional<int> given = number(text.substr(slash + 1));
    if (!given || *given < 1 || *given > field.high) {
      return refusal(std::string(field.name) + ": \"" + std::string(text.substr(slash + 1)) +
                     "\" is no step from 1 to " + std::to_string(field.high));
    }
    step = *given;
  }
  if (range == "*") {
    if (field.high == 7) last = 6;  // Sunday once
  } else {
    const std::size_t dash = range.find('-');
    const std::optional<int> from = value_of(field, range.substr(0, dash));
    if (!from) return bad_value(field, range.substr(0, dash));
    first = *from;
    if (dash != std::string_view::npos) {
      const std::optional<int> to = value_of(field, range.substr(dash + 1));
      if (!to) return bad_value(field, range.substr(dash + 1));
      last = *to;
    } else if (slash == std::string_view::npos) {
      last = first;
    } else if (field.high == 7) {
      last = 6;
    }
    if (last < first) {
      return refusal(std::string(field.name) + ": the range " + std::string(range) +
                     " ends before it begins");
    }
  }
  std::uint64_t bits = 0;
  for (int value = first; value <= last; value += step) bits |= std::uint64_t{1} << value;
  return bits;
}

Result<std::uint64_t> parse_field(const Field& field, std::string_view text) {
  std::uint64_t bits = 0;
  for (const std::string_view part : split(text, ',')) {
    const Result<std::uint64_t> named = item(field, part);
    if (!named) return named.error();
    bits |= *named;
  }
  if (field.high == 7 && (bits >> 7 & 1)) bits = (bits | 1) & 0x7f;
  return bits;
}

std::uint64_t all_of(int low, int high) {
  std::uint64_t bits = 0;
  for (int value = low; value <= high; ++value) bits |= std::uint64_t{1} << value;
  return bits;
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> found;
  while (!text.empty()) {
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin);
    const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
    found.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return found;
}

// "@daily" -> "0 0 * * *"; what is no such name stays as it is.
std::string_view spelled_out(std::string_view text) {
  constexpr std::pair<std::string_view, std::string_view> macros[] = {
      {"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
      {"@weekly", "0 0 * * 0"},  {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
      {"@annually", "0 0 1 1 *"}};
  for (const auto& [name, expression] : macros) {
    if (text == name) return expression;
  }
  return text;
}

std::optional<int> lowest_from(std::uint64_t bits, int from) {
  for (int value = from; value < 64; ++value) {
    if (bits >> value & 1) return value;
  }
  return std::nullopt;
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

}  // namespace

Result<Cron> Cron::parse(std::string_view text) {
  if (text.size() > 256) return refusal("a cron expression has at most 256 characters");
  const std::string small = lower(text);
  const std::vector<std::string_view> parts = words(small);
  const std::vector<std::string_view> given =
      parts.size() == 1 ? words(spelled_out(parts.front())) : parts;
  if (given.size() != fields().size()) {
    return refusal(given.size() == 1 && given.front().front() == '@'
                       ? "\"" + std::string(given.front()) + "\" is not known"
                       : "it has " + std::to_string(given.size()) + " fields, not five");
  }
  Cron cron;
  cron.text_ = text;
  std::uint64_t* const into[] = {&cron.minutes_, &cron.hours_, &cron.days_, &cron.months_,
                                 &cron.weekdays_};
  for (std::size_t i = 0; i < given.size(); ++i) {
    const Result<std::uint64_t> bits = parse_field(fields()[i], given[i]);
    if (!bits) return bits.error();
    *into[i] = *bits;
  }
  cron.every_hour_ = cron.hours_ == all_of(0, 23);
  cron.every_day_ = cron.days_ == all_of(1, 31);
  cron.every_weekday_ = cron.weekdays_ == all_of(0, 6);
  return cron;
}

bool Cron::matches_day(std::int64_t day) const {
  using namespace std::chrono;
  const sys_days date{days{day}};
  const year_month_day parts{date};
  if (!(months_ >> static_cast<unsigned>(parts.month()) & 1)) return false;
  const bool of_month = days_ >> static_cast<unsigned>(parts.day()) & 1;
  const bool of_week = weekdays_ >> weekday{date}.c_encoding() & 1;
  return every_day_ || every_weekday_ ? of_month && of_week : of_month || of_week;
}

std::optional<int> Cron::next_of_day(int minute_of_day) const {
  int hour = minute_of_day / 60, minute = minute_of_day % 60;
  while (const std::optional<int> at = lowest_from(hours_, hour)) {
    if (*at > hour) minute = 0;
    if (const std::optional<int> in_hour = lowest_from(minutes_, minute))
      return *at * 60 + *in_hour;
    hour = *at + 1;
    minute = 0;
  }
  return std::nullopt;
}

std::optional<LocalMinute> Cron::next_match(LocalMinute from) const {
  const std::int64_t first = floor_divide(from, kDay);
  for (std::int64_t day = first; day < first + kDaysAhead; ++day) {
    if (!matches_day(day)) continue;
    const int begin = day == first ? static_cast<int>(from - first * kDay) : 0;
    if (const std::optional<int> minute = next_of_day(begin)) return day * kDay + *minute;
  }
  return std::nullopt;
}

std::optional<Millis> Cron::next(Millis after, const TimeZone& zone) const {
  std::optional<Millis> best;
  const auto consider = [&](Millis at) {
    if (at > after && (!best || at < *best)) best = at;
  };
  LocalMinute from = zone.local(after) - kLongestOverlap;
  while (const std::optional<LocalMinute> match = next_match(from)) {
    const TimeZone::Instants at = zone.instants(*match);
    if (best && at.first >= *best) break;
    if (!at.skipped || !every_hour_) consider(at.first);
    if (at.second && every_hour_) consider(*at.second);
    from = *match + 1;
  }
  return best;
}

}  // namespace rolesync::domain
