// SPDX-License-Identifier: Apache-2.0
#include "host/client/http_client.hpp"

#include <Poco/String.h>

#include <algorithm>
#include <optional>

#include "host/client/connector.hpp"
#include "host/client/event_parser.hpp"
#include "host/client/wire.hpp"
#include "host/stream/channel_stream.hpp"

namespace rolesync {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kConnectTime{30};
constexpr std::chrono::seconds kEventSilence{60};  // the server sends something every 15 s
constexpr std::size_t kSmallBody = 16 << 10;
constexpr std::size_t kMaxEvent = 4 << 20;
constexpr std::size_t kMaxRefusal = 1 << 20;

// What must not stand in a request's head, lest it become two heads.
bool is_clean(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

Error bad_request(const char* what) {
  return {ErrorKind::invalid, "bad_request", std::string("The request cannot be sent: ") + what,
          ""};
}

class TcpHttpClient : public HttpClient {
 public:
  TcpHttpClient(Connector connector, HttpClient::TokenSource bearer_token)
      : connector_(std::move(connector)), bearer_token_(std::move(bearer_token)) {}

  Result<HttpAnswer> send(const HttpRequest& request) override {
    Result<std::string> head = request_head(request);
    if (!head) return head.error();
    const Deadline deadline = Clock::now() + request.time_limit;
    if (idle_ && !idle_->alive()) idle_.reset();
    const bool reused = idle_.has_value();
    Result<HttpAnswer> answer = exchange(request, *head, deadline);
    if (answer || !reused || !may_repeat(request) || answer.error().reason != "connection_lost" ||
        idle_heard_) {
      return answer ? std::move(answer) : as_unreachable(answer.error());
    }
    answer = exchange(request, *head, deadline);
    return answer ? std::move(answer) : as_unreachable(answer.error());
  }

  Result<std::unique_ptr<Stream>> open_stream(const std::string& path) override {
    const HttpRequest request{
        "GET", path, {{"Connection", "Upgrade"}, {"Upgrade", "rolesync-stream/1"}}, "", {}};
    const Deadline deadline = Clock::now() + kConnectTime;
    Result<Wire> wire = begin(request, deadline);
    if (!wire) return wire.error();
    Result<HttpAnswer> answer = wire->read_head(deadline, !wire->channel()->secure());
    if (!answer) return as_unreachable(answer.error());
    if (answer->status != 101) return refusal(*wire, *answer, deadline);
    return make_stream(wire->channel(), std::move(wire->in()));
  }

  Status follow_events(const std::string& path, const std::string& last_event_id,
                       const std::function<bool(const Event&)>& callback) override {
    HttpRequest request{"GET", path, {{"Accept", "text/event-stream"}}, "", {}};
    if (!last_event_id.empty()) request.headers["Last-Event-ID"] = last_event_id;
    const Deadline deadline = Clock::now() + kConnectTime;
    Result<Wire> wire = begin(request, deadline);
    if (!wire) return wire.error();
    Result<HttpAnswer> answer = wire->read_head(deadline, false);
    if (!answer) return as_unreachable(answer.error());
    if (answer->status != 200) return refusal(*wire, *answer, deadline);
    EventParser parser;
    for (;;) {
      if (!parser.feed(wire->in(), callback)) return {};
      if (wire->in().size() > kMaxEvent) return bad_request("an event is too large");
      Result<bool> more = wire->fill(Clock::now() + kEventSilence);
      if (!more && more.error().reason == "connection_lost") return {};
      if (!more) return more.error();
      if (!*more) return {};
    }
  }

  void interrupt() override { interrupter_.interrupt(); }

 private:
  // One request on the idle connection, or on a new one.
  Result<HttpAnswer> exchange(const HttpRequest& request, const std::string& head,
                              Deadline deadline) {
    idle_heard_ = false;
    if (!idle_) {
      Result<Wire> wire = connector_.connect(interrupter_, deadline);
      if (!wire) return wire.error();
      idle_.emplace(std::move(*wire));
    }
    Wire wire = std::move(*idle_);
    idle_.reset();
    wire.forget_heard();
    // A small body travels in the same packet as the head.
    const bool together = request.body.size() <= kSmallBody;
    Status written = wire.write(together ? head + request.body : head, deadline);
    if (written && !together) written = wire.write(request.body, deadline);
    // A server that refuses a body early answers before it has read it: look for that too.
    if (!written && written.error().reason != "connection_lost") return written.error();
    Result<HttpAnswer> answer = wire.read_head(deadline, false);
    if (answer) {
      if (Status body = wire.read_body(*answer, request.method, request.max_answer, deadline);
          !body) {
        answer = body.error();
      }
    }
    idle_heard_ = wire.heard();
    if (answer && written && wire.reusable(*answer)) idle_.emplace(std::move(wire));
    return answer;
  }

  Result<Wire> begin(const HttpRequest& request, Deadline deadline) {
    Result<std::string> head = request_head(request);
    if (!head) return head.error();
    Result<Wire> wire = connector_.connect(interrupter_, deadline);
    if (!wire) return wire;
    if (Status written = wire->write(*head, deadline); !written) {
      return as_unreachable(written.error());
    }
    return wire;
  }

  Result<std::string> request_head(const HttpRequest& request) const {
    if (!request.path.starts_with('/') || !is_clean(request.path) ||
        request.path.find(' ') != std::string::npos) {
      return bad_request("its path is not a path");
    }
    if (!is_clean(request.method)) return bad_request("its method holds a control character");
    std::string head = request.method + ' ' + request.path +
                       " HTTP/1.1\r\nHost: " + connector_.host_header() +
                       "\r\nUser-Agent: rolesync\r\n";
    const std::string token = bearer_token_();
    if (!is_clean(token)) return bad_request("the token holds a line break");
    if (!token.empty()) head += "Authorization: Bearer " + token + "\r\n";
    bool has_type = false;
    for (const auto& [name, value] : request.headers) {
      if (!is_clean(name) || !is_clean(value)) return bad_request("a header holds a line break");
      has_type = has_type || Poco::icompare(name, "content-type") == 0;
      head.append(name).append(": ").append(value).append("\r\n");
    }
    const bool may_have_body = request.method != "GET" && request.method != "HEAD";
    if (!request.body.empty() && !has_type) head += "Content-Type: application/json\r\n";
    if (!request.body.empty() || may_have_body) {
      head += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
    }
    return head + "\r\n";
  }

  // The server may have acted on a request whose answer was lost; a POST says by its
  // Idempotency-Key that it may be sent again.
  static bool may_repeat(const HttpRequest& request) {
    if (request.method != "POST" && request.method != "PATCH") return true;
    return std::any_of(request.headers.begin(), request.headers.end(), [](const auto& header) {
      return Poco::icompare(header.first, "idempotency-key") == 0;
    });
  }

  Error as_unreachable(const Error& error) const {
    if (error.reason != "connection_lost") return error;
    return {ErrorKind::unavailable, "server_unreachable",
            "Lost the connection to " + connector_.url() + ": " + error.message, "try again"};
  }

  static Error refusal(Wire& wire, HttpAnswer& answer, Deadline deadline) {
    if (Status body = wire.read_body(answer, "GET", kMaxRefusal, deadline); !body)
      answer.body.clear();
    return error_from_answer(answer);
  }

  const Connector connector_;
  const TokenSource bearer_token_;
  Interrupter interrupter_;
  std::optional<Wire> idle_;  // kept alive between requests
  bool idle_heard_ = false;   // the last exchange got at least one byte
};

}  // namespace

Result<std::unique_ptr<HttpClient>> HttpClient::create(const ServerAddress& address,
                                                       std::string bearer_token) {
  if (!is_clean(bearer_token)) return bad_request("the token holds a line break");
  return create(address, [token = std::move(bearer_token)] { return token; });
}

Result<std::unique_ptr<HttpClient>> HttpClient::create(const ServerAddress& address,
                                                       TokenSource bearer_token) {
  Result<Connector> connector = Connector::create(address);
  if (!connector) return connector.error();
  return std::unique_ptr<HttpClient>(
      std::make_unique<TcpHttpClient>(std::move(*connector), std::move(bearer_token)));
}

}  // namespace rolesync
