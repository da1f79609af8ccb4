// SPDX-License-Identifier: Apache-2.0
// kill -9 of a process that acknowledges its writes: nothing acknowledged is lost. (That a COMMIT
// is on the disk and not only in the kernel is synchronous=FULL, checked in sqlite_test, and
// synchronous_commit of PostgreSQL, checked in postgres_store_test.)
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "tests/server/store/temporary_store.hpp"

namespace rolesync::store {
namespace {

// In the child: four threads write numbers and acknowledge each on the pipe, until killed.
[[noreturn]] void write_for_ever(const StorePlace& place, int acknowledge) {
  auto opened = place.open();
  if (!opened) ::_exit(3);
  std::vector<std::thread> threads;
  for (std::int64_t worker = 0; worker < 4; ++worker) {
    threads.emplace_back([&, worker] {
      for (std::int64_t i = 0;; ++i) {
        const std::int64_t number = worker * 1'000'000'000 + i;
        const Status done = (*opened)->write([&](Session& s) -> Status {
          return status_of(
              s.execute("INSERT INTO events (sequence, at, kind) VALUES (?, 0, 'test')", {number}));
        });
        if (!done.ok() || ::write(acknowledge, &number, sizeof number) != sizeof number) {
          ::_exit(4);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ::_exit(0);
}

std::vector<std::int64_t> run_and_kill(const StorePlace& place, std::size_t after) {
  int pipe_ends[2];
  EXPECT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(pipe_ends[0]);
    write_for_ever(place, pipe_ends[1]);
  }
  ::close(pipe_ends[1]);
  std::vector<std::int64_t> acknowledged;
  std::int64_t number = 0;
  while (::read(pipe_ends[0], &number, sizeof number) == sizeof number) {
    acknowledged.push_back(number);
    if (acknowledged.size() == after) ::kill(child, SIGKILL);  // the rest of the pipe is read too
  }
  ::close(pipe_ends[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << "exit " << WEXITSTATUS(status);
  return acknowledged;
}

TEST(Durability, NothingAcknowledgedIsLostWhenTheServerIsKilled) {
  for (const std::size_t after : {1, 17, 150}) {
    const TemporaryDirectory directory;
    const StorePlace place(directory.path());
    const auto acknowledged = run_and_kill(place, after);
    ASSERT_GE(acknowledged.size(), after);
    auto store = place.open();
    ASSERT_TRUE(store.ok()) << store.error().text();
    for (const std::int64_t number : acknowledged) {
      const auto rows = (*store)->read([&](Session& s) {
        return s.query("SELECT kind FROM events WHERE sequence = ?", {number});
      });
      ASSERT_TRUE(rows.ok());
      EXPECT_EQ(rows->size(), 1u) << "lost " << number;
    }
  }
}

}  // namespace
}  // namespace rolesync::store
