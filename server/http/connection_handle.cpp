// SPDX-License-Identifier: Apache-2.0
// The handling half of a Connection: what the worker does with a request, and what the handlers
// get in their hands.
#include <sys/epoll.h>

#include "host/stream/channel_stream.hpp"
#include "server/http/answer.hpp"
#include "server/http/connection.hpp"
#include "server/http/connection_held.hpp"
#include "server/http/events.hpp"

namespace rolesync::http {
namespace {

using Clock = std::chrono::steady_clock;

class WaitingReply : public Reply {
 public:
  WaitingReply(std::shared_ptr<Connection> connection, std::uint64_t turn)
      : connection_(std::move(connection)), turn_(turn) {}
  ~WaitingReply() override { connection_->answer(turn_, {204, {}, ""}); }

  void send(Response response) override { connection_->answer(turn_, std::move(response)); }
  void send_after(std::chrono::milliseconds wait, Response response) override {
    connection_->answer_after(turn_, wait, std::move(response));
  }
  bool closed() const override { return connection_->closed(turn_); }
  void on_closed(std::function<void()> callback) override {
    connection_->on_closed(turn_, std::move(callback));
  }

 private:
  const std::shared_ptr<Connection> connection_;
  const std::uint64_t turn_;
};

class FollowerSink : public EventSink {
 public:
  FollowerSink(std::shared_ptr<Connection> connection, std::uint64_t turn)
      : connection_(std::move(connection)), turn_(turn) {}
  bool write(std::string_view bytes) override { return connection_->write_event(turn_, bytes); }
  std::size_t room() const override { return connection_->event_room(turn_); }
  bool closed() const override { return connection_->closed(turn_); }
  void close() override { connection_->end_events(turn_); }

 private:
  const std::shared_ptr<Connection> connection_;
  const std::uint64_t turn_;
};

Error too_many_streams() {
  return {ErrorKind::unavailable, "too_many_streams", "Too many streams are open at the moment",
          "try again when others have finished"};
}

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;  // clang 14 does not deduce aggregates

}  // namespace

void Connection::handle(const Router::Route& route, Request& request, std::uint64_t turn) {
  try {
    call(route, request, turn);
  } catch (const std::exception& e) {
    fail(turn, e.what());
  } catch (...) {
    fail(turn, "an unknown exception");
  }
}

void Connection::call(const Router::Route& route, Request& request, std::uint64_t turn) {
  if (auto refused = front_->router.refuse(route, request))
    return answer(turn, std::move(*refused));
  note_principal(turn, request.principal);
  std::visit(Overloaded{[&](const Handler& handler) {
                          answer(turn, front_->router.counted(request, handler(request)));
                        },
                        [&](const WaitingHandler& handler) {
                          handler(request,
                                  std::make_shared<WaitingReply>(shared_from_this(), turn));
                          park(turn);
                        },
                        [&](const UpgradeHandler& handler) {
                          auto outcome = handler(request);
                          if (auto* refused = std::get_if<Response>(&outcome)) {
                            return answer(turn, std::move(*refused));
                          }
                          upgrade(turn, std::move(std::get<StreamOwner>(outcome)));
                        },
                        [&](const EventHandler& handler) {
                          auto sink = std::make_shared<FollowerSink>(shared_from_this(), turn);
                          if (auto refused = handler(request, sink))
                            return answer(turn, std::move(*refused));
                          start_events(turn);
                        }},
             route.handler);
}

// The client learns that it was our fault and by which id we will find it; the log learns why.
void Connection::fail(std::uint64_t turn, const std::string& detail) {
  {
    Held held(*this);
    if (turn == turn_) record_.detail = detail;
  }
  answer(turn, problem({ErrorKind::failed, "internal_error", "The server failed at this request",
                        "tell the administrator the request id; the server's log says more"}));
}

void Connection::note_principal(std::uint64_t turn, const Principal& principal) {
  Held held(*this);
  if (turn == turn_) record_.principal = principal.id;
}

void Connection::answer(std::uint64_t turn, Response response) {
  Held held(*this);
  if (!current(turn)) return;
  out_.clear();  // events written before the handler refused
  write_answer(held, std::move(response));
}

void Connection::answer_after(std::uint64_t turn, std::chrono::milliseconds wait,
                              Response response) {
  Held held(*this);
  if (!current(turn)) return;
  late_answer_ = std::move(response);
  late_at_ = Clock::now() + wait;
  if (state_ == State::waiting) set_deadline(late_at_);
}

void Connection::park(std::uint64_t turn) {
  Held held(*this);
  if (turn != turn_ || state_ != State::handling) return;  // answered already
  if (front_->stopping) return write_answer(held, {204, {}, ""});
  enter(State::waiting);
  set_deadline(late_at_);
  arm(EPOLLRDHUP);
}

void Connection::on_closed(std::uint64_t turn, std::function<void()> callback) {
  Held held(*this);
  if (current(turn)) {
    drop_callback(held);
    on_closed_ = std::move(callback);
  } else if (state_ == State::closed && turn + 1 == turn_) {
    held.later.push_back(std::move(callback));
  }
}

bool Connection::closed(std::uint64_t turn) const {
  std::lock_guard lock(mutex_);
  return state_ == State::closed || turn != turn_;
}

void Connection::start_events(std::uint64_t turn) {
  Held held(*this);
  if (turn != turn_ || state_ != State::handling) return;
  if (front_->stopping) return close(held);
  record(held, 200);
  out_.insert(0, event_stream_head(record_.id));
  keep_alive_ = false;
  enter(State::events);
  flush(held);
}

bool Connection::write_event(std::uint64_t turn, std::string_view bytes) {
  Held held(*this);
  const bool starting = state_ == State::handling;
  if (turn != turn_ || (!starting && state_ != State::events)) return false;
  if (out_.size() - out_sent_ + bytes.size() > front_->options.limits.max_event_backlog) {
    close(held);
    return false;
  }
  const bool backlog = out_sent_ < out_.size();
  if (out_sent_ > 0) out_.erase(0, std::exchange(out_sent_, 0));
  out_ += bytes;
  // With a backlog an I/O thread is, or will be, at it.
  if (!starting && !backlog) flush(held);
  return state_ != State::closed;
}

std::size_t Connection::event_room(std::uint64_t turn) const {
  std::lock_guard lock(mutex_);
  if (turn != turn_) return 0;
  const std::size_t used = out_.size() - out_sent_;
  const std::size_t most = front_->options.limits.max_event_backlog;
  return used < most ? most - used : 0;
}

void Connection::end_events(std::uint64_t turn) {
  Held held(*this);
  if (turn == turn_ && state_ == State::events) close(held);
}

void Connection::upgrade(std::uint64_t turn, StreamOwner owner) {
  Held held(*this);
  if (turn != turn_ || state_ != State::handling) return;
  auto run = [channel = channel_, early = in_, id = record_.id, owner = std::move(owner),
              stall = front_->options.limits.write_stall]() mutable {
    auto stream = make_stream(std::move(channel), std::move(early));
    stream->set_stall_limit(stall);
    if (!stream->write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                       "Upgrade: rolesync-stream/1\r\nX-Request-Id: " +
                       id + "\r\n\r\n")) {
      return;
    }
    stream->set_stall_limit(std::chrono::seconds(60));
    try {
      owner(std::move(stream));
    } catch (...) {  // the other side sees the stream end; the owner has its own log
    }
  };
  front_->watcher.forget(channel_->descriptor());
  if (front_->stopping || !front_->streams.run(channel_, std::move(run))) {
    front_->watcher.add(channel_->descriptor(), id_, 0);
    return write_answer(held, problem(too_many_streams()));
  }
  record(held, 101);
  enter(State::upgraded);
  ++turn_;
  channel_.reset();
  in_ = {};
  account_input();
  set_deadline(Deadline::max());
  held.later.push_back([self = shared_from_this()] { self->front_->remove(self->id_); });
}

}  // namespace rolesync::http
