// SPDX-License-Identifier: Apache-2.0
// One deliberately bad plugin per test, dropped in beside a good one: the bad one is refused or
// fails for its own reason, and the good one goes on being served.
#include <sys/stat.h>

#include <fstream>

#include "tests/host/plugin/plugin_fixture.hpp"

namespace rolesync::plugin {
namespace {

namespace fs = std::filesystem;

fs::path bad_plugin(const std::string& id) {
  return fs::path(ROLESYNC_BINARY_DIR) / "tests/bad_plugins" / (id + ".so");
}

class BadPlugin : public PluginFixture {
 protected:
  BadPlugin() {
    put(sample("v1"), packaged_ / "sample.so");
    registry_ = std::make_unique<Registry>(options());
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

  std::unique_ptr<Registry> registry_;
};

struct Refusal {
  const char* id;
  const char* reason;
};

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
        Refusal{"unknown_need", "invalid_descriptor"}, Refusal{"duplicate_id", "duplicate_id"}),
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
                                         Refusal{"unresolved_symbol", "symbol_unresolved"}),
                         [](const auto& instance) { return instance.param.id; });

TEST_F(BadPlugin, TheControlIsFine) {
  EXPECT_EQ(drop_in("no_fault").state, PluginState::ready);
  EXPECT_EQ(*call(), "fine");
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
  EXPECT_EQ(*call(), "fine");
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

class BadPluginCall : public BadPlugin, public testing::WithParamInterface<Misbehaviour> {};

TEST_P(BadPluginCall, FailsThatCallOnly) {
  ASSERT_EQ(drop_in(GetParam().id).state, PluginState::ready);
  const Result<Json> answer = call();
  ASSERT_FALSE(answer.ok()) << *answer;
  EXPECT_EQ(answer.error().reason, GetParam().reason) << answer.error().text();
  EXPECT_FALSE(answer.error().message.empty());
  const auto path = drop_in_ / (std::string(GetParam().id) + ".so");
  EXPECT_EQ(info(*registry_, path).faults, GetParam().fault ? 1u : 0u);
}

INSTANTIATE_TEST_SUITE_P(, BadPluginCall,
                         testing::Values(Misbehaviour{"crashes_in_call", "plugin_fault", true},
                                         Misbehaviour{"exits_in_call", "plugin_fault", true},
                                         Misbehaviour{"hangs_in_call", "plugin_timeout", true},
                                         Misbehaviour{"answers_no_json", "plugin_fault", true},
                                         Misbehaviour{"answers_deep_json", "plugin_fault", true},
                                         Misbehaviour{"create_fails", "transient", false},
                                         Misbehaviour{"errors_without_text", "failed", false},
                                         Misbehaviour{"unknown_status", "failed", false},
                                         Misbehaviour{"calls_undeclared_service",
                                                      "service_not_declared", false}),
                         [](const auto& instance) { return instance.param.id; });

TEST_F(BadPlugin, PrintingIsNoAnswer) {
  EXPECT_EQ(drop_in("prints_while_loading").state, PluginState::ready);
  EXPECT_EQ(*call(), "fine");
  fs::remove(drop_in_ / "prints_while_loading.so");
  EXPECT_EQ(drop_in("prints_in_call").state, PluginState::ready);
  EXPECT_EQ(*call(), "fine");
}

TEST_F(BadPlugin, ThreeCrashesAreEnough) {
  drop_in("crashes_in_call");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(call().error().reason, "plugin_fault");
  EXPECT_EQ(call().error().reason, "plugin_quarantined");
  EXPECT_EQ(info(*registry_, drop_in_ / "crashes_in_call.so").state, PluginState::quarantined);
}

}  // namespace
}  // namespace rolesync::plugin
