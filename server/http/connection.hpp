// SPDX-License-Identifier: Apache-2.0
// One client's connection as a small state machine that no thread ever waits in. I/O threads call
// on_ready and on_timer, workers run the handler, any thread may answer. The lock is held for
// non-blocking work only; functions of others are called after it is released (see Held).
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/client/chunked.hpp"
#include "host/stream/channel.hpp"
#include "server/http/front_state.hpp"
#include "server/http/router.hpp"

namespace rolesync::http {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<FrontState> front, std::uint64_t id, std::shared_ptr<Channel> channel,
             std::string peer);

  // From the I/O threads.
  void begin();
  void on_ready(std::uint32_t events);
  void on_timer();
  void stop();   // the front stops: end what rests, let what runs be the last
  void abort();  // end it now

  // For the handler of request number `turn` and whoever inherited its Reply or EventSink. A turn
  // that is over makes them do nothing.
  void answer(std::uint64_t turn, Response response);
  void answer_after(std::uint64_t turn, std::chrono::milliseconds wait, Response response);
  void on_closed(std::uint64_t turn, std::function<void()> callback);
  bool closed(std::uint64_t turn) const;
  bool write_event(std::uint64_t turn, std::string_view bytes);
  std::size_t event_room(std::uint64_t turn) const;
  void end_events(std::uint64_t turn);

 private:
  // head, body: a request is being read. handling: a worker has it. waiting: its Reply is parked.
  // writing: an answer goes out. events: an event stream. upgraded: a stream's owner has it.
  // lingering: all is said; what still comes in is thrown away, so that the answer is not lost.
  enum class State { head, body, handling, waiting, writing, events, upgraded, lingering, closed };
  struct Held;

  void read_more(Held& held);
  bool take_input(Held& held);
  bool take_head(Held& held);
  bool take_body(Held& held);
  std::optional<Response> accept_head();
  void dispatch(Held& held);
  void account_input();

  void handle(const Router::Route& route, Request& request, std::uint64_t turn);
  void call(const Router::Route& route, Request& request, std::uint64_t turn);
  void fail(std::uint64_t turn, const std::string& detail);
  void note_principal(std::uint64_t turn, const Principal& principal);
  void park(std::uint64_t turn);
  void start_events(std::uint64_t turn);
  void upgrade(std::uint64_t turn, StreamOwner owner);

  bool current(std::uint64_t turn) const;
  void write_answer(Held& held, Response response);
  void refuse(Held& held, Response response);  // answers, then closes
  void flush(Held& held);
  void finish_answer(Held& held);
  void linger(Held& held);
  void close(Held& held);
  void drop_callback(Held& held);
  void arm(std::uint32_t events);
  void set_deadline(Deadline when);
  void enter(State state);
  void record(Held& held, int status);

  const std::shared_ptr<FrontState> front_;
  const std::uint64_t id_;
  const std::string peer_;

  mutable std::mutex mutex_;
  std::shared_ptr<Channel> channel_;
  State state_ = State::head;
  std::uint64_t turn_ = 1;
  Deadline deadline_ = Deadline::max();
  Deadline scheduled_ = Deadline::max();  // our earliest entry in the timers
  bool heard_ = false;                    // any byte of the current request
  bool keep_alive_ = true;

  std::string in_, out_;
  std::size_t out_sent_ = 0;
  std::size_t accounted_ = 0;  // our share of front_->buffered
  std::size_t lingered_ = 0;

  Head head_;
  ChunkedDecoder chunks_;
  const Router::Route* route_ = nullptr;
  RequestRecord record_;
  std::chrono::steady_clock::time_point began_;
  std::function<void()> on_closed_;
  std::optional<Response> late_answer_;  // what on_timer answers a waiting request
  Deadline late_at_ = Deadline::max();
};

}  // namespace rolesync::http
