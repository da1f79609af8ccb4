// SPDX-License-Identifier: Apache-2.0
// What FakeHost cannot do is move bytes; `rolesync plugin run FILE fetch --directory D` does.
#include <nlohmann/json.hpp>
#include <rolesync/testing/matchers.hpp>

using namespace rolesync::testing;

class TarStreamTest : public testing::Test {
 protected:
  TarStreamTest() {
    host_.on("stream.open", [](const rolesync::Json&) -> rolesync::Json {
      return {{"stream", "s1"}};
    });
  }
  void tar_ends_with(int exit_code, const std::string& errors = "") {
    rolesync::ProgramResult result;
    result.exit_code = exit_code;
    result.errors = errors;
    host_.programs_answer(result);
  }
  std::uint64_t fetch(const std::string& format = "tar.gz") {
    rolesync::FetchRequest request;
    request.offer = {{"format", format}};
    request.offer_id = "o1";
    request.staging = "/staging";
    request.list_file = "/list";
    request.files = 2;
    return plugin_.create("deployer", "tar_stream", host_).fetch(request);
  }

  FakeHost host_;
  Plugin plugin_{ROLESYNC_PLUGIN_FILE};
};

TEST_F(TarStreamTest, UnpacksTheStreamIntoStaging) {
  tar_ends_with(0);
  EXPECT_EQ(fetch(), 2u);
  EXPECT_THAT(host_, AskedFor("process.run", R"("attach":"s1")"));
  EXPECT_THAT(host_, AskedFor("process.run", "/staging"));
  EXPECT_THAT(host_, AskedFor("job.progress"));
}

TEST_F(TarStreamTest, ServesTheDirectory) {
  tar_ends_with(0);
  plugin_.create("deployer", "tar_stream", host_).serve({"o1", "/offer", "s2"});
  EXPECT_THAT(host_, AskedFor("process.run", R"("attach":"s2")"));
}

TEST_F(TarStreamTest, SaysWhyATransferFailed) {
  tar_ends_with(2, "tar: x: Cannot write: No space left on device");
  EXPECT_THAT([&] { fetch(); }, ReportsError("disk_full"));
  tar_ends_with(2, "gzip: stdin: unexpected end of file");
  EXPECT_THAT([&] { fetch(); }, ReportsError("transfer_interrupted"));
}

TEST_F(TarStreamTest, RefusesAnotherFormat) {
  EXPECT_THAT([&] { fetch("zip"); }, ReportsError("offer_not_understood"));
  EXPECT_THAT(host_, WasAskedNothing());
}
