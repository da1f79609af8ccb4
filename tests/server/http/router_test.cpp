// SPDX-License-Identifier: Apache-2.0
#include "server/http/router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "server/http/answer.hpp"
#include "server/http/status.hpp"

namespace rolesync::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Handler says(std::string text) {
  return [text](const Request&) { return Response{200, {}, text}; };
}

std::string answer(const Router& router, std::string method, std::string path,
                   Request* filled = nullptr) {
  Request request{.method = std::move(method), .path = std::move(path)};
  auto matched = router.match(request);
  if (auto* refused = std::get_if<Response>(&matched)) return std::to_string(refused->status);
  if (filled) *filled = request;
  return std::get<Handler>(std::get<const Router::Route*>(matched)->handler)(request).body;
}

TEST(RouterTest, TheMoreLiteralTemplateWinsWhateverTheOrder) {
  Router router(nullptr);
  router.on("GET", "/api/roles/{name}", Policy::open(), says("one"));
  router.on("GET", "/api/roles/definitions", Policy::open(), says("definitions"));
  router.on("GET", "/{path...}", Policy::open(), says("file"));
  router.on("GET", "/", Policy::open(), says("root"));
  EXPECT_EQ(answer(router, "GET", "/api/roles/definitions"), "definitions");
  EXPECT_EQ(answer(router, "GET", "/api/roles/frontend"), "one");
  EXPECT_EQ(answer(router, "HEAD", "/api/roles/frontend"), "one");
  EXPECT_EQ(answer(router, "GET", "/"), "root");
  Request request;
  EXPECT_EQ(answer(router, "GET", "/assets/a.js", &request), "file");
  EXPECT_EQ(request.parameters["path"], "assets/a.js");
}

TEST(RouterTest, ParametersAreDecodedAfterTheSplit) {
  Router router(nullptr);
  router.on("GET", "/api/{a}/x/{b}", Policy::open(), says("ok"));
  Request request;
  EXPECT_EQ(answer(router, "GET", "/api/a%2Fb/x/%C3%A4", &request), "ok");
  EXPECT_EQ(request.parameters["a"], "a/b");
  EXPECT_EQ(request.parameters["b"], "\xC3\xA4");
  EXPECT_EQ(answer(router, "GET", "/api/%zz/x/b"), "404");
  EXPECT_EQ(answer(router, "GET", "/api/%00/x/b"), "404");
  EXPECT_EQ(answer(router, "GET", "/api//x/b"), "404");
  EXPECT_EQ(answer(router, "GET", "/api/a/x/b/"), "404");
  EXPECT_EQ(answer(router, "POST", "/api/a/x/b"), "405");
}

TEST(RouterTest, TheRestIsWhatNoRouteHasOutsideOfTheApi) {
  Router router(nullptr);
  router.on("POST", "/api/a", Policy::open(), says("a"));
  router.on("POST", "/b", Policy::open(), says("b"));
  EXPECT_EQ(answer(router, "GET", "/"), "404");
  router.on_rest(Policy::open(), says("rest"));
  EXPECT_EQ(answer(router, "GET", "/"), "rest");
  EXPECT_EQ(answer(router, "HEAD", "/x/y"), "rest");
  EXPECT_EQ(answer(router, "GET", "/api/b"), "404");
  EXPECT_EQ(answer(router, "GET", "/b"), "405");
  EXPECT_EQ(answer(router, "POST", "/x"), "404");
  EXPECT_THROW(router.on_rest(Policy::open(), says("again")), std::logic_error);
}

TEST(RouterTest, AddingARouteTwiceIsAProgrammingError) {
  Router router(nullptr);
  router.on("GET", "/a", Policy::open(), says("1"));
  EXPECT_THROW(router.on("GET", "/a", Policy::open(), says("2")), std::logic_error);
}

TEST(PolicyTest, WhoMayCallWhat) {
  using Kind = Principal::Kind;
  const Principal nobody, admin{Kind::token, "t", "t", {"admin"}},
      sync{Kind::token, "t", "t", {"sync"}}, reader{Kind::token, "t", "t", {"read"}},
      node{Kind::node, "n1", "n1", {}};
  const Request own{.parameters = {{"id", "n1"}}}, other{.parameters = {{"id", "n2"}}}, none;
  const auto reason = [](const Status& status) { return status.ok() ? "" : status.error().reason; };
  EXPECT_EQ(reason(Policy::open().check(nobody, none)), "");
  EXPECT_EQ(reason(Policy::signature().check(nobody, none)), "");
  EXPECT_EQ(reason(Policy::scope("sync").check(nobody, none)), "login_required");
  EXPECT_EQ(reason(Policy::scope("sync").check(sync, none)), "");
  EXPECT_EQ(reason(Policy::scope("sync").check(admin, none)), "");
  EXPECT_EQ(reason(Policy::scope("sync").check(reader, none)), "scope_missing");
  EXPECT_EQ(reason(Policy::scope("sync").check(node, none)), "scope_missing");
  EXPECT_EQ(reason(Policy::node().check(node, own)), "");
  EXPECT_EQ(reason(Policy::node().check(node, other)), "other_node");
  EXPECT_EQ(reason(Policy::node().check(node, none)), "other_node");
  EXPECT_EQ(reason(Policy::node().check(admin, own)), "other_node");
  EXPECT_EQ(reason(Policy::any_node().check(node, other)), "");
  EXPECT_EQ(reason(Policy::any_node().check(reader, other)), "");
  EXPECT_EQ(reason(Policy::any_node().check(sync, other)), "scope_missing");
  EXPECT_EQ(Policy::scope("role:command").text(), "scope role:command");
}

TEST(ProblemTest, SaysEverythingAPersonOrAProgramNeeds) {
  Response response = problem({ErrorKind::conflict,
                               "plan_stale",
                               "The world changed",
                               "plan again",
                               {{"/rows/0", "node n1 is at another commit"}}});
  EXPECT_EQ(response.status, 409);
  add_request_id(response, "req_1");
  const auto body = nlohmann::json::parse(response.body);
  EXPECT_EQ(body["reason"], "plan_stale");
  EXPECT_EQ(body["title"], "Conflict");
  EXPECT_EQ(body["detail"], "The world changed");
  EXPECT_EQ(body["hint"], "plan again");
  EXPECT_EQ(body["status"], 409);
  EXPECT_EQ(body["request_id"], "req_1");
  EXPECT_EQ(body["errors"][0]["pointer"], "/rows/0");
  EXPECT_EQ(problem({ErrorKind::invalid, "invalid_json", "x"}).status, 400);
  EXPECT_EQ(problem({ErrorKind::unauthenticated, "x", "x"}).headers["WWW-Authenticate"], "Bearer");
}

TEST(AnswerTest, AHeaderNeverBecomesTwo) {
  const Response response{200, {{"X-Text", "a\r\nSet-Cookie: b"}, {"Content-Length", "7"}}, "abc"};
  const std::string bytes = answer_bytes(response, "req_1", true, false);
  EXPECT_THAT(bytes, Not(HasSubstr("\r\nSet-Cookie")));
  EXPECT_THAT(bytes, HasSubstr("Content-Length: 3\r\n"));
  EXPECT_THAT(bytes, Not(HasSubstr("Content-Length: 7")));
  EXPECT_THAT(answer_bytes({204, {}, "x"}, "r", true, false), ::testing::EndsWith("\r\n\r\n"));
}

}  // namespace
}  // namespace rolesync::http
