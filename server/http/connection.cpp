// SPDX-License-Identifier: Apache-2.0
// The life of a Connection: events, deadlines, answers, end.
#include "server/http/connection.hpp"

#include <sys/epoll.h>

#include <array>

#include "server/http/answer.hpp"
#include "server/http/connection_held.hpp"
#include "server/http/status.hpp"

namespace rolesync::http {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostLingered = 64 << 20;

Response too_slow() {
  return problem(
      408, {ErrorKind::timeout, "request_too_slow", "The request did not arrive completely in time",
            "check the network, or send less at once"});
}

// A resting connection keeps no memory for what may come: there are ten thousand of them.
void empty(std::string& buffer) {
  std::string().swap(buffer);
}

}  // namespace

Connection::Connection(std::shared_ptr<FrontState> front, std::uint64_t id,
                       std::shared_ptr<Channel> channel, std::string peer)
    : front_(std::move(front)), id_(id), peer_(std::move(peer)), channel_(std::move(channel)) {}

void Connection::begin() {
  Held held(*this);
  set_deadline(Clock::now() + front_->options.limits.head_time);
  if (!front_->watcher.add(channel_->descriptor(), id_, EPOLLIN | EPOLLRDHUP)) close(held);
}

void Connection::on_ready(std::uint32_t events) {
  Held held(*this);
  switch (state_) {
    case State::head:
    case State::body:
      if (state_ == State::head && !in_.empty() && take_input(held)) return;  // pipelined
      return read_more(held);
    case State::writing:
      return flush(held);
    case State::events:
      if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) return close(held);
      return flush(held);
    case State::waiting:
      return close(held);  // only its end is watched for
    case State::lingering:
      return linger(held);
    case State::handling:
    case State::upgraded:
    case State::closed:
      return;
  }
}

void Connection::on_timer() {
  Held held(*this);
  scheduled_ = Deadline::max();
  if (state_ == State::closed || deadline_ == Deadline::max()) return;
  if (deadline_ > Clock::now()) return set_deadline(deadline_);
  switch (state_) {
    case State::head:
      return heard_ ? refuse(held, too_slow()) : close(held);
    case State::body:
      return refuse(held, too_slow());
    case State::waiting: {
      const Response late = std::move(*late_answer_);
      return write_answer(held, late);
    }
    default:
      return close(held);  // writing, events, lingering: nothing moves
  }
}

void Connection::stop() {
  Held held(*this);
  keep_alive_ = false;
  if (state_ == State::waiting) return write_answer(held, {204, {}, ""});
  const bool resting =
      state_ == State::head || state_ == State::events || state_ == State::lingering;
  if (resting) close(held);
}

void Connection::abort() {
  Held held(*this);
  if (state_ != State::upgraded) close(held);
}

bool Connection::current(std::uint64_t turn) const {
  return turn == turn_ && (state_ == State::handling || state_ == State::waiting);
}

void Connection::refuse(Held& held, Response response) {
  keep_alive_ = false;
  if (record_.id.empty()) record_.id = "unread";
  write_answer(held, std::move(response));
}

void Connection::write_answer(Held& held, Response response) {
  if (front_->stopping) keep_alive_ = false;
  add_request_id(response, record_.id);
  record(held, response.status);
  enter(State::writing);
  late_answer_.reset();
  late_at_ = Deadline::max();
  drop_callback(held);
  out_ = answer_bytes(response, record_.id, keep_alive_, record_.method == "HEAD");
  out_sent_ = 0;
  flush(held);
}

void Connection::flush(Held& held) {
  while (out_sent_ < out_.size()) {
    const Channel::Step step = channel_->try_write(std::string_view(out_).substr(out_sent_));
    switch (step.state) {
      case Channel::State::done:
        out_sent_ += step.bytes;
        set_deadline(Clock::now() + front_->options.limits.write_stall);
        break;
      case Channel::State::want_write:
        return arm(EPOLLOUT | EPOLLRDHUP);
      case Channel::State::want_read:
        return arm(EPOLLIN);
      case Channel::State::end:
      case Channel::State::lost:
        return close(held);
    }
  }
  empty(out_);
  out_sent_ = 0;
  if (state_ == State::events) {
    set_deadline(Deadline::max());
    return arm(EPOLLRDHUP);
  }
  finish_answer(held);
}

void Connection::finish_answer(Held& held) {
  ++turn_;
  if (!keep_alive_) {
    channel_->end_writing();
    enter(State::lingering);
    lingered_ = 0;
    set_deadline(Clock::now() + front_->options.limits.linger_time);
    return linger(held);
  }
  enter(State::head);
  heard_ = false;
  head_ = {};
  chunks_ = {};
  route_ = nullptr;
  if (in_.empty()) empty(in_);
  account_input();
  set_deadline(Clock::now() + front_->options.limits.idle_time);
  // Bytes that were read already (by us, or inside TLS) cause no event: ask for one.
  const bool more = !in_.empty() || channel_->secure();
  arm(more ? EPOLLIN | EPOLLOUT : EPOLLIN | EPOLLRDHUP);
}

void Connection::linger(Held& held) {
  if (front_->stopping) return close(held);
  std::array<char, 16 << 10> piece;
  while (lingered_ < kMostLingered) {
    const Channel::Step step = channel_->try_read(piece.data(), piece.size());
    if (step.state == Channel::State::want_read) return arm(EPOLLIN | EPOLLRDHUP);
    if (step.state != Channel::State::done) break;
    lingered_ += step.bytes;
  }
  close(held);
}

void Connection::close(Held& held) {
  if (state_ == State::closed) return;
  enter(State::closed);
  ++turn_;
  if (on_closed_) held.later.push_back(std::move(on_closed_));
  on_closed_ = nullptr;
  late_answer_.reset();
  front_->watcher.forget(channel_->descriptor());
  channel_.reset();
  in_ = {};
  out_ = {};
  head_ = {};
  account_input();
  held.later.push_back([self = shared_from_this()] { self->front_->remove(self->id_); });
}

// Its destructor may run code of others, perhaps ours again: not under the lock.
void Connection::drop_callback(Held& held) {
  if (!on_closed_) return;
  held.later.push_back([callback = std::move(on_closed_)] {});
  on_closed_ = nullptr;
}

void Connection::arm(std::uint32_t events) {
  front_->watcher.watch(channel_->descriptor(), id_, events);
}

void Connection::set_deadline(Deadline when) {
  deadline_ = when;
  if (when >= scheduled_) return;
  scheduled_ = when;
  front_->timers.at(when, id_);
}

void Connection::enter(State state) {
  const auto count = [&](State which, std::atomic<std::size_t>& counter) {
    if (state_ == which && state != which) --counter;
    if (state_ != which && state == which) ++counter;
  };
  count(State::waiting, front_->waiting);
  count(State::events, front_->event_streams);
  state_ = state;
}

void Connection::record(Held& held, int status) {
  if (!front_->options.on_request) return;
  record_.status = status;
  record_.duration = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began_);
  held.later.push_back([front = front_, entry = record_] { front->options.on_request(entry); });
}

}  // namespace rolesync::http
