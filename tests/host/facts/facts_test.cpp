// SPDX-License-Identifier: Apache-2.0
// One question per collection, however many roles ask.
#include "host/facts/facts.hpp"

#include <gtest/gtest.h>

namespace rolesync {
namespace {

class CountingUnits : public Units {
 public:
  std::map<std::string, UnitStatus> status(const std::vector<std::string>& units) override {
    ++questions;
    std::map<std::string, UnitStatus> answer;
    for (const auto& unit : units) answer[unit].active_state = "active";
    return answer;
  }
  Result<UnitStatus> run(UnitAction, const std::string&, std::chrono::milliseconds,
                         const CancelFlag*) override {
    ++actions;
    return UnitStatus{};
  }
  int questions = 0, actions = 0;
};

class CountingPorts : public Ports {
 public:
  Result<std::vector<ListeningPort>> scan() override {
    ++questions;
    if (fails) return Error{ErrorKind::failed, "ports_unknown", "no netlink"};
    return std::vector<ListeningPort>{{8001, "0.0.0.0", "python", 7}};
  }
  int questions = 0;
  bool fails = false;
};

TEST(Facts, AreCollectedWithOneQuestionEach) {
  CountingUnits units;
  CountingPorts ports;
  auto facts = collect_facts({{"/", "/nonexistent"}, {"a", "b", "c"}}, units, ports);
  EXPECT_TRUE(facts->path_exists.at("/"));
  EXPECT_FALSE(facts->path_exists.at("/nonexistent"));
  UnitsOfFacts of_facts(facts, units);
  for (const char* unit : {"a", "b", "c"}) {
    EXPECT_EQ(of_facts.status({unit}).at(unit).active_state, "active");
  }
  EXPECT_EQ(PortsOfFacts(facts).scan()->at(0).port, 8001);
  EXPECT_EQ(units.questions, 1);
  EXPECT_EQ(ports.questions, 1);
}

TEST(Facts, InstancesOfATemplateAreOfTheSameQuestion) {
  class Templates : public CountingUnits {
   public:
    std::map<std::string, UnitStatus> status(const std::vector<std::string>&) override {
      ++questions;
      return {{"w@*", {}}, {"w@1", {}}, {"w@2", {}}, {"web", {}}};
    }
  } units;
  CountingPorts ports;
  UnitsOfFacts of_facts(collect_facts({{}, {"w@*", "web"}}, units, ports), units);
  EXPECT_EQ(of_facts.status({"w@*"}).size(), 3u);
  EXPECT_EQ(of_facts.status({"w@2"}).size(), 1u);
  EXPECT_EQ(units.questions, 1);
}

// Those out of reach are known too, from the same one question.
TEST(Facts, PortsElsewhereAreKeptApart) {
  class AtLoopback : public CountingPorts {
   public:
    std::string address() const override { return "127.0.0.1"; }
    Result<std::vector<ListeningPort>> scan() override {
      ++questions;
      return std::vector<ListeningPort>{{80, "10.0.0.5", "a", 1}, {81, "0.0.0.0", "b", 2}};
    }
  };
  CountingUnits units;
  AtLoopback ports;
  const auto facts = collect_facts({{}, {}}, units, ports);
  PortsOfFacts of_facts(facts);
  ASSERT_EQ(of_facts.scan()->size(), 1u);
  EXPECT_EQ(of_facts.scan()->at(0).port, 81);
  EXPECT_EQ(of_facts.scan_all()->size(), 2u);
  EXPECT_EQ(ports.questions, 1);
}

TEST(Facts, UnknownUnitsAndActionsGoToTheRealOne) {
  CountingUnits units;
  CountingPorts ports;
  ports.fails = true;
  auto facts = collect_facts({{}, {}}, units, ports);
  EXPECT_EQ(units.questions, 0);
  UnitsOfFacts of_facts(facts, units);
  EXPECT_EQ(of_facts.status({"z"}).at("z").active_state, "active");
  EXPECT_TRUE(of_facts.run(UnitAction::start, "z", std::chrono::seconds(1), nullptr).ok());
  EXPECT_EQ(units.questions, 1);
  EXPECT_EQ(units.actions, 1);
  EXPECT_EQ(PortsOfFacts(facts).scan().error().reason, "ports_unknown");
}

}  // namespace
}  // namespace rolesync
