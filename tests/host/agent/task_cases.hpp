// SPDX-License-Identifier: Apache-2.0
// All cases of a task, generated from the machine: the shapes of a task, the steps each can come
// to, and what can happen to a step; with the end that an operator is promised, by rules that know
// nothing of the machine's table. Single thread.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "host/agent/task.hpp"
#include "host/agent/task_machine.hpp"

namespace rolesync::agent::task_cases {

inline constexpr unsigned kShapeBits = 11;

inline TaskShape shape_of(unsigned bits) {
  const auto bit = [&](unsigned n) { return (bits >> n & 1) != 0; };
  TaskShape shape{bit(0), bit(1), bit(2), bit(3), bit(4), bit(5), bit(6), bit(7)};
  shape.has_drain = bit(8);
  shape.has_undrain = bit(9);
  shape.old_undrain = bit(10);
  return shape;
}

inline TaskShape everything() {
  return shape_of((1u << kShapeBits) - 1);
}

// What can happen to a step. A command that exits with an error, is killed by a signal or runs into
// its limit has failed in each case; TERM and a killed agent leave the record where it is.
enum class Event { ok, fails, is_killed, hangs, agent_dies_unswitched, agent_dies_switched };
inline constexpr std::array kEvents = {Event::ok,
                                       Event::fails,
                                       Event::is_killed,
                                       Event::hangs,
                                       Event::agent_dies_unswitched,
                                       Event::agent_dies_switched};

inline bool is_bad(Event event) {
  return event == Event::fails || event == Event::is_killed || event == Event::hangs;
}
inline bool is_death(Event event) {
  return event == Event::agent_dies_unswitched || event == Event::agent_dies_switched;
}
inline bool is_before_switch(Step step) {
  return step < Step::activate;
}
inline bool is_after_switch(Step step) {
  return step > Step::activate && step < Step::resume;
}

// The way of one task: what was begun, what came out well, how it ended.
struct Way {
  std::vector<Step> begun;
  std::set<Step> well;
  End end = End::succeeded;

  bool did(Step step) const { return std::find(begun.begin(), begun.end(), step) != begun.end(); }
  std::string text() const {
    std::string text;
    for (const Step step : begun) text += std::string(step_name(step)) + " ";
    return text + ": " + std::string(wire_state(end));
  }
};

// Goes on from `next` with every step coming out well but those of `failing`.
inline void walk(const TaskShape& shape, Next next, const std::set<Step>& failing, Way& way) {
  while (next.at && way.begun.size() < 40) {
    const Step step = next.at->step;
    way.begun.push_back(step);
    const bool fails = failing.contains(step);
    if (!fails) way.well.insert(step);
    next = next_step(shape, *next.at, fails ? Outcome::failed : Outcome::ok);
  }
  ASSERT_FALSE(next.at) << "does not end: " << way.text();
  way.end = next.end;
}

inline Way way_of(const TaskShape& shape, const std::set<Step>& failing) {
  Way way;
  walk(shape, first_step(shape), failing, way);
  return way;
}

// Every step that a task of this shape can come to, with the way it came and where it stood. The
// failure of each step that it had so far leads to all others.
struct Arrival {
  Way before;
  Position at;
  std::set<Step> cause;  // what failed on the way there
};
inline std::map<Step, Arrival> arrivals(const TaskShape& shape) {
  std::map<Step, Arrival> found;
  std::vector<std::set<Step>> causes = {{}};
  for (std::size_t step = 0; step < step_count; ++step) causes.push_back({static_cast<Step>(step)});
  for (const std::set<Step>& failing : causes) {
    Way way;
    Next next = first_step(shape);
    while (next.at && way.begun.size() < 40) {
      found.try_emplace(next.at->step, Arrival{way, *next.at, failing});
      const Step step = next.at->step;
      way.begun.push_back(step);
      const bool fails = failing.contains(step);
      if (!fails) way.well.insert(step);
      next = next_step(shape, *next.at, fails ? Outcome::failed : Outcome::ok);
    }
  }
  return found;
}

// Written and read again, as after a death.
inline Position from_disk(const Position& at) {
  static std::map<std::pair<Step, bool>, Position> known;
  const auto seen = known.find({at.step, at.undo_trouble});
  if (seen != known.end()) return seen->second;
  TaskRecord record;
  record.task.task_id = "t1";
  record.task.commit = std::string(40, 'a');
  record.task.content_id = "rs1:" + std::string(64, 'b');
  record.task.role.name = "web";
  record.task.role.source_paths = {"web"};
  record.task.role.target_path = "/srv/web";
  record.phase = TaskPhase::switching;
  record.position = at;
  const Result<TaskRecord> read = record_from_text(record_to_text(record));
  EXPECT_TRUE(read.ok()) << read.error().message;
  return known[{at.step, at.undo_trouble}] = read ? read->position : Position{};
}

// `step` began and `event` happened to it; what follows goes well, but for `failing_later`.
inline Way after(const TaskShape& shape, const Arrival& arrival, Event event,
                 const std::set<Step>& failing_later = {}) {
  Way way = arrival.before;
  const Step step = arrival.at.step;
  way.begun.push_back(step);
  Next next;
  if (is_death(event)) {
    next = resumed_step(shape, from_disk(arrival.at), event == Event::agent_dies_switched);
  } else {
    if (event == Event::ok) way.well.insert(step);
    next = next_step(shape, arrival.at, is_bad(event) ? Outcome::failed : Outcome::ok);
  }
  walk(shape, next, failing_later, way);
  return way;
}

// The end that an operator is promised, from where it happened alone.
inline End promised_end(Step step, Event event) {
  const bool lost = is_bad(event) || (is_death(event) && step <= Step::activate &&
                                      event == Event::agent_dies_unswitched);
  if (is_before_switch(step)) return event == Event::ok ? End::succeeded : End::failed;
  if (step == Step::activate) return lost ? End::failed : End::succeeded;
  if (is_after_switch(step)) return lost ? End::rolled_back : End::succeeded;
  if (step < Step::restore) return End::failed;
  return is_bad(event) ? End::rollback_failed : End::rolled_back;
}

}  // namespace rolesync::agent::task_cases
