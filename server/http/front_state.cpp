// SPDX-License-Identifier: Apache-2.0
#include "server/http/front_state.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <stdexcept>

#include "server/http/connection.hpp"

namespace rolesync::http {

Watcher::Watcher() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) throw std::runtime_error("no epoll descriptor");
}

Watcher::~Watcher() {
  ::close(epoll_);
}

bool Watcher::add(int descriptor, std::uint64_t id, std::uint32_t events) const {
  epoll_event event{events | EPOLLONESHOT, {.u64 = id}};
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void Watcher::watch(int descriptor, std::uint64_t id, std::uint32_t events) const {
  epoll_event event{events | EPOLLONESHOT, {.u64 = id}};
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, descriptor, &event);
}

void Watcher::forget(int descriptor) const {
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr);
}

FrontState::FrontState(FrontOptions given, const Router& routes)
    : options(std::move(given)),
      router(routes),
      workers(options.workers, options.reserved_workers, options.limits.max_queued),
      streams(options.limits.max_streams) {}

std::shared_ptr<Connection> FrontState::find(std::uint64_t id) const {
  std::lock_guard lock(mutex);
  const auto found = connections.find(id);
  return found == connections.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<Connection>> FrontState::all() const {
  std::vector<std::shared_ptr<Connection>> out;
  std::lock_guard lock(mutex);
  out.reserve(connections.size());
  for (const auto& [id, connection] : connections) out.push_back(connection);
  return out;
}

void FrontState::add(std::uint64_t id, std::shared_ptr<Connection> connection) {
  std::lock_guard lock(mutex);
  connections.emplace(id, std::move(connection));
}

void FrontState::remove(std::uint64_t id) {
  std::shared_ptr<Connection> last;  // destroyed after the lock
  std::lock_guard lock(mutex);
  const auto found = connections.find(id);
  if (found == connections.end()) return;
  last = std::move(found->second);
  connections.erase(found);
  removed.notify_all();
}

}  // namespace rolesync::http
