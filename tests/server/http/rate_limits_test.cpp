// SPDX-License-Identifier: Apache-2.0
#include "server/http/rate_limits.hpp"

#include <gtest/gtest.h>

#include "server/http/router.hpp"

namespace rolesync::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = RateLimits::Kind;

class RateLimitsTest : public ::testing::Test {
 protected:
  int take_all(Kind kind, const std::string& who) {
    int taken = 0;
    while (taken < 10'000 && !limits->take(kind, who)) ++taken;
    return taken;
  }
  RateLimits::Clock::time_point now{seconds(1'000)};
  std::shared_ptr<RateLimits> limits =
      std::make_shared<RateLimits>(RateLimitOptions{60, 600, 30}, [this] { return now; });
};

TEST_F(RateLimitsTest, AThirdOfAMinuteComesAtOnceAndTheRestWithTime) {
  EXPECT_EQ(take_all(Kind::token, "a"), 20);
  EXPECT_EQ(take_all(Kind::token, "b"), 20) << "each has its own";
  EXPECT_EQ(take_all(Kind::node, "a"), 200) << "and each kind";
  EXPECT_EQ(limits->take(Kind::token, "a"), seconds(1));
  now += milliseconds(999);
  EXPECT_TRUE(limits->take(Kind::token, "a"));
  now += milliseconds(1);
  EXPECT_FALSE(limits->take(Kind::token, "a"));
  EXPECT_TRUE(limits->take(Kind::token, "a"));
  now += seconds(3'600);
  EXPECT_EQ(take_all(Kind::token, "a"), 20) << "not more is saved up";
}

TEST_F(RateLimitsTest, NothingIsKeptOfThoseWhoLongAskedNoMore) {
  for (int i = 0; i < 100'000; ++i) {
    limits->take(Kind::refused, std::to_string(i));
    now += milliseconds(10);
  }
  EXPECT_LT(limits->size(), 2'000u);
}

TEST_F(RateLimitsTest, NoLimitIsNone) {
  limits = std::make_shared<RateLimits>(RateLimitOptions{0, 0, 0});
  EXPECT_EQ(take_all(Kind::token, "a"), 10'000);
  EXPECT_EQ(limits->size(), 0u);
}

TEST_F(RateLimitsTest, AnAddressIsThatOfOneMachine) {
  EXPECT_EQ(RateLimits::address_of("127.0.0.1:4711"), "127.0.0.1");
  EXPECT_EQ(RateLimits::address_of("[2001:db8::1]:1"), RateLimits::address_of("[2001:db8::2]:2"));
  EXPECT_NE(RateLimits::address_of("[2001:db8:0:1::1]:1"),
            RateLimits::address_of("[2001:db8:0:2::1]:1"));
}

// A neighbour who guesses is slowed down; who is known is not.
TEST_F(RateLimitsTest, ARouterAnswers429WithRetryAfter) {
  Router router([](const Request& request) -> Result<Principal> {
    const std::string who = request.headers.at("authorization");
    if (who == "wrong") return Error{ErrorKind::unauthenticated, "invalid_token", "", ""};
    return Principal{
        who == "n1" ? Principal::Kind::node : Principal::Kind::token, who, who, {"read"}};
  });
  router.on("GET", "/x", Policy::scope("read"), [](const Request&) { return Response{}; });
  router.on("POST", "/join", Policy::open(), [](const Request&) { return Response{}; });
  router.limit(limits);
  const auto ask = [&](const std::string& who) -> Response {
    Request request{
        .method = "GET", .path = "/x", .headers = {{"authorization", who}}, .peer = "10.0.0.1:99"};
    const auto* route = std::get<const Router::Route*>(router.match(request));
    return router.refuse(*route, request).value_or(Response{});
  };
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ask("wrong").status, 401);
  EXPECT_EQ(ask("wrong").status, 429);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ask("t1").status, 200);
  const Response late = ask("t1");
  EXPECT_EQ(late.status, 429);
  EXPECT_EQ(late.headers.at("Retry-After"), "1");
  EXPECT_NE(late.body.find("rate_limited"), std::string::npos);
  EXPECT_EQ(ask("t2").status, 200);
  // What an open route refuses counts like a wrong token.
  const Request join{.method = "POST", .path = "/join", .peer = "10.0.0.1:98"};
  EXPECT_EQ(router.counted(join, {401, {}, ""}).status, 429);
  EXPECT_EQ(router.counted(join, {200, {}, ""}).status, 200);
}

}  // namespace
}  // namespace rolesync::http
