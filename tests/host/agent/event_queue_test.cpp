// SPDX-License-Identifier: Apache-2.0
// The queue of events: order, bound, and what a killed process leaves behind.
#include "host/agent/event_queue.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>

namespace rolesync::agent {
namespace {

class EventQueueTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = "/tmp/rolesync-queue-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::unique_ptr<EventQueue> open(std::size_t limit = 100) {
    return EventQueue::open(directory_, limit);
  }
  static std::string texts(const EventQueue& queue) {
    std::string all;
    for (const QueuedEvent& event : queue.oldest(1000)) all += event.text + " ";
    return all;
  }
  std::string directory_;
};

TEST_F(EventQueueTest, KeepsOrderAcrossRestarts) {
  {
    auto queue = open();
    ASSERT_TRUE(queue->add(EventKind::progress, "1").ok());
    ASSERT_TRUE(queue->add(EventKind::result, "2").ok());
  }
  auto queue = open();
  ASSERT_TRUE(queue->add(EventKind::progress, "3").ok());
  EXPECT_EQ(texts(*queue), "1 2 3 ");
  queue->drop(queue->oldest(2));
  EXPECT_EQ(texts(*queue), "3 ");
  queue.reset();
  EXPECT_EQ(texts(*open()), "3 ");
}

TEST_F(EventQueueTest, FullItDropsTheOldestProgressAndNeverAResult) {
  auto queue = open(3);
  for (const char* text : {"1", "2"}) (void)queue->add(EventKind::result, text);
  for (const char* text : {"3", "4", "5"}) (void)queue->add(EventKind::progress, text);
  EXPECT_EQ(texts(*queue), "1 2 5 ");
  for (const char* text : {"6", "7", "8"}) (void)queue->add(EventKind::result, text);
  EXPECT_EQ(texts(*queue), "1 2 6 7 8 ");
  queue.reset();
  EXPECT_EQ(texts(*open(3)), "1 2 6 7 8 ");
}

TEST_F(EventQueueTest, WhatSomebodyCarriesNeedsNoSender) {
  using std::chrono::milliseconds;
  auto queue = open();
  const auto waits = [&] { return queue->wait_for_events(milliseconds(0)); };
  queue->reserve();
  (void)queue->add(EventKind::result, "1");
  EXPECT_FALSE(waits());
  const auto carried = queue->oldest(10);
  queue->carry(carried);
  EXPECT_FALSE(waits());
  (void)queue->add(EventKind::result, "2");
  EXPECT_TRUE(waits()) << "it came too late to be carried";
  queue->drop(queue->oldest(2));
  EXPECT_FALSE(waits());
  (void)queue->add(EventKind::result, "3");
  queue->carry(queue->oldest(10));
  queue->put_down();
  EXPECT_TRUE(waits()) << "it did not arrive";
  EXPECT_EQ(texts(*queue), "3 ");
}

TEST_F(EventQueueTest, HalfWrittenFilesAreDropped) {
  std::ofstream(directory_ + "/00000000000000000007.result") << "{\"cut";
  std::ofstream(directory_ + "/00000000000000000008.progress.new") << "{}";
  std::ofstream(directory_ + "/00000000000000000009.result") << "{\"whole\":1}";
  auto queue = open();
  EXPECT_EQ(texts(*queue), "{\"whole\":1} ");
  (void)queue->add(EventKind::progress, "1");
  EXPECT_EQ(queue->oldest(5)[1].number, 10u);  // numbers are not used again
  ASSERT_TRUE(queue->problem());
  EXPECT_EQ(queue->problem()->reason, "queue_entry_damaged");
  EXPECT_NE(queue->problem()->message.find("00000000000000000007.result"), std::string::npos);
}

TEST_F(EventQueueTest, AnEntryThatCannotBeReadStaysAndStopsNothing) {
  std::filesystem::create_directory(directory_ + "/00000000000000000007.result");
  std::ofstream(directory_ + "/00000000000000000009.result") << "{\"whole\":1}";
  auto queue = open();
  EXPECT_EQ(texts(*queue), "{\"whole\":1} ");
  ASSERT_TRUE(queue->problem());
  EXPECT_EQ(queue->problem()->reason, "queue_unreadable");
  EXPECT_TRUE(std::filesystem::exists(directory_ + "/00000000000000000007.result"));
}

// As when the disk is full, but also for root: a file stands where the directory belongs.
TEST_F(EventQueueTest, ADirectoryThatCannotBeWrittenKeepsResultsInMemoryUntilItCan) {
  const std::string place = directory_ + "/queue";
  std::ofstream(place).put('x');
  {
    auto queue = EventQueue::open(place, 100);
    EXPECT_FALSE(queue->add(EventKind::result, "1").ok());
    EXPECT_EQ(queue->problem()->reason, "queue_unwritable");
    EXPECT_EQ(texts(*queue), "1 ");
    std::filesystem::remove(place);
    queue->save_again();
    EXPECT_FALSE(queue->problem());
  }
  EXPECT_EQ(texts(*EventQueue::open(place, 100)), "1 ");
}

// A task's record is forgotten when its result is safe, so that is waited for.
TEST_F(EventQueueTest, AResultIsSafeWhenItIsSavedOrSent) {
  const std::string place = directory_ + "/in-the-way";
  std::ofstream(place) << "a file";
  auto queue = EventQueue::open(place, 100);
  ASSERT_FALSE(queue->add(EventKind::result, "1").ok());
  auto saved = std::async(std::launch::async, [&] { return queue->wait_until_safe(); });
  EXPECT_EQ(saved.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  std::filesystem::remove(place);
  EXPECT_TRUE(saved.get());
  EXPECT_EQ(texts(*EventQueue::open(place, 100)), "1 ");

  std::filesystem::remove_all(place);
  std::ofstream(place) << "a file";
  ASSERT_FALSE(queue->add(EventKind::result, "2").ok());
  auto sent = std::async(std::launch::async, [&] { return queue->wait_until_safe(); });
  queue->drop(queue->oldest(10));
  EXPECT_TRUE(sent.get());

  ASSERT_FALSE(queue->add(EventKind::result, "3").ok());
  auto ended = std::async(std::launch::async, [&] { return queue->wait_until_safe(); });
  queue->stop();
  EXPECT_FALSE(ended.get());
}

// A child adds numbered results as fast as it can until it is killed: what it was told to be safe
// must be there, whole and in order.
TEST_F(EventQueueTest, SurvivesKill) {
  for (int round = 0; round < 5; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      auto queue = EventQueue::open(directory_, 1'000'000);
      for (int n = 0;; ++n) {
        (void)queue->add(EventKind::result, std::to_string(n));
        if (::write(pipe_ends[1], &n, sizeof n) != sizeof n) ::_exit(1);
      }
    }
    ::close(pipe_ends[1]);
    int confirmed = -1;
    while (confirmed<20 + round&& ::read(pipe_ends[0], &confirmed, sizeof confirmed)> 0) {
    }
    ::kill(child, SIGKILL);
    while (::read(pipe_ends[0], &confirmed, sizeof confirmed) > 0) {
    }
    ::close(pipe_ends[0]);
    ::waitpid(child, nullptr, 0);

    auto queue = open(1'000'000);
    const auto events = queue->oldest(1'000'000);
    ASSERT_GT(static_cast<int>(events.size()), confirmed);
    for (std::size_t n = 0; n < events.size(); ++n) EXPECT_EQ(events[n].text, std::to_string(n));
    queue->drop(events);
    EXPECT_EQ(queue->size(), 0u);
  }
}

}  // namespace
}  // namespace rolesync::agent
