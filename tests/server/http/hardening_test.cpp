// SPDX-License-Identifier: Apache-2.0
// The front against clients that are slow, many, wrong or hostile.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <atomic>
#include <filesystem>

#include "front_fixture.hpp"

namespace rolesync::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::size_t threads_of_this_process() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

void allow_descriptors(rlim_t wanted) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min(limit.rlim_max, std::max(limit.rlim_cur, wanted));
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

TEST_F(FrontTest, TwoThousandIdleConnectionsCostNoThread) {
  allow_descriptors(6'000);
  start();
  const std::size_t before = threads_of_this_process();
  std::vector<std::unique_ptr<RawSocket>> sockets;
  for (int i = 0; i < 2'000; ++i) {
    sockets.push_back(std::make_unique<RawSocket>(front->port()));
    // Some never say a word, some wait for an answer, some have had one.
    if (i % 3 == 1) {
      ASSERT_TRUE(sockets.back()->send(heartbeat()));
    } else if (i % 3 == 2) {
      ASSERT_TRUE(sockets.back()->send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
      ASSERT_THAT(sockets.back()->read_answer(), StartsWith("HTTP/1.1 200"));
    }
  }
  ASSERT_TRUE(eventually([&] { return front->counts().waiting == 667; }));
  EXPECT_EQ(front->counts().connections, 2'000u);
  EXPECT_EQ(threads_of_this_process(), before);
  EXPECT_EQ(client()->send({.path = "/hello"})->status, 200);
}

TEST_F(FrontTest, DrippingClientsHoldNobodyUpAndAreCutOff) {
  options.workers = 2;
  options.reserved_workers = 1;
  options.limits.head_time = milliseconds(1'500);
  options.limits.body_time = milliseconds(1'500);
  options.limits.linger_time = milliseconds(100);
  start();
  std::vector<std::unique_ptr<RawSocket>> heads, bodies;
  for (int i = 0; i < 8; ++i) {
    heads.push_back(std::make_unique<RawSocket>(front->port()));
    ASSERT_TRUE(heads.back()->send("GET /hello HTTP/1.1\r\nX: "));
    bodies.push_back(std::make_unique<RawSocket>(front->port()));
    ASSERT_TRUE(
        bodies.back()->send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"));
  }
  std::atomic<bool> stop = false;
  std::thread drip([&] {
    while (!stop) {
      for (auto& socket : heads) socket->send("a");
      for (auto& socket : bodies) socket->send("a");
      std::this_thread::sleep_for(milliseconds(20));
    }
  });
  EXPECT_EQ(client()->send({.path = "/hello"})->status, 200);
  // All of them are gone although none of them ever fell silent.
  EXPECT_TRUE(eventually([&] { return front->counts().connections == 0; }));
  stop = true;
  drip.join();
  EXPECT_THAT(heads[0]->read_all(), StartsWith("HTTP/1.1 408"));
  EXPECT_THAT(bodies[0]->read_all(), StartsWith("HTTP/1.1 408"));
}

TEST_F(FrontTest, SilentConnectionsAreClosed) {
  options.limits.head_time = milliseconds(1'000);
  options.limits.idle_time = milliseconds(50);
  start();
  RawSocket silent(front->port());
  EXPECT_EQ(silent.read_all(), "");
  RawSocket idle(front->port());
  ASSERT_TRUE(idle.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_THAT(idle.read_all(), StartsWith("HTTP/1.1 200"));
}

TEST_F(FrontTest, ClientThatDoesNotReadItsAnswerIsCutOff) {
  options.limits.write_stall = milliseconds(2'000);
  router.on("GET", "/large", Policy::open(), [](const Request&) {
    return Response{200, {}, std::string(32 << 20, 'x')};
  });
  start();
  RawSocket socket(front->port());
  ASSERT_TRUE(socket.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n"));
  ASSERT_TRUE(eventually([&] { return front->counts().requests == 1; }));
  EXPECT_TRUE(eventually([&] { return front->counts().connections == 0; }));
  // While a client that reads gets all of it.
  EXPECT_EQ(client()->send({.path = "/large"})->body.size(), 32u << 20);
}

TEST_F(FrontTest, TooLargeBodiesAreRefusedBeforeTheyAreRead) {
  start();
  auto c = client();
  HttpRequest large{.method = "POST", .path = "/echo", .body = std::string(10 << 20, 'x')};
  auto answer = c->send(large);
  ASSERT_TRUE(answer.ok()) << answer.error().text();
  EXPECT_EQ(answer->status, 413);
  EXPECT_EQ(error_from_answer(*answer).reason, "body_too_large");
  RawSocket chunked(front->port());
  ASSERT_TRUE(
      chunked.send("PUT /json HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "40\r\n" +
                   std::string(64, 'x') + "\r\n40\r\n"));
  EXPECT_THAT(chunked.read_all(), StartsWith("HTTP/1.1 413"));
  EXPECT_EQ(c->send({.path = "/hello"})->status, 200);
}

TEST_F(FrontTest, OtherContentTypesAreRefused) {
  start();
  auto c = client();
  HttpRequest put{
      .method = "PUT", .path = "/json", .headers = {{"Content-Type", "text/plain"}}, .body = "{}"};
  EXPECT_EQ(c->send(put)->status, 415);
  put.headers = {{"Content-Type", "Application/JSON; charset=utf-8"}};
  EXPECT_EQ(c->send(put)->status, 200);
}

// An answered refusal is the last on its connection: what follows is never read as a request.
TEST_F(FrontTest, NothingIsSmuggledBehindARefusal) {
  start();
  const std::string hidden = "GET /hello?x=smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
  for (const std::string outer :
       {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: "
        "chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 45\r\n\r\n",
        "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 45\r\n\r\n",
        "POST /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        "PUT /json HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n"}) {
    RawSocket socket(front->port());
    ASSERT_TRUE(socket.send(outer + hidden));
    socket.finish_sending();
    const std::string all = socket.read_all();
    EXPECT_THAT(all, StartsWith("HTTP/1.1 4")) << outer;
    EXPECT_THAT(all, Not(HasSubstr("smuggled"))) << outer;
    EXPECT_THAT(all, HasSubstr("Connection: close")) << outer;
  }
  // The body of a refused handler was read whole, so that connection may go on.
  RawSocket socket(front->port());
  ASSERT_TRUE(socket.send(heartbeat("nobody") + hidden));
  EXPECT_THAT(socket.read_answer(), StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(socket.read_answer(), HasSubstr("smuggled"));
}

TEST_F(FrontTest, ExpectContinueIsAnsweredBeforeTheBody) {
  start();
  RawSocket socket(front->port());
  ASSERT_TRUE(
      socket.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                  "Expect: 100-continue\r\n\r\n"));
  ASSERT_TRUE(socket.read_until("100 Continue\r\n\r\n"));
  socket.seen.clear();
  ASSERT_TRUE(socket.send("ok"));
  EXPECT_THAT(socket.read_answer(), HasSubstr("\r\n\r\nok"));
  ASSERT_TRUE(
      socket.send("PUT /json HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n"
                  "Expect: 100-continue\r\n\r\n"));
  EXPECT_THAT(socket.read_all(), StartsWith("HTTP/1.1 413"));
}

TEST_F(FrontTest, ReservedWorkersStayFreeForNodes) {
  options.workers = 3;
  options.reserved_workers = 1;
  start();
  std::vector<std::unique_ptr<RawSocket>> busy;
  for (int i = 0; i < 10; ++i) {
    busy.push_back(std::make_unique<RawSocket>(front->port()));
    ASSERT_TRUE(busy.back()->send("GET /gate HTTP/1.1\r\nHost: x\r\n\r\n"));
  }
  ASSERT_TRUE(gate.wait_for_inside(2));
  ASSERT_TRUE(eventually([&] { return front->counts().queued == 8; }));
  RawSocket agent(front->port());
  ASSERT_TRUE(agent.send(heartbeat()));
  auto reply = parked.take();
  ASSERT_TRUE(reply);
  reply->send({200, {}, "beat"});
  EXPECT_THAT(agent.read_answer(), HasSubstr("beat"));
  {
    std::lock_guard lock(gate.mutex);
    EXPECT_EQ(gate.inside, 2);
  }
  gate.let_go();
  for (auto& socket : busy) EXPECT_THAT(socket->read_answer(), HasSubstr("through"));
}

TEST_F(FrontTest, FullQueueAndTooManyConnectionsAre503) {
  options.workers = 1;
  options.reserved_workers = 0;
  options.limits.max_queued = 1;
  options.limits.max_connections = 3;
  start();
  RawSocket a(front->port()), b(front->port()), c(front->port());
  const std::string request = "GET /gate HTTP/1.1\r\nHost: x\r\n\r\n";
  ASSERT_TRUE(a.send(request));
  ASSERT_TRUE(gate.wait_for_inside(1));
  ASSERT_TRUE(b.send(request));
  ASSERT_TRUE(eventually([&] { return front->counts().queued == 1; }));
  ASSERT_TRUE(c.send(request));
  EXPECT_THAT(c.read_answer(), StartsWith("HTTP/1.1 503"));
  RawSocket d(front->port());
  EXPECT_THAT(d.read_all(), HasSubstr("too_many_connections"));
  gate.let_go();
  EXPECT_THAT(b.read_answer(), HasSubstr("through"));
}

TEST_F(FrontTest, UnfinishedBodiesAreLimitedInAll) {
  options.limits.max_buffered = 100'000;
  options.limits.stop_time = milliseconds(50);
  start();
  std::vector<std::unique_ptr<RawSocket>> sockets;
  for (int i = 0; i < 4; ++i) {
    sockets.push_back(std::make_unique<RawSocket>(front->port()));
    sockets.back()->send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n" +
                         std::string(40'000, 'x'));
  }
  std::atomic<int> refused = 0;
  std::vector<std::thread> readers;
  for (auto& socket : sockets) {
    readers.emplace_back([&refused, &socket] {
      if (socket->read_until("503")) ++refused;
    });
  }
  ASSERT_TRUE(eventually([&] { return refused >= 1; }));
  EXPECT_EQ(client()->send({.path = "/hello"})->status, 200);
  front.reset();
  for (std::thread& reader : readers) reader.join();
  EXPECT_LT(refused, 4);
}

TEST_F(FrontTest, OutOfDescriptorsThePauseEndsByItself) {
  start();
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  std::vector<std::unique_ptr<RawSocket>> sockets;
  for (int i = 0; i < 4; ++i) sockets.push_back(std::make_unique<RawSocket>(front->port()));
  ASSERT_TRUE(eventually([&] { return front->counts().accepted == 4; }));
  RawSocket* waiting = nullptr;
  const int free_number = ::dup(0);
  ::close(free_number);
  rlimit small = before;
  small.rlim_cur = static_cast<rlim_t>(free_number) + 1;  // one more: the client's own end
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &small), 0);
  sockets.push_back(std::make_unique<RawSocket>(front->port()));
  waiting = sockets.back().get();
  ASSERT_TRUE(waiting->send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
  std::this_thread::yield();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_THAT(waiting->read_answer(), StartsWith("HTTP/1.1 200"));
}

TEST_F(FrontTest, ManyClientsAtOnceAllGetTheirOwnAnswer) {
  start();
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([&, t] {
      auto c = client();
      for (int i = 0; i < 100; ++i) {
        const std::string text = std::to_string(t) + "-" + std::to_string(i);
        auto answer = c->send({.method = "POST", .path = "/echo", .body = text});
        if (!answer || answer->body != text) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(front->counts().accepted, 16u);
}

}  // namespace
}  // namespace rolesync::http
