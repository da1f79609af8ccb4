// SPDX-License-Identifier: Apache-2.0
#include "server/domain/rollout_policy.hpp"

#include <algorithm>
#include <charconv>

namespace rolesync::domain {

std::size_t Amount::at_least_one_of(std::size_t total) const {
  const std::size_t nodes = percent ? (value * total + 99) / 100 : value;
  return std::max<std::size_t>(nodes, 1);
}

std::size_t Amount::at_most_of(std::size_t total) const {
  return percent ? value * total / 100 : value;
}

std::optional<Amount> parse_amount(std::string_view text) {
  Amount amount;
  amount.percent = text.ends_with('%');
  if (amount.percent) text.remove_suffix(1);
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), amount.value, 10);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (amount.value > (amount.percent ? 100U : 1'000'000U)) return std::nullopt;
  return amount;
}

std::string to_text(Amount amount) {
  return std::to_string(amount.value) + (amount.percent ? "%" : "");
}

}  // namespace rolesync::domain
