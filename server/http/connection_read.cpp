// SPDX-License-Identifier: Apache-2.0
// The reading half of a Connection: bytes to requests.
#include <sys/epoll.h>

#include <array>

#include "server/http/connection.hpp"
#include "server/http/connection_held.hpp"

namespace rolesync::http {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kReadsAtOnce = 16;  // then others get a turn

Error overloaded() {
  return {ErrorKind::unavailable, "overloaded", "The server has too much to do at the moment",
          "try again in a few seconds"};
}

Response body_too_large(std::size_t limit) {
  return problem({ErrorKind::too_large, "body_too_large",
                  "The body is larger than " + std::to_string(limit) + " bytes",
                  "send less at once"});
}

std::string header(const Request& request, const char* name) {
  const auto found = request.headers.find(name);
  return found == request.headers.end() ? std::string{} : found->second;
}

bool is_type(const std::string& content_type, const std::string& wanted) {
  return wanted.empty() || content_type.empty() ||
         lists_word(content_type.substr(0, content_type.find(';')), wanted);
}

}  // namespace

void Connection::read_more(Held& held) {
  std::array<char, 16 << 10> piece;
  for (int i = 0; i < kReadsAtOnce; ++i) {
    const Channel::Step step = channel_->try_read(piece.data(), piece.size());
    switch (step.state) {
      case Channel::State::done:
        in_.append(piece.data(), step.bytes);
        if (take_input(held)) return;
        break;
      case Channel::State::want_read:
        return arm(EPOLLIN | EPOLLRDHUP);
      case Channel::State::want_write:
        return arm(EPOLLOUT);
      case Channel::State::end:
      case Channel::State::lost:
        return close(held);
    }
  }
  arm(EPOLLIN | EPOLLOUT);  // at once again, behind the others
}

// Goes on with what is in in_; true when there is nothing more to read for now.
bool Connection::take_input(Held& held) {
  if (state_ == State::head && !take_head(held)) {
    account_input();
    return false;
  }
  const bool done = state_ != State::body || take_body(held);
  account_input();
  if (!done && front_->buffered > front_->options.limits.max_buffered) {
    refuse(held, problem(overloaded()));
    return true;
  }
  return done;
}

// True when the head is there and was taken, or refused (then the state is another).
bool Connection::take_head(Held& held) {
  if (in_.starts_with("\r\n")) in_.erase(0, 2);  // some clients send one too many after a body
  if (in_.empty()) return false;
  if (!heard_) {
    heard_ = true;
    began_ = Clock::now();
    set_deadline(began_ + front_->options.limits.head_time);
  }
  auto found = find_head(in_, front_->head_limits());
  if (auto* refused = std::get_if<Response>(&found)) return refuse(held, *refused), true;
  const auto end = std::get<std::optional<std::size_t>>(found);
  if (!end) return false;
  auto parsed = parse_head(std::string_view(in_).substr(0, *end), front_->head_limits());
  if (auto* refused = std::get_if<Response>(&parsed)) return refuse(held, *refused), true;
  in_.erase(0, *end);
  head_ = std::move(std::get<Head>(parsed));
  head_.request.peer = peer_;
  keep_alive_ = head_.keep_alive;
  record_ = {};
  record_.id = head_.request.id;
  record_.peer = peer_;
  record_.method = head_.request.method;
  record_.path = head_.request.path;
  if (auto refused = accept_head()) {
    if (head_.length > 0 || head_.chunked) keep_alive_ = false;  // its body stays unread
    write_answer(held, std::move(*refused));
    return true;
  }
  enter(State::body);
  set_deadline(Clock::now() + front_->options.limits.body_time);
  const bool body_to_come = head_.chunked || in_.size() < head_.length;
  if (head_.expects_continue && body_to_come) {
    constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    const Channel::Step step = channel_->try_write(go_on);
    if (step.state != Channel::State::done || step.bytes != go_on.size()) close(held);
  }
  return true;
}

// What can be said before the body: the route, and what it thinks of such a body.
std::optional<Response> Connection::accept_head() {
  auto matched = front_->router.match(head_.request);
  if (auto* refused = std::get_if<Response>(&matched)) return std::move(*refused);
  route_ = std::get<const Router::Route*>(matched);
  const RouteOptions& options = route_->options;
  if (head_.length > options.max_body) return body_too_large(options.max_body);
  if ((head_.length > 0 || head_.chunked) &&
      !is_type(header(head_.request, "content-type"), options.content_type)) {
    return problem(415, {ErrorKind::invalid, "unsupported_media_type",
                         "The body must be " + options.content_type,
                         "send Content-Type: " + options.content_type});
  }
  if (std::holds_alternative<UpgradeHandler>(route_->handler) &&
      (!lists_word(header(head_.request, "upgrade"), "rolesync-stream/1") ||
       !lists_word(header(head_.request, "connection"), "upgrade"))) {
    Response refused = problem(
        426, {ErrorKind::invalid, "upgrade_required", "This path only answers a request to upgrade",
              "send Connection: Upgrade and Upgrade: rolesync-stream/1"});
    refused.headers["Upgrade"] = "rolesync-stream/1";
    return refused;
  }
  return std::nullopt;
}

bool Connection::take_body(Held& held) {
  if (!head_.chunked) {
    if (in_.size() < head_.length) return false;
    head_.request.body = in_.substr(0, head_.length);
    in_.erase(0, head_.length);
    return dispatch(held), true;
  }
  Result<bool> complete = chunks_.feed(in_, head_.request.body, route_->options.max_body);
  if (!complete) {
    const bool large = complete.error().kind == ErrorKind::too_large;
    refuse(held, problem(large ? 413 : 400, complete.error()));
    return true;
  }
  if (*complete) dispatch(held);
  return *complete;
}

void Connection::dispatch(Held& held) {
  enter(State::handling);
  set_deadline(Deadline::max());
  if (in_.empty()) std::string().swap(in_);  // it may wait for long now
  front_->requests++;
  const Lane lane = route_->policy.for_nodes() ? Lane::nodes : Lane::others;
  auto job = [self = shared_from_this(), route = route_, turn = turn_,
              request = std::make_shared<Request>(std::move(head_.request))] {
    self->handle(*route, *request, turn);
  };
  head_.request = {};
  if (!front_->workers.submit(lane, std::move(job))) write_answer(held, problem(overloaded()));
}

// Keeps front_->buffered equal to what all unfinished requests hold.
void Connection::account_input() {
  const std::size_t now = in_.size() + head_.request.body.size();
  front_->buffered += now - accounted_;  // wraps around correctly when it shrinks
  accounted_ = now;
}

}  // namespace rolesync::http
