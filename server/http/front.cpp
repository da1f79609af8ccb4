// SPDX-License-Identifier: Apache-2.0
#include "server/http/front.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/IPAddress.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <mutex>
#include <thread>

#include "host/stream/channel.hpp"
#include "host/stream/tls.hpp"
#include "server/http/answer.hpp"
#include "server/http/connection.hpp"
#include "server/http/front_state.hpp"
#include "server/http/listener.hpp"

namespace rolesync::http {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kListenerId = 0, kTimersId = 1, kWakeId = 2, kFirstConnectionId = 16;
constexpr int kAcceptsAtOnce = 64;
constexpr std::chrono::milliseconds kExhaustedPause{100};

Error invalid_limits(const char* what) {
  return {ErrorKind::invalid, "invalid_limits",
          std::string("The HTTP front cannot run so: ") + what,
          "correct the server's configuration"};
}

Response too_many_connections() {
  return problem({ErrorKind::unavailable, "too_many_connections",
                  "The server has as many connections as it may", "try again in a few seconds"});
}

}  // namespace

Status check(const FrontOptions& options) {
  Poco::Net::IPAddress address;
  if (!Poco::Net::IPAddress::tryParse(options.address, address)) {
    return Error{ErrorKind::invalid, "invalid_address",
                 "The listen address '" + options.address + "' is not an IP address",
                 "use 127.0.0.1, or 0.0.0.0 with TLS"};
  }
  if (options.certificate_file.empty() != options.key_file.empty()) {
    return Error{ErrorKind::invalid, "certificate_unreadable",
                 "TLS needs both a certificate file and a key file", "configure both or none"};
  }
  if (options.certificate_file.empty() && !address.isLoopback()) {
    return Error{ErrorKind::invalid, "tls_required",
                 "Without TLS the server only listens on loopback, not on " + options.address,
                 "run rolesync-server init to make a certificate, or listen on 127.0.0.1"};
  }
  if (options.io_threads < 1) return invalid_limits("it needs an I/O thread");
  if (options.reserved_workers < 0 || options.workers <= options.reserved_workers) {
    return invalid_limits("it needs more workers than reserved ones");
  }
  if (options.limits.max_head < 512 || options.limits.max_fields < 8 ||
      options.limits.max_connections < 1) {
    return invalid_limits("its limits are too small for any request");
  }
  return {};
}

struct Front::Core {
  Core(FrontOptions given, const Router& routes)
      : state(std::make_shared<FrontState>(std::move(given), routes)),
        wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~Core() {
    if (wake >= 0) ::close(wake);
  }

  void run();
  void accept_some();
  void take(int descriptor, std::string peer);
  bool wait_until_empty(Deadline deadline);

  std::shared_ptr<FrontState> state;
  int wake;
  std::unique_ptr<Listener> listener;
  Poco::Net::Context::Ptr context() const {
    const std::lock_guard lock(tls_mutex);
    return tls;
  }
  mutable std::mutex tls_mutex;
  Poco::Net::Context::Ptr tls;  // null: plain, for ever
  std::atomic<std::uint64_t> next_id{kFirstConnectionId};
  std::vector<std::thread> io_threads;
  bool running = false;
};

// One I/O thread. Every event is one-shot except the wake-up, which stays for all of them.
void Front::Core::run() {
  std::array<epoll_event, 64> events{};
  for (;;) {
    const int n = ::epoll_wait(state->watcher.descriptor(), events.data(), events.size(), -1);
    for (int i = 0; i < n; ++i) {
      const std::uint64_t id = events[i].data.u64;
      if (id == kWakeId) return;
      if (id == kListenerId) {
        accept_some();
      } else if (id == kTimersId) {
        for (std::uint64_t due : state->timers.due()) {
          if (due == kListenerId && !state->stopping) {
            state->watcher.watch(listener->descriptor(), kListenerId, EPOLLIN);
          } else if (auto connection = state->find(due)) {
            connection->on_timer();
          }
        }
        state->watcher.watch(state->timers.descriptor(), kTimersId, EPOLLIN);
      } else if (auto connection = state->find(id)) {
        connection->on_ready(events[i].events);
      }
    }
  }
}

void Front::Core::accept_some() {
  for (int i = 0; i < kAcceptsAtOnce && !state->stopping; ++i) {
    Listener::Accepted accepted = listener->accept();
    if (accepted.exhausted) {  // not watched until later: it would wake us at once, for nothing
      state->timers.at(Clock::now() + kExhaustedPause, kListenerId);
      return;
    }
    if (accepted.descriptor < 0) break;
    take(accepted.descriptor, std::move(accepted.peer));
  }
  if (!state->stopping) state->watcher.watch(listener->descriptor(), kListenerId, EPOLLIN);
}

void Front::Core::take(int descriptor, std::string peer) {
  std::shared_ptr<Channel> channel;
  const auto secure = context();
  try {
    channel = secure ? Channel::secure_server(descriptor, secure) : Channel::plain(descriptor);
  } catch (const Poco::Exception&) {
    return;  // no memory for a TLS session; the descriptor went with it
  }
  std::size_t open = 0;
  {
    std::lock_guard lock(state->mutex);
    open = state->connections.size();
  }
  if (open >= state->options.limits.max_connections) {
    if (!secure) channel->try_write(answer_bytes(too_many_connections(), "unread", false, false));
    return;
  }
  const std::uint64_t id = next_id++;
  ++state->accepted;
  auto connection = std::make_shared<Connection>(state, id, std::move(channel), std::move(peer));
  state->add(id, connection);
  connection->begin();
}

bool Front::Core::wait_until_empty(Deadline deadline) {
  std::unique_lock lock(state->mutex);
  return state->removed.wait_until(lock, deadline, [&] { return state->connections.empty(); });
}

Front::Front(FrontOptions options, const Router& router)
    : core_(std::make_shared<Core>(std::move(options), router)) {}

Front::~Front() {
  (void)stop();
}

Status Front::start() {
  const FrontOptions& options = core_->state->options;
  if (Status checked = check(options); !checked) return checked;
  ignore_broken_pipes();
  if (!options.certificate_file.empty()) {
    auto context = tls_server_context(options.certificate_file, options.key_file);
    if (!context) return context.error();
    core_->tls = *context;
  }
  auto listener = Listener::open(options.address, options.port);
  if (!listener) return listener.error();
  core_->listener = std::move(*listener);
  FrontState& state = *core_->state;
  epoll_event wake{EPOLLIN, {.u64 = kWakeId}};
  ::epoll_ctl(state.watcher.descriptor(), EPOLL_CTL_ADD, core_->wake, &wake);
  state.watcher.add(state.timers.descriptor(), kTimersId, EPOLLIN);
  state.watcher.add(core_->listener->descriptor(), kListenerId, EPOLLIN);
  state.workers.start();
  for (int i = 0; i < options.io_threads; ++i) {
    core_->io_threads.emplace_back([core = core_.get()] { core->run(); });
  }
  core_->running = true;
  return {};
}

std::uint16_t Front::port() const {
  return core_->listener ? core_->listener->port() : 0;
}

std::string Front::url() const {
  const std::string& address = core_->state->options.address;
  const bool v6 = address.find(':') != std::string::npos;
  return (core_->context() ? "https://" : "http://") + (v6 ? '[' + address + ']' : address) + ':' +
         std::to_string(port());
}

Status Front::use_certificate(const std::string& certificate_file, const std::string& key_file) {
  if (!core_->context()) return {};
  auto context = tls_server_context(certificate_file, key_file);
  if (!context) return context.error();
  const std::lock_guard lock(core_->tls_mutex);
  core_->tls = *context;
  return {};
}

FrontCounts Front::counts() const {
  const FrontState& state = *core_->state;
  FrontCounts out;
  {
    std::lock_guard lock(state.mutex);
    out.connections = state.connections.size();
  }
  out.waiting = state.waiting;
  out.event_streams = state.event_streams;
  out.streams = state.streams.count();
  out.queued = state.workers.queued();
  out.accepted = state.accepted;
  out.requests = state.requests;
  return out;
}

Status Front::stop() {
  if (!core_->running) return {};
  core_->running = false;
  FrontState& state = *core_->state;
  const Deadline deadline = Clock::now() + state.options.limits.stop_time;
  state.stopping = true;
  state.watcher.forget(core_->listener->descriptor());
  core_->listener->end();
  for (const auto& connection : state.all()) connection->stop();
  bool clean = core_->wait_until_empty(deadline);
  for (const auto& connection : state.all()) connection->abort();
  clean = state.workers.stop(deadline) && clean;
  // A stream's owner gets as much again to notice that its stream is broken.
  clean = state.streams.stop(Clock::now() + state.options.limits.stop_time) && clean;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(core_->wake, &one, sizeof one);
  for (std::thread& thread : core_->io_threads) thread.join();
  core_->io_threads.clear();
  for (const auto& connection : state.all()) connection->abort();
  if (clean) return {};
  return Error{ErrorKind::timeout, "handlers_still_running",
               "Some requests did not end while the server stopped", "see the log for which"};
}

}  // namespace rolesync::http
