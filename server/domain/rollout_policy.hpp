// SPDX-License-Identifier: Apache-2.0
// How a job is to be rolled out: how many nodes at a time, who goes first, how long a node has to
// stay healthy, and how much may go wrong. Pure; plain values.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/values/timestamp.hpp"

namespace rolesync::domain {

// A number of nodes: so many, or so many of a hundred.
struct Amount {
  std::size_t value = 0;
  bool percent = false;
  bool operator==(const Amount&) const = default;

  std::size_t at_least_one_of(std::size_t total) const;  // rounded up: a batch
  std::size_t at_most_of(std::size_t total) const;       // rounded down: a budget
};

// "3" or "25%"; nothing for anything else, for more than 100 % and for more than 1,000,000.
std::optional<Amount> parse_amount(std::string_view text);
std::string to_text(Amount amount);

struct RolloutPolicy {
  // So many nodes are switched at once; empty: all. Of several sizes each is a batch that has to
  // end before the next begins, and the last one slides: a node that is done makes room for one.
  std::vector<Amount> batches;
  std::size_t stage_at_once = 0;  // nodes that fetch at the same time; 0: all

  // What follows the canaries waits until they have been well and somebody promotes, or for so
  // long after the last of them.
  std::optional<Millis> promote_after;

  Millis min_healthy = 0;  // a switched node counts only after so long without failing health

  // More nodes than that and nothing else is begun; not set: none.
  std::optional<Amount> max_failed;
  std::optional<Amount> max_unreachable;       // gone while they had work to do
  std::optional<Amount> max_failed_per_group;  // of each group of nodes, such as a rack
  bool ask = false;  // over budget: wait for an operator, instead of calling the rest off

  // Nodes that are away do not hold up the others and are switched when they return, until then;
  // 0: they are ordered at once and fail when they stay away.
  Millis catch_up_until = 0;
};

}  // namespace rolesync::domain
