// SPDX-License-Identifier: Apache-2.0
// Events from the hub to followers over real connections.
#include "server/http/events.hpp"

#include <gmock/gmock.h>

#include "front_fixture.hpp"

namespace rolesync::http {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class EventsTest : public FrontTest {
 protected:
  void start_with(EventHubOptions hub_options, EventHub::Filter filter = {}) {
    hub = std::make_unique<EventHub>(std::move(hub_options));
    router.on_events("/api/events", Policy::scope("read"),
                     [this, filter](const Request& request, std::shared_ptr<EventSink> sink) {
                       return hub->follow(request, std::move(sink), filter);
                     });
    start();
  }
  ~EventsTest() override { front.reset(); }

  // The ids of what a follower sees until `n` events have come.
  std::vector<std::string> follow(std::size_t n, const std::string& last_event_id = "") {
    std::vector<std::string> seen;
    const Status followed = client("reader")->follow_events(
        "/api/events", last_event_id, [&](const HttpClient::Event& event) {
          seen.push_back(event.id + " " + event.type + " " + event.data);
          return seen.size() < n;
        });
    EXPECT_TRUE(followed.ok());
    return seen;
  }

  std::unique_ptr<EventHub> hub;
};

TEST_F(EventsTest, FollowersSeeWhatIsPublishedAfterTheyCame) {
  start_with({});
  hub->publish("node", "{\"before\":1}");
  std::vector<std::vector<std::string>> seen(3);
  std::vector<std::thread> followers;
  for (auto& mine : seen) followers.emplace_back([this, &mine] { mine = follow(2); });
  ASSERT_TRUE(eventually([&] { return hub->followers() == 3; }));
  EXPECT_EQ(hub->publish("job", "{\"a\":1}"), 2u);
  hub->publish("job", "{\n\"b\": 2}");
  for (std::thread& follower : followers) follower.join();
  for (const auto& mine : seen)
    EXPECT_THAT(mine, ElementsAre("2 job {\"a\":1}", "3 job {\n\"b\": 2}"));
}

TEST_F(EventsTest, ReplaysFromTheRing) {
  start_with({});
  for (int i = 1; i <= 5; ++i) hub->publish("t", std::to_string(i));
  EXPECT_THAT(follow(3, "2"), ElementsAre("3 t 3", "4 t 4", "5 t 5"));
}

TEST_F(EventsTest, OlderOnesComeFromTheStoreAndAGapIsSaid) {
  EventHubOptions hub_options;
  hub_options.ring = 2;
  hub_options.last_id = 10;
  std::uint64_t oldest = 8;
  hub_options.older = [&](std::uint64_t after, std::uint64_t up_to) {
    std::vector<Event> out;
    for (std::uint64_t id = std::max(after + 1, oldest); id <= up_to; ++id) {
      out.push_back({id, "old", std::to_string(id)});
    }
    return out;
  };
  start_with(std::move(hub_options));
  for (int i = 11; i <= 14; ++i) hub->publish("t", std::to_string(i));
  EXPECT_THAT(follow(5, "9"),
              ElementsAre("10 old 10", "11 old 11", "12 old 12", "13 t 13", "14 t 14"));
  EXPECT_THAT(follow(2, "3"), ElementsAre("3 gap {}", "8 old 8"));
  EXPECT_THAT(follow(1, "99"), ElementsAre(HasSubstr(" gap {}")));
}

TEST_F(EventsTest, FilterHidesWhatAFollowerMayNotSee) {
  start_with({}, [](const Event& event) { return event.type != "secret"; });
  hub->publish("open", "1");
  hub->publish("secret", "2");
  hub->publish("open", "3");
  EXPECT_THAT(follow(2, "0"), ElementsAre("1 open 1", "3 open 3"));
}

TEST_F(EventsTest, QuietConnectionsGetHeartbeats) {
  EventHubOptions hub_options;
  hub_options.heartbeat = milliseconds(10);
  start_with(std::move(hub_options));
  RawSocket socket(front->port());
  ASSERT_TRUE(
      socket.send("GET /api/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer reader\r\n\r\n"));
  EXPECT_TRUE(socket.read_until(":\n\n:\n\n"));
  EXPECT_THAT(socket.seen, HasSubstr("Content-Type: text/event-stream"));
}

TEST_F(EventsTest, SlowFollowerIsDroppedAndOthersAreNot) {
  options.limits.max_event_backlog = 64 << 10;
  EventHubOptions hub_options;
  hub_options.ring = 50;
  start_with(std::move(hub_options));
  RawSocket slow(front->port());
  ASSERT_TRUE(
      slow.send("GET /api/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer reader\r\n\r\n"));
  ASSERT_TRUE(eventually([&] { return hub->followers() == 1; }));
  std::atomic<std::uint64_t> fast_saw = 0;
  std::atomic<bool> enough = false;
  std::thread fast([&] {
    (void)client("reader")->follow_events("/api/events", "", [&](const HttpClient::Event& event) {
      fast_saw = std::stoull(event.id);
      return !enough;
    });
  });
  ASSERT_TRUE(eventually([&] { return hub->followers() == 2; }));
  const std::string large(30'000, 'x');
  std::uint64_t last = 0;
  ASSERT_TRUE(eventually([&] {
    last = hub->publish("t", large);
    return eventually([&] { return fast_saw == last; }) && hub->followers() == 1;
  }));
  enough = true;
  hub->publish("t", "end");
  fast.join();
}

TEST_F(EventsTest, FollowerWithALongReplayIsServedAsItReads) {
  options.limits.max_event_backlog = 64 << 10;
  start_with({});
  const std::string large(20'000, 'x');
  for (int i = 0; i < 200; ++i) hub->publish("t", large);
  EXPECT_EQ(follow(200, "0").size(), 200u);
}

TEST_F(EventsTest, TooManyFollowersAndNoLoginAreRefused) {
  EventHubOptions hub_options;
  hub_options.max_followers = 0;
  start_with(std::move(hub_options));
  const auto nothing = [](const HttpClient::Event&) { return true; };
  EXPECT_EQ(client("reader")->follow_events("/api/events", "", nothing).error().reason,
            "too_many_followers");
  EXPECT_EQ(client()->follow_events("/api/events", "", nothing).error().reason, "login_required");
}

TEST_F(EventsTest, FollowersEndWithTheHubOrTheFront) {
  start_with({});
  std::thread follower([this] { EXPECT_TRUE(follow(1).empty()); });
  ASSERT_TRUE(eventually([&] { return hub->followers() == 1; }));
  EXPECT_TRUE(front->stop().ok());
  follower.join();
  hub->publish("t", "nobody listens");
  EXPECT_EQ(hub->followers(), 0u);
}

TEST_F(EventsTest, ManyFollowersShareOneThread) {
  start_with({});
  std::vector<std::unique_ptr<RawSocket>> sockets;
  for (int i = 0; i < 300; ++i) {
    sockets.push_back(std::make_unique<RawSocket>(front->port()));
    ASSERT_TRUE(sockets.back()->send(
        "GET /api/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer reader\r\n\r\n"));
  }
  ASSERT_TRUE(eventually([&] { return hub->followers() == 300; }));
  for (int i = 0; i < 10; ++i) hub->publish("t", std::to_string(i));
  for (auto& socket : sockets) EXPECT_TRUE(socket->read_until("id: 10\nevent: t\ndata: 9\n\n"));
}

}  // namespace
}  // namespace rolesync::http
