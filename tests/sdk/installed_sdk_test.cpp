// SPDX-License-Identifier: Apache-2.0
// The way of a plugin's author, literally: the SDK installed into a prefix of its own, projects
// made by `rolesync plugin new` and the examples built out of tree with both compilers, their tests
// run, and what came out loaded by a registry.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "host/process/child.hpp"
#include "tests/host/plugin/plugin_fixture.hpp"
#include "tests/place.hpp"

namespace rolesync::plugin {
namespace {

namespace fs = std::filesystem;

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

class InstalledSdk : public PluginFixture {
 protected:
  // Always the same place, so that a compiler cache knows the files again.
  InstalledSdk() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    std::string name = std::string(test->test_suite_name()) + "." + test->name();
    std::replace(name.begin(), name.end(), '/', '-');
    work_ = fs::path(build_directory()) / "tests/installed_sdk" / name;
    prefix_ = work_ / "prefix";
    fs::remove_all(work_);
    fs::create_directories(work_);
    run({"cmake", "--install", build_directory(), "--component", "sdk", "--prefix", prefix_},
        work_);
  }
  ~InstalledSdk() override {
    if (!HasFailure()) fs::remove_all(work_);
  }

  void use_compiler(const std::string& compiler) { compiler_ = compiler; }

  std::string run(std::vector<std::string> argv, const fs::path& directory) {
    ChildSpec spec;
    spec.argv = std::move(argv);
    spec.directory = directory;
    spec.environment = {{"PATH", (prefix_ / "bin").string() + ":" + from_environment("PATH")},
                        {"HOME", work_},
                        {"CXX", compiler_},
                        {"CMAKE_CXX_COMPILER_LAUNCHER", ROLESYNC_COMPILER_LAUNCHER},
                        {"CCACHE_DIR", from_environment("CCACHE_DIR")},
                        {"PKG_CONFIG_PATH", pkg_config_path()}};
    std::erase_if(spec.environment, [](const auto& item) { return item.second.empty(); });
    spec.time_limit = std::chrono::minutes(5);
    const Result<ChildResult> result = run_child(spec);
    EXPECT_TRUE(result.ok() && result->succeeded())
        << spec.argv[0] << " " << spec.argv[1] << ": "
        << (result ? result->explain() + "\n" + result->output + result->errors
                   : result.error().text());
    return result ? result->output : "";
  }

  std::string pkg_config_path() const {
    std::error_code error;
    for (const auto& entry : fs::recursive_directory_iterator(prefix_, error)) {
      if (entry.path().extension() == ".pc") return entry.path().parent_path();
    }
    return "";
  }

  // Every plugin of the directory, dropped in, is ready.
  void expect_ready(const fs::path& directory, std::size_t count) {
    for (const auto& entry : fs::directory_iterator(directory)) {
      if (entry.path().extension() == ".so") put(entry.path(), drop_in_ / entry.path().filename());
    }
    const Registry registry(options());
    EXPECT_EQ(registry.plugins().size(), count);
    for (const PluginInfo& info : registry.plugins()) {
      EXPECT_EQ(info.state, PluginState::ready) << info.path << ": " << info.detail;
    }
  }

  fs::path work_, prefix_;
  std::string compiler_ = "g++";
};

class Template : public InstalledSdk,
                 public testing::WithParamInterface<std::tuple<std::string, std::string>> {};

TEST_P(Template, BuildsTestsAndLoads) {
  const auto& [kind, compiler] = GetParam();
  use_compiler(compiler);
  run({"rolesync", "plugin", "new", kind, "my-own"}, work_);
  const std::string said = run({"cmake", "--workflow", "--preset", "dev"}, work_ / "my-own");
  EXPECT_THAT(said, testing::HasSubstr("100% tests passed"));
  expect_ready(work_ / "my-own/build/dev", 1);
}

// g++ -> gcc, as a part of a test's name.
std::string word(const std::string& compiler) {
  return compiler == "g++" ? "gcc" : "clang";
}

INSTANTIATE_TEST_SUITE_P(, Template,
                         testing::Combine(testing::Values("role", "detector", "deployer",
                                                          "restart_strategy"),
                                          testing::Values("g++", "clang++")),
                         [](const auto& instance) {
                           return std::get<0>(instance.param) + "_" +
                                  word(std::get<1>(instance.param));
                         });

class Compiler : public InstalledSdk, public testing::WithParamInterface<std::string> {};

TEST_P(Compiler, BuildsTheExamples) {
  use_compiler(GetParam());
  const fs::path source = prefix_ / "share/rolesync/examples", build = work_ / "build";
  run({"cmake", "-G", "Ninja", "-S", source, "-B", build}, work_);
  run({"cmake", "--build", build}, work_);
  const std::string said = run({"ctest", "--test-dir", build, "--output-on-failure"}, work_);
  EXPECT_THAT(said, testing::HasSubstr("100% tests passed"));
  const auto folders = std::count_if(fs::directory_iterator(source), fs::directory_iterator(),
                                     [](const auto& entry) { return entry.is_directory(); });
  expect_ready(build / "examples", static_cast<std::size_t>(folders));
}

TEST_P(Compiler, NeedsNoCMake) {
  const fs::path source = prefix_ / "share/rolesync/examples/web_shop/web_shop.cpp";
  run({"sh", "-c",
       GetParam() + " -shared $(pkg-config --cflags rolesync-sdk) -o web-shop.so " +
           source.string() + " $(pkg-config --libs rolesync-sdk)"},
      work_);
  expect_ready(work_, 1);
}

INSTANTIATE_TEST_SUITE_P(, Compiler, testing::Values("g++", "clang++"),
                         [](const auto& instance) { return word(instance.param); });

// docs/plugin-guide.md, read by somebody who types what stands there: the blocks marked sh.
TEST_F(InstalledSdk, TheGuideWorksAsItIsWritten) {
  std::ifstream stream(source_directory() + "/docs/plugin-guide.md");
  std::string script = "set -e\n";
  std::size_t blocks = 0;
  bool inside = false;
  for (std::string line; std::getline(stream, line);) {
    if (line == "```sh") {
      inside = true;
      ++blocks;
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      script += line + "\n";
    }
  }
  ASSERT_GE(blocks, 4u);
  const std::string said = run({"sh", "-c", script}, work_);
  EXPECT_THAT(said, testing::HasSubstr("100% tests passed"));
  EXPECT_THAT(said, testing::HasSubstr("\"display_name\": \"Web shop\""));
  EXPECT_THAT(said, testing::HasSubstr("## role `web-shop`"));
  expect_ready(work_ / "web-shop/build/dev", 1);
}

// What authors include costs them compiler time: no header but the forward declarations.
TEST_F(InstalledSdk, HeadersIncludeNoJson) {
  std::size_t headers = 0;
  for (const auto& entry : fs::recursive_directory_iterator(prefix_ / "include")) {
    if (!entry.is_regular_file()) continue;
    ++headers;
    std::ifstream stream(entry.path());
    const std::string text((std::istreambuf_iterator<char>(stream)), {});
    EXPECT_THAT(text, testing::Not(testing::HasSubstr("#include <nlohmann/json.hpp>")))
        << entry.path();
  }
  EXPECT_GE(headers, 10u);
}

}  // namespace
}  // namespace rolesync::plugin
