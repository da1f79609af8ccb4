// SPDX-License-Identifier: Apache-2.0
#include "server/store/postgres_listener.hpp"

#include <fcntl.h>
#include <libpq-fe.h>
#include <poll.h>
#include <unistd.h>

#include "server/store/postgres_session.hpp"

namespace rolesync::store {

PostgresListener::PostgresListener(PostgresAddress address, std::string server,
                                   std::function<void(const Store::Word&)> heard)
    : address_(std::move(address)), server_(std::move(server)), heard_(std::move(heard)) {
  if (::pipe2(wake_, O_CLOEXEC | O_NONBLOCK) != 0) wake_[0] = wake_[1] = -1;
  thread_ = std::thread([this] { run(); });
}

PostgresListener::~PostgresListener() {
  stopping_ = true;
  (void)!::write(wake_[1], "x", 1);
  thread_.join();
  for (const int end : wake_) {
    if (end >= 0) ::close(end);
  }
}

void PostgresListener::pause() {
  pollfd wake{wake_[0], POLLIN, 0};
  ::poll(&wake, 1, 500);
}

void PostgresListener::run() {
  while (!stopping_) {
    auto connection = PostgresConnection::open(address_);
    if (!connection || !(*connection)->run(std::string("LISTEN ") + postgres_channel)) {
      pause();
      continue;
    }
    heard_({});  // from here on nothing is missed; before, something may have been
    while (!stopping_ && hear(**connection)) {
    }
  }
}

// Waits for words and passes them on; false when the connection is lost.
bool PostgresListener::hear(PostgresConnection& connection) {
  PGconn* const handle = connection.handle();
  pollfd both[2] = {{PQsocket(handle), POLLIN, 0}, {wake_[0], POLLIN, 0}};
  ::poll(both, 2, 10'000);
  // A peer that is gone without a word is found out by the keepalives.
  if (PQconsumeInput(handle) == 0 || connection.lost()) return false;
  while (PGnotify* const notice = PQnotifies(handle)) {
    const std::string message = notice->extra;
    PQfreemem(notice);
    const auto first = message.find(' ');
    const auto second = message.find(' ', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    if (message.compare(0, first, server_) == 0) continue;
    heard_({message.substr(first + 1, second - first - 1), message.substr(second + 1)});
  }
  return true;
}

}  // namespace rolesync::store
