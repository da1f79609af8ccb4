// SPDX-License-Identifier: Apache-2.0
// The client against servers that are slow, wrong or gone.
#include "host/client/http_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/client/event_parser.hpp"
#include "scripted_server.hpp"

namespace rolesync {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

std::unique_ptr<HttpClient> client_of(const ScriptedServer& server, std::string token = "tok") {
  auto made = HttpClient::create({server.url(), "", ""}, std::move(token));
  EXPECT_TRUE(made.ok());
  return std::move(*made);
}

ScriptedServer::Script answers(std::string text, int times = 1) {
  return [text, times](ScriptedConnection& connection) {
    for (int i = 0; i < times; ++i) {
      if (connection.read_head().empty()) return;
      connection.send(text);
    }
  };
}

std::string reason_of(const Result<HttpAnswer>& answer) {
  return answer.ok() ? "status " + std::to_string(answer->status) : answer.error().reason;
}

TEST(HttpClientTest, SendsWhatItShould) {
  std::string head;
  ScriptedServer server({[&](ScriptedConnection& connection) {
    head = connection.read_head();
    connection.send(kOk);
  }});
  auto answer = client_of(server)->send({.method = "POST", .path = "/a?b=c", .body = "{}"});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->body, "ok");
  EXPECT_THAT(head, StartsWith("POST /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:"));
  EXPECT_THAT(head, HasSubstr("Authorization: Bearer tok\r\n"));
  EXPECT_THAT(head, HasSubstr("Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"));
}

TEST(HttpClientTest, ReadsEveryKindOfBody) {
  ScriptedServer server({answers("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
                                 "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
                         answers("HTTP/1.1 200 OK\r\n\r\nuntil the end"),
                         answers("HTTP/1.1 204 No Content\r\nX-A: 1\r\nx-a: 2\r\n\r\n")});
  auto client = client_of(server);
  EXPECT_EQ(client->send({.path = "/"})->body, "abc");
  EXPECT_EQ(client->send({.path = "/"})->body, "until the end");
  auto empty = client->send({.path = "/"});
  ASSERT_TRUE(empty.ok());
  EXPECT_EQ(empty->status, 204);
  EXPECT_EQ(empty->headers["x-a"], "1, 2");
}

TEST(HttpClientTest, HeadHasNoBodyAndTheConnectionStaysGood) {
  ScriptedServer server({[](ScriptedConnection& connection) {
    connection.read_head();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
    connection.read_head();
    connection.send(kOk);
  }});
  auto client = client_of(server);
  EXPECT_EQ(client->send({.method = "HEAD", .path = "/"})->body, "");
  EXPECT_EQ(client->send({.path = "/"})->body, "ok");
  EXPECT_EQ(server.accepted(), 1);
}

TEST(HttpClientTest, ConnectionThatTheServerClosedMeanwhileIsReplaced) {
  ScriptedServer server({answers(kOk), answers(kOk)});
  auto client = client_of(server);
  EXPECT_EQ(reason_of(client->send({.path = "/"})), "status 200");
  EXPECT_EQ(reason_of(client->send({.path = "/"})), "status 200");
  EXPECT_EQ(server.accepted(), 2);
}

// The server reads the second request and closes without a word, as one does that was about to
// close an idle connection.
ScriptedServer::Script answers_once_then_drops() {
  return [](ScriptedConnection& connection) {
    connection.read_head();
    connection.send(kOk);
    connection.read_head();
  };
}

TEST(HttpClientTest, StaleConnectionIsRetriedOnceWhenThatIsSafe) {
  ScriptedServer server(
      {answers_once_then_drops(), answers_once_then_drops(), answers_once_then_drops()});
  auto client = client_of(server);
  EXPECT_EQ(reason_of(client->send({.path = "/"})), "status 200");
  EXPECT_EQ(reason_of(client->send({.path = "/"})), "status 200");
  EXPECT_EQ(server.accepted(), 2);
  EXPECT_EQ(reason_of(client->send({.method = "POST", .path = "/"})), "server_unreachable");
  EXPECT_EQ(server.accepted(), 2);
  EXPECT_EQ(reason_of(client->send({.path = "/"})), "status 200");
}

TEST(HttpClientTest, PostWithAnIdempotencyKeyIsRetriedToo) {
  ScriptedServer server({answers_once_then_drops(), answers(kOk)});
  auto client = client_of(server);
  const HttpRequest post{.method = "POST", .path = "/", .headers = {{"Idempotency-Key", "1"}}};
  EXPECT_EQ(reason_of(client->send(post)), "status 200");
  EXPECT_EQ(reason_of(client->send(post)), "status 200");
}

TEST(HttpClientTest, FreshConnectionThatBreaksIsNotRetried) {
  ScriptedServer server(
      {[](ScriptedConnection& connection) { connection.read_head(); }, answers(kOk)});
  auto client = client_of(server);
  EXPECT_EQ(reason_of(client->send({.path = "/"})), "server_unreachable");
  EXPECT_EQ(server.accepted(), 1);
  EXPECT_EQ(reason_of(client->send({.path = "/"})), "status 200");
}

TEST(HttpClientTest, ServerThatNeverAnswersHitsTheLimit) {
  ScriptedServer server({[](ScriptedConnection& connection) { connection.read_all(); }});
  auto client = client_of(server);
  EXPECT_EQ(reason_of(client->send({.path = "/", .time_limit = milliseconds(50)})),
            "server_silent");
}

TEST(HttpClientTest, ServerThatDripsHitsTheLimit) {
  ScriptedServer server({[](ScriptedConnection& connection) {
    connection.read_head();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    while (connection.send("x")) std::this_thread::sleep_for(milliseconds(5));
  }});
  auto client = client_of(server);
  EXPECT_EQ(reason_of(client->send({.path = "/", .time_limit = milliseconds(100)})),
            "server_silent");
}

TEST(HttpClientTest, ServerThatDoesNotReadHitsTheLimit) {
  std::atomic<bool> done = false;
  ScriptedServer server({[&](ScriptedConnection&) {
    while (!done) std::this_thread::sleep_for(milliseconds(2));
  }});
  auto client = client_of(server);
  HttpRequest large{.method = "POST", .path = "/", .body = std::string(64 << 20, 'x')};
  large.time_limit = milliseconds(100);
  EXPECT_EQ(reason_of(client->send(large)), "server_silent");
  done = true;
}

TEST(HttpClientTest, RefusalBeforeTheBodyWasReadIsSeen) {
  ScriptedServer server({[](ScriptedConnection& connection) {
    connection.read_head();
    connection.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
    connection.read_all();
  }});
  HttpRequest large{.method = "POST", .path = "/", .body = std::string(1 << 20, 'x')};
  EXPECT_EQ(reason_of(client_of(server)->send(large)), "status 413");
}

TEST(HttpClientTest, WhatIsNotHttpIsAnError) {
  ScriptedServer server({answers("SSH-2.0-OpenSSH_9.2\r\n\r\n"),
                         answers("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"),
                         answers("HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n"),
                         answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
                         answers("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x')),
                         answers("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort")});
  auto client = client_of(server);
  EXPECT_EQ(reason_of(client->send({.path = "/"})), "bad_answer");
  EXPECT_EQ(reason_of(client->send({.path = "/"})), "bad_answer");
  EXPECT_EQ(reason_of(client->send({.path = "/"})), "answer_too_large");
  EXPECT_EQ(reason_of(client->send({.path = "/"})), "bad_chunk");
  EXPECT_EQ(reason_of(client->send({.path = "/"})), "bad_answer");
  EXPECT_EQ(reason_of(client->send({.path = "/"})), "server_unreachable");
}

TEST(HttpClientTest, NobodyListens) {
  std::string url;
  { url = ScriptedServer({}).url(); }
  auto client = HttpClient::create({url, "", ""}, "");
  auto answer = (*client)->send({.path = "/"});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().reason, "server_unreachable");
  EXPECT_THAT(answer.error().message, HasSubstr("127.0.0.1"));
}

TEST(HttpClientTest, InterruptEndsARequestAndOnlyOne) {
  std::atomic<bool> asked = false;
  ScriptedServer server({[&](ScriptedConnection& connection) {
                           connection.read_head();
                           asked = true;
                           connection.read_all();
                         },
                         answers(kOk)});
  auto client = client_of(server);
  std::thread breaker([&] {
    while (!asked) std::this_thread::yield();
    client->interrupt();
  });
  EXPECT_EQ(reason_of(client->send({.path = "/"})), "interrupted");
  breaker.join();
  EXPECT_EQ(reason_of(client->send({.path = "/"})), "status 200");
}

TEST(HttpClientTest, InterruptBetweenRequestsIsNotLost) {
  ScriptedServer server({answers(kOk), answers(kOk)});
  auto client = client_of(server);
  client->interrupt();
  client->interrupt();
  EXPECT_EQ(reason_of(client->send({.path = "/"})), "interrupted");
  EXPECT_EQ(reason_of(client->send({.path = "/"})), "status 200");
}

TEST(HttpClientTest, NothingUserSuppliedStartsASecondHeader) {
  ScriptedServer server({});
  EXPECT_FALSE(HttpClient::create({server.url(), "", ""}, "a\r\nX: b").ok());
  auto client = client_of(server);
  EXPECT_EQ(reason_of(client->send({.path = "/a b"})), "bad_request");
  EXPECT_EQ(reason_of(client->send({.path = "/a\r\nX: b"})), "bad_request");
  EXPECT_EQ(reason_of(client->send({.path = "a"})), "bad_request");
  EXPECT_EQ(reason_of(client->send({.path = "/", .headers = {{"X", "a\nb"}}})), "bad_request");
  EXPECT_EQ(server.accepted(), 0);
}

TEST(HttpClientTest, UrlsThatAreNone) {
  for (const char* url : {"", "127.0.0.1:80", "ftp://127.0.0.1", "http://", "http://127.0.0.1/api",
                          "http://u:p@127.0.0.1", "http://127.0.0.1?x", "http://[::1"}) {
    auto made = HttpClient::create({url, "", ""}, "");
    ASSERT_FALSE(made.ok()) << url;
    EXPECT_EQ(made.error().reason, "invalid_url") << url;
  }
  EXPECT_TRUE(HttpClient::create({"http://[::1]:8770", "", ""}, "").ok());
  EXPECT_TRUE(HttpClient::create({"http://localhost:8770/", "", ""}, "").ok());
}

TEST(HttpClientTest, StreamRefusalIsTheProblemsError) {
  const std::string body =
      R"({"reason":"stream_unknown","detail":"No such stream","hint":"wait","status":404})";
  ScriptedServer server({answers("HTTP/1.1 404 Not Found\r\nContent-Length: " +
                                 std::to_string(body.size()) + "\r\n\r\n" + body)});
  auto stream = client_of(server)->open_stream("/s");
  ASSERT_FALSE(stream.ok());
  EXPECT_EQ(stream.error().reason, "stream_unknown");
  EXPECT_EQ(stream.error().message, "No such stream");
  EXPECT_EQ(stream.error().kind, ErrorKind::not_found);
}

TEST(HttpClientTest, StreamKeepsBytesThatComeWithTheAnswerInTheSocket) {
  ScriptedServer server({[](ScriptedConnection& connection) {
    connection.read_head();
    connection.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nfirst bytes");
    connection.read_all();
  }});
  auto stream = client_of(server)->open_stream("/s");
  ASSERT_TRUE(stream.ok());
  EXPECT_GE((*stream)->plain_descriptor(), 0);
  char piece[100];
  std::string got;
  while (got.size() < 11) {
    Result<std::size_t> n = (*stream)->read(piece, sizeof piece);
    ASSERT_TRUE(n.ok() && *n > 0);
    got.append(piece, *n);
  }
  EXPECT_EQ(got, "first bytes");
}

TEST(AnswerErrorTest, KindsAndFields) {
  HttpAnswer answer{422, {}, R"({"reason":"invalid_role","detail":"d","hint":"h",
      "errors":[{"pointer":"/a","detail":"x"},7]})"};
  const Error error = error_from_answer(answer);
  EXPECT_EQ(error.kind, ErrorKind::invalid);
  EXPECT_EQ(error.reason, "invalid_role");
  ASSERT_EQ(error.fields.size(), 1u);
  EXPECT_EQ(error.fields[0].pointer, "/a");
  EXPECT_EQ(error_from_answer({502, {}, "<html>"}).kind, ErrorKind::unavailable);
  EXPECT_EQ(error_from_answer({502, {}, "<html>"}).reason, "http_502");
  EXPECT_EQ(error_from_answer({412, {}, "[]"}).kind, ErrorKind::precondition);
}

TEST(EventParserTest, LinesInAnyPieces) {
  const std::string text =
      ": comment\nretry: 100\n\nid: 1\nevent: job\ndata: a\ndata:b\n\ndata: c\r\n\r\nid: 9\n\n";
  for (std::size_t piece = 1; piece < text.size(); ++piece) {
    EventParser parser;
    std::string in;
    std::vector<std::string> seen;
    for (std::size_t i = 0; i < text.size(); i += piece) {
      in += text.substr(i, piece);
      ASSERT_TRUE(parser.feed(in, [&](const HttpClient::Event& event) {
        seen.push_back(event.id + "/" + event.type + "/" + event.data);
        return true;
      }));
    }
    EXPECT_THAT(seen, ElementsAre("1/job/a\nb", "1//c")) << piece;
  }
}

}  // namespace
}  // namespace rolesync
