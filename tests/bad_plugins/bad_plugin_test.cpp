// SPDX-License-Identifier: Apache-2.0
// One deliberately bad plugin per test, dropped in beside a good one: the bad one is refused or
// fails for its own reason, and the good one goes on being served.
#include <sys/stat.h>

#include <fstream>

#include "tests/host/plugin/plugin_fixture.hpp"
#include "tests/place.hpp"

namespace rolesync::plugin {
namespace {

namespace fs = std::filesystem;

fs::path bad_plugin(const std::string& id) {
  return fs::path(build_directory()) / "tests/bad_plugins" / (id + ".so");
}

class BadPlugin : public PluginFixture {
 protected:
  BadPlugin() {
    put(sample("v1"), packaged_ / "sample.so");
    RegistryOptions given = options();
    given.policy.child.memory_bytes = 96 << 20;
    registry_ = std::make_unique<Registry>(given);
  }
  ~BadPlugin() override {
    const Result<Json> answer = registry_->call("detector", "sample", "answer", Json::object());
    EXPECT_TRUE(answer.ok() && *answer == 1) << "the good plugin is not served any more";
  }

  PluginInfo drop_in(const std::string& id) {
    put(bad_plugin(id), drop_in_ / (id + ".so"));
    registry_->rescan();
    return info(*registry_, drop_in_ / (id + ".so"));
  }
  // Not loadable, for this reason, with a sentence for people.
  void expect_refused(const PluginInfo& info, const std::string& reason) {
    EXPECT_EQ(info.state, PluginState::failed);
    EXPECT_EQ(info.reason, reason) << info.detail;
    EXPECT_GT(info.detail.size(), 20u);
    EXPECT_FALSE(registry_->has("detector", "bad"));
  }
  Result<Json> call() {
    return registry_->call("detector", "bad", "detect", Json::object(),
                           {.time_limit = std::chrono::milliseconds(700)});
  }

  bool fine() {
    const Result<Json> answer = call();
    return answer.ok() && answer->is_object() && answer->value("reason", "") == "fine";
  }

  std::unique_ptr<Registry> registry_;
};

struct Refusal {
  const char* id;
  const char* reason;
};
void PrintTo(const Refusal& refusal, std::ostream* out) {  // else its bytes, which are addresses
  *out << refusal.reason;
}

class BadPluginRefused : public BadPlugin, public testing::WithParamInterface<Refusal> {};

TEST_P(BadPluginRefused, WithItsOwnReason) {
  expect_refused(drop_in(GetParam().id), GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(
    , BadPluginRefused,
    testing::Values(
        Refusal{"no_entry", "entry_missing"}, Refusal{"null_entry", "entry_missing"},
        Refusal{"wrong_magic", "wrong_magic"}, Refusal{"entry_no_pointer", "probe_crashed"},
        Refusal{"future_abi", "abi_unsupported"}, Refusal{"short_entry", "entry_incomplete"},
        Refusal{"unresolved_symbol", "symbol_unresolved"},
        Refusal{"aborts_at_load", "probe_crashed"}, Refusal{"exits_at_load", "probe_silent"},
        Refusal{"hangs_in_describe", "probe_timeout"}, Refusal{"describe_fails", "describe_failed"},
        Refusal{"invalid_descriptor", "invalid_descriptor"},
        Refusal{"descriptor_no_json", "invalid_descriptor"},
        Refusal{"unknown_need", "invalid_descriptor"}, Refusal{"duplicate_id", "duplicate_id"},
        Refusal{"throws_at_load", "load_failed"}, Refusal{"crashes_in_create", "probe_crashed"},
        Refusal{"refuses_create", "create_failed"}),
    [](const auto& instance) { return instance.param.id; });

// The same files in a packaged directory, where plugins run inside the process.
class BadPluginPackaged : public BadPlugin, public testing::WithParamInterface<Refusal> {};

TEST_P(BadPluginPackaged, IsRefusedBeforeItIsLoadedHere) {
  put(bad_plugin(GetParam().id), packaged_ / (std::string(GetParam().id) + ".so"));
  registry_->rescan();
  expect_refused(info(*registry_, packaged_ / (std::string(GetParam().id) + ".so")),
                 GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(, BadPluginPackaged,
                         testing::Values(Refusal{"aborts_at_load", "probe_crashed"},
                                         Refusal{"exits_at_load", "probe_silent"},
                                         Refusal{"entry_no_pointer", "probe_crashed"},
                                         Refusal{"unresolved_symbol", "symbol_unresolved"},
                                         Refusal{"throws_at_load", "load_failed"},
                                         Refusal{"crashes_in_create", "probe_crashed"},
                                         Refusal{"changes_signal_handlers", "changes_process"},
                                         Refusal{"changes_umask", "changes_process"},
                                         Refusal{"changes_directory", "changes_process"},
                                         Refusal{"leaves_thread", "leaves_thread"}),
                         [](const auto& instance) { return instance.param.id; });

// What they do to their own process is no harm when that is a child.
class BadPluginContained : public BadPlugin, public testing::WithParamInterface<const char*> {};

TEST_P(BadPluginContained, ServesFromItsChildAndChangesNothingHere) {
  const auto directory = fs::current_path();
  const mode_t mask = ::umask(022);
  ::umask(mask);
  EXPECT_EQ(drop_in(GetParam()).state, PluginState::ready);
  EXPECT_TRUE(fine());
  EXPECT_EQ(fs::current_path(), directory);
  EXPECT_EQ(::umask(mask), mask);
}

INSTANTIATE_TEST_SUITE_P(, BadPluginContained,
                         testing::Values("changes_signal_handlers", "changes_umask",
                                         "changes_directory", "leaves_thread"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST_F(BadPlugin, TheControlIsFine) {
  EXPECT_EQ(drop_in("no_fault").state, PluginState::ready);
  EXPECT_TRUE(fine());
}

// Files that are not what their name says.

TEST_F(BadPlugin, NotElf) {
  std::ofstream(drop_in_ / "text.so") << "#!/bin/sh\necho pwned\n";
  ::chmod((drop_in_ / "text.so").c_str(), 0755);
  registry_->rescan();
  expect_refused(info(*registry_, drop_in_ / "text.so"), "not_elf");
}

TEST_F(BadPlugin, Empty) {
  std::ofstream(drop_in_ / "empty.so").close();
  ::chmod((drop_in_ / "empty.so").c_str(), 0644);
  registry_->rescan();
  expect_refused(info(*registry_, drop_in_ / "empty.so"), "file_empty");
}

TEST_F(BadPlugin, TruncatedAnywhere) {
  const fs::path file = drop_in_ / "no_fault.so";
  const auto size = fs::file_size(bad_plugin("no_fault"));
  for (const auto cut : {size - 1, size / 2, size / 4, std::uintmax_t{100}, std::uintmax_t{20}}) {
    copy(bad_plugin("no_fault"), file);
    fs::resize_file(file, cut);
    registry_->rescan();
    expect_refused(info(*registry_, file), "elf_truncated");
  }
  copy(bad_plugin("no_fault"), file);  // the rest arrives
  registry_->rescan();
  EXPECT_TRUE(fine());
}

TEST_F(BadPlugin, OfAnotherArchitecture) {
  copy(bad_plugin("no_fault"), drop_in_ / "no_fault.so");
  {
    std::fstream file(drop_in_ / "no_fault.so", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(18);  // e_machine
    file.write("\x28\0", 2);
  }
  registry_->rescan();
  expect_refused(info(*registry_, drop_in_ / "no_fault.so"), "wrong_architecture");
}

TEST_F(BadPlugin, WritableByEverybody) {
  put(bad_plugin("no_fault"), drop_in_ / "no_fault.so");
  ::chmod((drop_in_ / "no_fault.so").c_str(), 0666);
  registry_->rescan();
  expect_refused(info(*registry_, drop_in_ / "no_fault.so"), "writable_by_others");
}

TEST_F(BadPlugin, InADirectoryThatEverybodyMayChange) {
  put(bad_plugin("no_fault"), drop_in_ / "no_fault.so");
  ::chmod(drop_in_.c_str(), 0777);
  registry_->rescan();
  expect_refused(info(*registry_, drop_in_ / "no_fault.so"), "untrusted_directory");
}

TEST_F(BadPlugin, ASymbolicLink) {
  copy(bad_plugin("no_fault"), root_ / "elsewhere.so");
  fs::create_symlink(root_ / "elsewhere.so", drop_in_ / "no_fault.so");
  registry_->rescan();
  expect_refused(info(*registry_, drop_in_ / "no_fault.so"), "symlink_refused");
}

TEST_F(BadPlugin, AName) {
  put(bad_plugin("no_fault"), drop_in_ / "No Fault.so");
  registry_->rescan();
  expect_refused(info(*registry_, drop_in_ / "No Fault.so"), "file_name_invalid");
}

// Plugins that load well and behave badly in a call.

struct Misbehaviour {
  const char* id;
  const char* reason;
  bool fault;
};
void PrintTo(const Misbehaviour& misbehaviour, std::ostream* out) {
  *out << misbehaviour.reason;
}

class BadPluginCall : public BadPlugin, public testing::WithParamInterface<Misbehaviour> {};

TEST_P(BadPluginCall, FailsThatCallOnly) {
  ASSERT_EQ(drop_in(GetParam().id).state, PluginState::ready);
  // Generous where the fault is not that it takes long.
  const bool hangs = GetParam().reason == std::string("plugin_timeout");
  const Result<Json> answer = registry_->call(
      "detector", "bad", "detect", Json::object(),
      {.time_limit = hangs ? std::chrono::milliseconds(700) : std::chrono::milliseconds(20'000)});
  ASSERT_FALSE(answer.ok()) << *answer;
  EXPECT_EQ(answer.error().reason, GetParam().reason) << answer.error().text();
  EXPECT_FALSE(answer.error().message.empty());
  const auto path = drop_in_ / (std::string(GetParam().id) + ".so");
  EXPECT_EQ(info(*registry_, path).faults, GetParam().fault ? 1u : 0u);
}

INSTANTIATE_TEST_SUITE_P(, BadPluginCall,
                         testing::Values(Misbehaviour{"crashes_in_call", "plugin_fault", true},
                                         Misbehaviour{"throws_exception", "plugin_fault", true},
                                         Misbehaviour{"throws_int", "plugin_fault", true},
                                         Misbehaviour{"floods_stdout", "plugin_flood", true},
                                         Misbehaviour{"floods_log", "plugin_flood", true},
                                         Misbehaviour{"eats_memory_in_call", "plugin_memory", true},
                                         Misbehaviour{"exits_in_call", "plugin_fault", true},
                                         Misbehaviour{"hangs_in_call", "plugin_timeout", true},
                                         Misbehaviour{"answers_no_json", "plugin_fault", true},
                                         Misbehaviour{"answers_deep_json", "plugin_fault", true},
                                         Misbehaviour{"create_is_transient", "transient", false},
                                         Misbehaviour{"errors_without_text", "failed", false},
                                         Misbehaviour{"unknown_status", "failed", false},
                                         Misbehaviour{"calls_undeclared_service",
                                                      "service_not_declared", false}),
                         [](const auto& instance) { return instance.param.id; });

TEST_F(BadPlugin, PrintingIsNoAnswer) {
  EXPECT_EQ(drop_in("prints_while_loading").state, PluginState::ready);
  EXPECT_TRUE(fine());
  fs::remove(drop_in_ / "prints_while_loading.so");
  EXPECT_EQ(drop_in("prints_in_call").state, PluginState::ready);
  EXPECT_TRUE(fine());
}

TEST_F(BadPlugin, GrowingWithEveryCallEndsTheChildInTime) {
  drop_in("grows_memory");
  std::string reason;
  for (int i = 0; i < 200 && reason.empty(); ++i) {
    const Result<Json> answer = call();
    if (!answer) reason = answer.error().reason;
  }
  EXPECT_EQ(reason, "plugin_memory");
  EXPECT_TRUE(fine()) << "a new child starts from nothing";
}

TEST_F(BadPlugin, TheThousandthCallFailsAndTheNextIsServed) {
  drop_in("crashes_on_thousandth_call");
  for (int i = 1; i < 1000; ++i) ASSERT_TRUE(call().ok()) << i;
  EXPECT_EQ(call().error().reason, "plugin_fault");
  EXPECT_TRUE(fine());
}

// In a packaged directory, inside this process.
TEST_F(BadPlugin, AnExceptionFromAnInlinePluginIsAnErrorOfThatCall) {
  for (const char* id : {"throws_exception", "throws_int"}) {
    const fs::path file = packaged_ / (std::string(id) + ".so");
    put(bad_plugin(id), file);
    registry_->rescan();
    const Result<Json> answer = call();
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().reason, "plugin_fault");
    EXPECT_NE(answer.error().message.find("exception"), std::string::npos);
    EXPECT_EQ(info(*registry_, file).faults, 1u);
    fs::remove(file);
    registry_->rescan();
  }
}

TEST_F(BadPlugin, ThreeCrashesAreEnough) {
  drop_in("crashes_in_call");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(call().error().reason, "plugin_fault");
  EXPECT_EQ(call().error().reason, "plugin_quarantined");
  EXPECT_EQ(info(*registry_, drop_in_ / "crashes_in_call.so").state, PluginState::quarantined);
}

}  // namespace
}  // namespace rolesync::plugin
