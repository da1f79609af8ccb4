// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/descriptor.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace rolesync::plugin {
namespace {

Json good() {
  return Json::parse(R"({"name": "sample", "version": "1.2.3", "provides": [
    {"kind": "detector", "id": "a_b", "summary": "s", "threads": "parallel",
     "needs": ["fs.exists"], "options": {"x": {"type": "string"}}, "timeouts": {"detect": 3}},
    {"kind": "role", "id": "front-end"}]})");
}

TEST(Descriptor, IsReadInFull) {
  const Result<Descriptor> read = parse_descriptor(good().dump());
  ASSERT_TRUE(read.ok()) << read.error().text();
  EXPECT_EQ(read->name, "sample");
  EXPECT_EQ(read->version.minor, 2u);
  ASSERT_EQ(read->provides.size(), 2u);
  const Provided& first = read->provides[0];
  EXPECT_EQ(first.kind + "/" + first.id, "detector/a_b");
  EXPECT_TRUE(first.parallel);
  EXPECT_EQ(first.needs, std::vector<std::string>{"fs.exists"});
  EXPECT_EQ(first.timeouts.at("detect"), 3);
  EXPECT_EQ(Json::parse(first.options_schema), good()["provides"][0]["options"]);
  EXPECT_FALSE(read->provides[1].parallel);
}

TEST(Descriptor, EveryFaultHasItsPointer) {
  struct Case {
    const char* patch;  // JSON patch on a good descriptor
    const char* pointer;
  };
  const Case cases[] = {
      {R"([{"op": "remove", "path": "/name"}])", "/name"},
      {R"([{"op": "replace", "path": "/name", "value": "Not A Name"}])", "/name"},
      {R"([{"op": "remove", "path": "/version"}])", "/version"},
      {R"([{"op": "replace", "path": "/version", "value": "1.2"}])", "/version"},
      {R"([{"op": "add", "path": "/extra", "value": 1}])", "/extra"},
      {R"([{"op": "remove", "path": "/provides"}])", "/provides"},
      {R"([{"op": "replace", "path": "/provides", "value": []}])", "/provides"},
      {R"([{"op": "replace", "path": "/provides/1", "value": 7}])", "/provides/1"},
      {R"([{"op": "copy", "from": "/provides/1", "path": "/provides/-"}])", "/provides/2"},
      {R"([{"op": "replace", "path": "/provides/0/kind", "value": "magic"}])", "/provides/0/kind"},
      {R"([{"op": "replace", "path": "/provides/0/id", "value": "../x"}])", "/provides/0/id"},
      {R"([{"op": "replace", "path": "/provides/1/id", "value": "a_b"}])", "/provides/1/id"},
      {R"([{"op": "replace", "path": "/provides/0/summary", "value": 1}])", "/provides/0/summary"},
      {R"([{"op": "replace", "path": "/provides/0/threads", "value": "many"}])",
       "/provides/0/threads"},
      {R"([{"op": "replace", "path": "/provides/0/needs", "value": "fs.exists"}])",
       "/provides/0/needs"},
      {R"([{"op": "add", "path": "/provides/0/needs/-", "value": "root.shell"}])",
       "/provides/0/needs/1"},
      {R"([{"op": "add", "path": "/provides/0/needs/-", "value": null}])", "/provides/0/needs/1"},
      {R"([{"op": "replace", "path": "/provides/0/options/x/type", "value": "list"}])",
       "/provides/0/options/x/type"},
      {R"([{"op": "replace", "path": "/provides/0/timeouts/detect", "value": 0}])",
       "/provides/0/timeouts/detect"},
      {R"([{"op": "add", "path": "/provides/0/color", "value": "red"}])", "/provides/0/color"},
  };
  for (const Case& c : cases) {
    const Result<Descriptor> read = parse_descriptor(good().patch(Json::parse(c.patch)).dump());
    ASSERT_FALSE(read.ok()) << c.patch;
    EXPECT_EQ(read.error().reason, "invalid_descriptor");
    EXPECT_EQ(read.error().fields.at(0).pointer, c.pointer) << c.patch;
  }
}

TEST(Descriptor, TextThatIsNoneIsRefused) {
  for (const std::string& text :
       {std::string(), std::string("hello"), std::string("[]"), std::string("{\"name\":"),
        std::string(R"({"name": "a", "name": "b"})"), std::string(100'000, '['),
        std::string(300'000, ' ')}) {
    EXPECT_EQ(parse_descriptor(text).error().reason, "invalid_descriptor") << text.substr(0, 20);
  }
}

TEST(Descriptor, ServicesAreThoseOfTheDocument) {
  EXPECT_TRUE(is_known_service("process.run"));
  EXPECT_FALSE(is_known_service("process"));
}

}  // namespace
}  // namespace rolesync::plugin
