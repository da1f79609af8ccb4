// SPDX-License-Identifier: Apache-2.0
// What a caller sees of the registry, for inline and isolated plugins alike.
#include <fstream>
#include <future>
#include <vector>

#include "tests/host/plugin/plugin_fixture.hpp"

namespace rolesync::plugin {
namespace {

class FakeServices : public HostServices {
 public:
  Result<Json> call(std::string_view service, const Json& request) override {
    asked.push_back(std::string(service) + " " + to_text(request));
    if (service == "fs.exists") return Json(request.at("path") == "/there");
    return Error{ErrorKind::unavailable, "busy", "not now"};
  }
  std::vector<std::string> asked;
};

// Every test runs twice: with the sample inside the process, and in a child.
class RegistryTest : public PluginFixture, public testing::WithParamInterface<bool> {
 protected:
  std::filesystem::path directory() const { return GetParam() ? drop_in_ : packaged_; }
  Result<Json> call(Registry& registry, std::string_view method,
                    const Json& request = Json::object(), const CallOptions& options = {}) {
    return registry.call("detector", "sample", method, request, options);
  }
};

INSTANTIATE_TEST_SUITE_P(, RegistryTest, testing::Bool(), [](const auto& instance) {
  return instance.param ? "isolated" : "inline";
});

TEST_P(RegistryTest, ServesCallsAndSaysWhereThePluginRuns) {
  put(sample("v1"), directory() / "sample.so");
  Registry registry(options());
  const Result<Json> answer = call(registry, "answer");
  ASSERT_TRUE(answer.ok()) << answer.error().text();
  EXPECT_EQ(*answer, 1);
  const PluginInfo found = info(registry, directory() / "sample.so");
  EXPECT_EQ(found.state, PluginState::ready);
  EXPECT_EQ(found.name, "sample");
  EXPECT_EQ(found.version, "1.0.0");
  EXPECT_EQ(found.isolated, GetParam());
  EXPECT_EQ(found.calls, 1u);
  EXPECT_EQ(call(registry, "pid")->get<pid_t>() == getpid(), !GetParam());
}

TEST_P(RegistryTest, CarriesAnyJsonThroughUnchanged) {
  put(sample("v1"), directory() / "sample.so");
  Registry registry(options());
  const Json request = {{"text", "a \"quoted\"\nline, \u00e4\U0001F600 and \\"},
                        {"list", {1, -2.5, nullptr, true}},
                        {"long", std::string(300'000, 'x')}};
  const Result<Json> answer = call(registry, "echo", request);
  ASSERT_TRUE(answer.ok()) << answer.error().text();
  EXPECT_EQ(*answer, request);
}

TEST_P(RegistryTest, AnUnknownPluginIsNotFound) {
  Registry registry(options());
  EXPECT_EQ(call(registry, "answer").error().reason, "plugin_missing");
  EXPECT_FALSE(registry.has("detector", "sample"));
}

TEST_P(RegistryTest, ErrorsOfAPluginArriveWithTheirKind) {
  put(sample("v1"), directory() / "sample.so");
  Registry registry(options());
  const ErrorKind expected[] = {ErrorKind::invalid,     ErrorKind::not_found, ErrorKind::failed,
                                ErrorKind::unavailable, ErrorKind::conflict,  ErrorKind::failed};
  for (int code = 1; code <= 6; ++code) {
    const Error error = call(registry, "refuse", {{"code", code}}).error();
    EXPECT_EQ(error.kind, expected[code - 1]) << code;
    EXPECT_EQ(error.reason, code == 5 ? "cancelled" : "because") << code;
    EXPECT_EQ(error.text(), "no (do it)");
  }
  EXPECT_EQ(info(registry, directory() / "sample.so").faults, 0u) << "an error is no fault";
}

TEST_P(RegistryTest, HostServicesReachThePluginOnlyIfDeclared) {
  put(sample("v1"), directory() / "sample.so");
  Registry registry(options());
  FakeServices services;
  CallOptions with;
  with.services = &services;
  EXPECT_EQ(*call(registry, "exists", {{"path", "/there"}}, with), true);
  EXPECT_EQ(*call(registry, "exists", {{"path", "/away"}}, with), false);
  EXPECT_EQ(call(registry, "undeclared", Json::object(), with).error().reason,
            "service_not_declared");
  EXPECT_THAT(services.asked, testing::ElementsAre(R"(fs.exists {"path":"/there"})",
                                                   R"(fs.exists {"path":"/away"})"));
  EXPECT_EQ(call(registry, "exists", {{"path", "/there"}}).error().reason, "service_unknown");
}

TEST_P(RegistryTest, CallsQueueUnlessThePluginIsParallel) {
  put(sample("v1"), directory() / "sample.so");
  Registry registry(options());
  const auto both = [&](const char* id) {
    const auto one = [&] {
      const auto met = registry.call("detector", id, "together", {{"wanted", 2}},
                                     {.time_limit = std::chrono::seconds(20)});
      return met.ok() && *met == true;
    };
    auto other = std::async(std::launch::async, one);
    const bool mine = one();
    return mine || other.get();
  };
  EXPECT_FALSE(both("sample"));
  if (!GetParam()) {  // children share no counter
    EXPECT_TRUE(both("sample_parallel"));
  }
}

TEST_P(RegistryTest, OptionsAreCheckedAgainstTheDescriptor) {
  put(sample("v1"), directory() / "sample.so");
  Registry registry(options());
  EXPECT_TRUE(registry.check_options("detector", "sample", {{"level", "3"}}).ok());
  const Status status = registry.check_options("detector", "sample", {{"level", "12"}});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().fields.at(0).pointer, "/level");
}

TEST_P(RegistryTest, TheHigherVersionServesAndTheOtherSaysSo) {
  put(sample("v2"), directory() / "a.so");
  put(sample("v1"), directory() / "b.so");
  Registry registry(options());
  EXPECT_EQ(*call(registry, "answer"), 2);
  const PluginInfo loser = info(registry, directory() / "b.so");
  EXPECT_EQ(loser.state, PluginState::failed);
  EXPECT_EQ(loser.reason, "superseded");
  EXPECT_THAT(loser.detail,
              testing::AllOf(testing::HasSubstr("a.so 2.0.0"), testing::HasSubstr("b.so 1.0.0")));
}

TEST_P(RegistryTest, OfEqualVersionsTheOneInUseStays) {
  put(sample("v1"), directory() / "b.so");
  Registry registry(options());
  put(sample("v1_other"), directory() / "a.so");
  registry.rescan();
  EXPECT_EQ(*call(registry, "answer"), 1);
  const PluginInfo loser = info(registry, directory() / "a.so");
  EXPECT_EQ(loser.reason, "duplicate_id");
  EXPECT_THAT(loser.detail, testing::AllOf(testing::HasSubstr("a.so"), testing::HasSubstr("b.so")));
  std::filesystem::remove(directory() / "b.so");
  registry.rescan();
  EXPECT_EQ(*call(registry, "answer"), 11);
}

TEST_P(RegistryTest, KindDirectoriesAreSearchedToo) {
  std::filesystem::create_directory(directory() / "detector");
  put(sample("v1"), directory() / "detector/sample.so");
  Registry registry(options());
  EXPECT_EQ(registry.provided("detector").size(), 2u);
  EXPECT_EQ(*call(registry, "answer"), 1);
}

TEST_P(RegistryTest, OptionsGetTheirDefaults) {
  put(sample("v1"), directory() / "sample.so");
  Registry registry(options());
  EXPECT_EQ(*registry.complete_options("detector", "sample", Json::object()),
            (Json{{"greeting", "hello"}, {"often", "3"}}));
  EXPECT_EQ(*registry.complete_options("detector", "sample", {{"often", "4"}, {"level", "2"}}),
            (Json{{"greeting", "hello"}, {"often", "4"}, {"level", "2"}}));
  EXPECT_EQ(registry.complete_options("detector", "sample", {{"often", "x"}}).error().reason,
            "invalid_options");
}

TEST_P(RegistryTest, ATransientAnswerIsAskedForAgainByTheHost) {
  put(sample("v1"), directory() / "sample.so");
  Registry registry(options());
  CallOptions thrice;
  thrice.attempts = 3;
  EXPECT_EQ(*call(registry, "later", {{"answers", 2}}, thrice), 3);
  EXPECT_EQ(call(registry, "later", {{"answers", 1}}).error().reason, "not_yet") << "once only";
  EXPECT_EQ(*call(registry, "later", {{"answers", 1}}), 2);
  EXPECT_EQ(call(registry, "later", {{"answers", 9}}, thrice).error().kind, ErrorKind::unavailable);
  CallOptions brief = thrice;
  brief.time_limit = std::chrono::milliseconds(90);  // shorter than the first pause
  EXPECT_EQ(call(registry, "refuse", {{"code", 4}}, brief).error().reason, "because");
  EXPECT_EQ(info(registry, directory() / "sample.so").faults, 0u);
}

TEST_P(RegistryTest, OnlyAllowedContentsAreLoaded) {
  put(sample("v1"), directory() / "sample.so");
  RegistryOptions strict = options();
  strict.policy.allowed_sha256 = {std::string(64, '0')};
  Registry none(strict);
  const PluginInfo refused = info(none, directory() / "sample.so");
  EXPECT_EQ(refused.state, PluginState::failed);
  EXPECT_EQ(refused.reason, "not_in_allow_list");
  EXPECT_EQ(refused.sha256.size(), 64u) << "so that it can be copied into the config";
  strict.private_directory = root_ / "private2";
  strict.policy.allowed_sha256->insert(refused.sha256);
  Registry one(strict);
  EXPECT_EQ(*call(one, "answer"), 1);
  put(sample("v2"), directory() / "sample.so");
  one.rescan();
  EXPECT_EQ(*call(one, "answer"), 1) << "the replacement is not allowed";
  EXPECT_THAT(info(one, directory() / "sample.so").detail, testing::HasSubstr("not_in_allow_list"));
}

TEST_P(RegistryTest, ThePolicySaysWhereAPluginRuns) {
  put(sample("v1"), directory() / "sample.so");
  RegistryOptions turned = options();
  turned.policy.isolated["sample"] = !GetParam();
  Registry registry(turned);
  EXPECT_EQ(registry.is_isolated("detector", "sample"), !GetParam());
  EXPECT_EQ(info(registry, directory() / "sample.so").isolated, !GetParam());
  EXPECT_EQ(call(registry, "pid")->get<pid_t>() == getpid(), GetParam());
}

TEST_P(RegistryTest, AFailedReplacementKeepsTheOldAndSaysSo) {
  put(sample("v1"), directory() / "sample.so");
  Registry registry(options());
  const std::string before = info(registry, directory() / "sample.so").sha256;
  std::filesystem::path text = root_ / "text";
  std::ofstream(text) << "no library";
  put(text, directory() / "sample.so");
  for (int i = 0; i < 2; ++i) {
    registry.rescan();
    EXPECT_EQ(*call(registry, "answer"), 1);
    const PluginInfo kept = info(registry, directory() / "sample.so");
    EXPECT_EQ(kept.state, PluginState::ready);
    EXPECT_EQ(kept.sha256, before);
    EXPECT_EQ(kept.reason, "replacement_refused");
    EXPECT_THAT(kept.detail,
                testing::AllOf(testing::HasSubstr("1.0.0"), testing::HasSubstr("not_elf")));
  }
  put(sample("v2"), directory() / "sample.so");
  registry.rescan();
  EXPECT_EQ(*call(registry, "answer"), 2);
  EXPECT_EQ(info(registry, directory() / "sample.so").reason, "");
  put(text, directory() / "sample.so");
  std::filesystem::remove(directory() / "sample.so");
  registry.rescan();
  EXPECT_FALSE(registry.has("detector", "sample")) << "removed is removed";
}

TEST_P(RegistryTest, SaysTheAbiOfWhatItLoaded) {
  put(sample("v1"), directory() / "sample.so");
  Registry registry(options());
  EXPECT_EQ(info(registry, directory() / "sample.so").abi, "1.0");
}

}  // namespace
}  // namespace rolesync::plugin
