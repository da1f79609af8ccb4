// SPDX-License-Identifier: Apache-2.0
// The glue between C++ and the door: whatever plugin code throws stops there.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <rolesync/deployer.hpp>
#include <rolesync/detector.hpp>
#include <rolesync/plugin.hpp>

namespace rolesync {
namespace {

struct Thrower : Instance {
  Json call(std::string_view method, const Json& request) override {
    if (method == "error") throw Error(Code::transient, "busy", "try later", "wait");
    if (method == "standard") throw std::runtime_error("oops");
    if (method == "json") return request.at("absent");
    if (method == "int") throw 42;
    if (method == "bytes") return "\xff\xfe";
    return request;
  }
};

struct Half : Deployer {
  Values offer(const OfferRequest& request) override {
    return {{"files", static_cast<std::int64_t>(request.files)}, {"id", request.content_id}};
  }
  void serve(const ServeRequest&) override {}
  std::uint64_t fetch(const FetchRequest& request) override {
    if (!request.basis.empty()) throw Error(Code::failed, "basis", "there is one");
    return request.files;
  }
};

const Library& library() {
  static const Library the_library{
      "door",
      "1.0.0",
      {Export("detector", "thrower", [] { return std::make_unique<Thrower>(); })
           .summary("s")
           .needs({"fs.exists"})
           .options(R"({"x": {"type": "string"}})")
           .parallel()
           .timeout("detect", 3),
       deployer<Half>("half")}};
  return the_library;
}

rs_sink sink_into(std::string& text) {
  return {&text, [](void* context, const char* data, size_t size) {
            static_cast<std::string*>(context)->append(data, size);
          }};
}

class Door : public ::testing::Test {
 protected:
  ~Door() override {
    if (instance_) detail::destroy(instance_);
  }
  std::int32_t create(const char* kind, const char* id) {
    std::string text;
    const rs_sink sink = sink_into(text);
    const auto status = detail::create(&library, nullptr, kind, id, "{}", 2, &instance_, &sink);
    answer_ = Json::parse(text, nullptr, false);
    return status;
  }
  std::int32_t call(const std::string& method, const std::string& request = "{}") {
    std::string text;
    const rs_sink sink = sink_into(text);
    const auto status =
        detail::call(instance_, method.c_str(), request.data(), request.size(), &sink);
    answer_ = Json::parse(text);
    return status;
  }
  void* instance_ = nullptr;
  Json answer_;
};

TEST_F(Door, TheDescriptorHoldsEverything) {
  std::string text;
  const rs_sink sink = sink_into(text);
  ASSERT_EQ(detail::describe(&library, &sink), RS_OK);
  EXPECT_EQ(Json::parse(text), Json::parse(R"({"name": "door", "version": "1.0.0", "provides": [
    {"kind": "detector", "id": "thrower", "summary": "s", "threads": "parallel",
     "needs": ["fs.exists"], "options": {"x": {"type": "string"}}, "timeouts": {"detect": 3}},
    {"kind": "deployer", "id": "half", "summary": "", "threads": "one", "needs": [],
     "options": {}, "timeouts": {}}]})"));
}

TEST_F(Door, EveryExceptionBecomesAStatus) {
  ASSERT_EQ(create("detector", "thrower"), RS_OK);
  EXPECT_EQ(call("error"), RS_TRANSIENT);
  EXPECT_EQ(answer_, Json({{"reason", "busy"}, {"message", "try later"}, {"hint", "wait"}}));
  EXPECT_EQ(call("standard"), RS_FAILED);
  EXPECT_EQ(answer_.at("reason"), "plugin_exception");
  EXPECT_EQ(call("json"), RS_INVALID);
  EXPECT_EQ(call("int"), RS_FAILED);
  EXPECT_EQ(call("echo", "{not json"), RS_INVALID);
  EXPECT_EQ(call("echo", R"({"a": [1]})"), RS_OK);
  EXPECT_EQ(answer_, Json({{"a", {1}}}));
  EXPECT_EQ(call("bytes"), RS_OK) << "bytes that are no text are replaced";
}

TEST_F(Door, WhatIsNotProvidedIsNotFound) {
  EXPECT_EQ(create("detector", "other"), RS_NOT_FOUND);
  EXPECT_EQ(create("role", "thrower"), RS_NOT_FOUND);
  EXPECT_EQ(instance_, nullptr);
}

TEST_F(Door, ADeployerSeesTypedRequests) {
  ASSERT_EQ(create("deployer", "half"), RS_OK);
  EXPECT_EQ(call("offer", R"({"content_id": "rs1:x", "files": 3, "bytes": 9})"), RS_OK);
  EXPECT_EQ(answer_, Json({{"files", 3}, {"id", "rs1:x"}}));
  const Json fetch = {
      {"offer", {{"files", 3}}}, {"offer_id", "o"}, {"staging", "/s"}, {"basis", ""},
      {"list_file", "/list"},    {"files", 3},      {"bytes", 9}};
  EXPECT_EQ(call("fetch", fetch.dump()), RS_OK);
  EXPECT_EQ(answer_, Json({{"files", 3}}));
  EXPECT_EQ(call("serve", R"({"offer_id": "o"})"), RS_INVALID);
  EXPECT_EQ(answer_.at("message"), "field directory must be a string");
  EXPECT_EQ(call("explode"), RS_UNSUPPORTED);
}

}  // namespace
}  // namespace rolesync
