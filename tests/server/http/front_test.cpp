// SPDX-License-Identifier: Apache-2.0
// The front over real sockets: what a well-behaved client sees.
#include "front_fixture.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace rolesync::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kGet = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";

TEST_F(FrontTest, AnswersAndKeepsTheConnection) {
  start();
  RawSocket socket(front->port());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(socket.send(kGet));
    EXPECT_THAT(socket.read_answer(), StartsWith("HTTP/1.1 200 OK\r\n"));
  }
  EXPECT_EQ(front->counts().accepted, 1u);
  EXPECT_EQ(front->counts().requests, 3u);
}

TEST_F(FrontTest, AnswersPipelinedRequestsInOrder) {
  start();
  RawSocket socket(front->port());
  std::string all;
  for (int i = 0; i < 50; ++i) {
    all += "GET /hello?x=" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  }
  ASSERT_TRUE(socket.send(all));
  for (int i = 0; i < 50; ++i) {
    EXPECT_THAT(socket.read_answer(), ::testing::EndsWith("\r\n\r\n" + std::to_string(i)));
  }
}

TEST_F(FrontTest, ReadsAChunkedBodyInAnyPieces) {
  start();
  const std::string request =
      "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n7;ext=1\r\n, world\r\n0\r\nTrailer: x\r\n\r\n";
  RawSocket socket(front->port());
  for (char c : request) ASSERT_TRUE(socket.send({&c, 1}));
  EXPECT_THAT(socket.read_answer(), HasSubstr("\r\n\r\nhello, world"));
  ASSERT_TRUE(socket.send(request + request));
  EXPECT_THAT(socket.read_answer(), HasSubstr("\r\n\r\nhello, world"));
  EXPECT_THAT(socket.read_answer(), HasSubstr("\r\n\r\nhello, world"));
}

TEST_F(FrontTest, HeadTellsTheLengthAndSendsNoBody) {
  start();
  RawSocket socket(front->port());
  ASSERT_TRUE(socket.send("HEAD /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  const std::string answer = socket.read_all();
  EXPECT_THAT(answer, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_THAT(answer, ::testing::EndsWith("\r\n\r\n"));
}

TEST_F(FrontTest, UnknownPathIs404AndOtherMethodIs405WithAllow) {
  start();
  auto c = client();
  auto missing = c->send({.path = "/nowhere"});
  ASSERT_TRUE(missing.ok());
  EXPECT_EQ(missing->status, 404);
  EXPECT_EQ(missing->headers["content-type"], "application/problem+json");
  auto wrong = c->send({.method = "DELETE", .path = "/hello"});
  ASSERT_TRUE(wrong.ok());
  EXPECT_EQ(wrong->status, 405);
  EXPECT_EQ(wrong->headers["allow"], "GET, HEAD");
}

TEST_F(FrontTest, RequestIdIsTakenOverWhenItIsSaneAndIsInEveryProblem) {
  start();
  auto c = client();
  auto answer = c->send({.path = "/nowhere", .headers = {{"X-Request-Id", "trace-1.a_b"}}});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->headers["x-request-id"], "trace-1.a_b");
  EXPECT_EQ(nlohmann::json::parse(answer->body)["request_id"], "trace-1.a_b");
  answer = c->send({.path = "/hello", .headers = {{"X-Request-Id", "a b; c"}}});
  ASSERT_TRUE(answer.ok());
  EXPECT_THAT(answer->headers["x-request-id"], StartsWith("req_"));
}

TEST_F(FrontTest, ExceptionsBecomeA500ThatSaysNothingAboutThem) {
  std::mutex mutex;
  std::vector<RequestRecord> records;
  options.on_request = [&](const RequestRecord& record) {
    std::lock_guard lock(mutex);
    records.push_back(record);
  };
  start();
  auto c = client();
  for (const char* how : {"std", "int"}) {
    auto answer = c->send({.path = std::string("/throw/") + how});
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(answer->status, 500);
    EXPECT_THAT(answer->body, Not(HasSubstr("secret")));
    EXPECT_EQ(error_from_answer(*answer).reason, "internal_error");
  }
  ASSERT_TRUE(c->send({.path = "/hello"}).ok());  // and the server goes on
  ASSERT_TRUE(eventually([&] {
    std::lock_guard lock(mutex);
    return records.size() == 3;
  }));
  front.reset();  // from here on nobody records
  const auto of = [&](const std::string& path) {
    return *std::find_if(records.begin(), records.end(),
                         [&](const RequestRecord& record) { return record.path == path; });
  };
  EXPECT_EQ(of("/throw/std").detail, "the secret is 42");
  EXPECT_EQ(of("/throw/std").status, 500);
  EXPECT_EQ(of("/hello").status, 200);
}

TEST_F(FrontTest, ChecksThePolicyBeforeTheHandler) {
  start();
  EXPECT_EQ(client()->send({.path = "/read"})->status, 401);
  EXPECT_EQ(client("nonsense")->send({.path = "/read"})->status, 401);
  EXPECT_EQ(client("n1")->send({.path = "/read"})->status, 403);
  EXPECT_EQ(client("reader")->send({.path = "/read"})->body, "t2");
  EXPECT_EQ(client("admin")->send({.path = "/read"})->body, "t1");
  HttpRequest beat{.method = "POST", .path = "/api/nodes/n2/heartbeat"};
  EXPECT_EQ(client("n1")->send(beat)->status, 403);
  EXPECT_EQ(client("admin")->send(beat)->status, 403);
}

TEST_F(FrontTest, WaitingRequestIsAnsweredFromAnotherThread) {
  start();
  RawSocket socket(front->port());
  ASSERT_TRUE(socket.send(heartbeat()));
  auto reply = parked.take();
  ASSERT_TRUE(reply);
  ASSERT_TRUE(eventually([&] { return front->counts().waiting == 1; }));
  std::thread([&] {
    reply->send(json_response(200, "{\"commands\":[]}"));
    reply->send(json_response(500, "{}"));  // ignored
  }).join();
  EXPECT_THAT(socket.read_answer(), HasSubstr("\r\n\r\n{\"commands\":[]}"));
  ASSERT_TRUE(socket.send(kGet));  // the connection lives on
  EXPECT_THAT(socket.read_answer(), StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(reply->closed());
}

TEST_F(FrontTest, DroppedReplyIs204AndSendAfterAnswersInTime) {
  start();
  RawSocket socket(front->port());
  ASSERT_TRUE(socket.send(heartbeat()));
  parked.take().reset();
  EXPECT_THAT(socket.read_answer(), StartsWith("HTTP/1.1 204"));
  ASSERT_TRUE(socket.send(heartbeat()));
  auto reply = parked.take();
  ASSERT_TRUE(reply);
  reply->send_after(milliseconds(30), {200, {}, "late"});
  EXPECT_THAT(socket.read_answer(), HasSubstr("\r\n\r\nlate"));
}

TEST_F(FrontTest, ClientThatGoesAwayIsReportedOnce) {
  start();
  std::shared_ptr<Reply> reply;
  {
    RawSocket socket(front->port());
    ASSERT_TRUE(socket.send(heartbeat()));
    reply = parked.take();
    ASSERT_TRUE(reply);
  }
  ASSERT_TRUE(eventually([&] { return reply->closed(); }));
  reply->send({200, {}, "nobody listens"});
  ASSERT_TRUE(eventually([&] {
    std::lock_guard lock(parked.mutex);
    return parked.closed == 1;
  }));
  EXPECT_TRUE(eventually([&] { return front->counts().connections == 0; }));
}

TEST_F(FrontTest, NewerPollMayReplaceTheOlder) {
  start();
  RawSocket first(front->port()), second(front->port());
  ASSERT_TRUE(first.send(heartbeat()));
  auto older = parked.take();
  ASSERT_TRUE(second.send(heartbeat()));
  auto newer = parked.take();
  older->send({204, {}, ""});
  EXPECT_THAT(first.read_answer(), StartsWith("HTTP/1.1 204"));
  newer->send({200, {}, "command"});
  EXPECT_THAT(second.read_answer(), HasSubstr("command"));
}

TEST_F(FrontTest, ReplyKeptLongerThanTheFrontIsHarmless) {
  start();
  RawSocket socket(front->port());
  ASSERT_TRUE(socket.send(heartbeat()));
  auto reply = parked.take();
  front.reset();
  EXPECT_TRUE(reply->closed());
  reply->send({200, {}, "too late"});
}

TEST_F(FrontTest, StopsGracefully) {
  start();
  RawSocket idle(front->port()), waiting(front->port()), busy(front->port());
  ASSERT_TRUE(waiting.send(heartbeat()));
  auto reply = parked.take();
  ASSERT_TRUE(eventually([&] { return front->counts().waiting == 1; }));
  ASSERT_TRUE(busy.send("GET /gate HTTP/1.1\r\nHost: x\r\n\r\n"));
  ASSERT_TRUE(gate.wait_for_inside(1));
  Status stopped;
  std::thread stopper([&] { stopped = front->stop(); });
  EXPECT_THAT(waiting.read_all(), StartsWith("HTTP/1.1 204"));
  EXPECT_EQ(idle.read_all(), "");
  gate.let_go();
  EXPECT_THAT(busy.read_all(), HasSubstr("through"));
  stopper.join();
  EXPECT_TRUE(stopped.ok());
  EXPECT_THROW(RawSocket late(front->port()), std::runtime_error);
}

TEST_F(FrontTest, StopDoesNotWaitForeverForAHandler) {
  options.limits.stop_time = milliseconds(100);
  start();
  RawSocket busy(front->port());
  ASSERT_TRUE(busy.send("GET /gate HTTP/1.1\r\nHost: x\r\n\r\n"));
  ASSERT_TRUE(gate.wait_for_inside(1));
  const Status stopped = front->stop();
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().reason, "handlers_still_running");
  gate.let_go();
  ASSERT_TRUE(eventually([&] {
    std::lock_guard lock(gate.mutex);
    return gate.inside == 0;
  }));
}

TEST(FrontOptionsTest, RefusesToServeOthersWithoutTls) {
  Router router(nullptr);
  FrontOptions options;
  options.address = "0.0.0.0";
  Front front(options, router);
  const Status started = front.start();
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().reason, "tls_required");
  options.address = "::1";
  EXPECT_TRUE(check(options).ok());
  options.address = "example.org";
  EXPECT_EQ(check(options).error().reason, "invalid_address");
  options = {};
  options.reserved_workers = options.workers;
  EXPECT_EQ(check(options).error().reason, "invalid_limits");
}

TEST_F(FrontTest, PortInUseIsAnErrorWithAWayOut) {
  start();
  FrontOptions second = options;
  second.port = front->port();
  Front other(second, router);
  const Status started = other.start();
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().reason, "address_in_use");
}

}  // namespace
}  // namespace rolesync::http
