// SPDX-License-Identifier: Apache-2.0
// docs/plugin-abi.md: plugins of every minor of this major load, older and newer, inline and in a
// child, and the host answers them as their own header says.
#include "host/plugin/library.hpp"
#include "tests/host/plugin/plugin_fixture.hpp"
#include "tests/place.hpp"

namespace rolesync::plugin {
namespace {

class Services : public HostServices {
 public:
  Result<Json> call(std::string_view service, const Json& request) override {
    return Json{{"service", service}, {"path", request.at("path")}};
  }
};

class AbiPromise : public PluginFixture, public testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(, AbiPromise, testing::Values("1_0", "1_1"));

TEST_P(AbiPromise, APluginOfAnotherMinorServesCalls) {
  for (const auto& directory : {packaged_, drop_in_}) {
    put(std::filesystem::path(build_directory()) / "tests/abi" / GetParam() / "of_old.so",
        directory / "of_old.so");
    Registry registry(options());
    Services services;
    CallOptions call;
    call.services = &services;
    const auto answer = registry.call("detector", "of_old", "detect", Json::object(), call);
    ASSERT_TRUE(answer.ok()) << answer.error().text();
    EXPECT_EQ(*answer, (Json{{"service", "fs.exists"}, {"path", "/there"}}));
    const PluginInfo found = info(registry, directory / "of_old.so");
    EXPECT_EQ(found.abi, GetParam() == std::string("1_0") ? "1.0" : "1.1");
    EXPECT_EQ(registry.call("detector", "of_old", "sing", Json::object(), call).error().reason,
              "method_unknown");
    std::filesystem::remove(directory / "of_old.so");
  }
}

}  // namespace
}  // namespace rolesync::plugin
