// SPDX-License-Identifier: Apache-2.0
// Which function answers which request, and who may call it. A route cannot be added without a
// policy: the constructor of Policy that allows nothing does not exist. Routes are added before
// the front starts; afterwards any thread may dispatch.
#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "host/stream/stream.hpp"
#include "host/values/result.hpp"

namespace rolesync::http {

// Who is asking. Made by the authenticator from the Authorization header.
struct Principal {
  enum class Kind { anonymous, token, node } kind = Kind::anonymous;
  std::string id;                // token id or node id
  std::string name;              // for the audit log
  std::set<std::string> scopes;  // read, sync, approve, rollback, role:command, admin, notify
  std::set<std::string> roles = {}, nodes = {};  // what a token may act on; empty: all

  // admin has every scope but role:command.
  bool has(const std::string& scope) const;
  bool restricted() const { return !roles.empty() || !nodes.empty(); }
  bool may_act_on_role(const std::string& role) const;
  bool may_act_on_node(const std::string& node) const;
};

struct Request {
  std::string method;
  std::string path;                               // as sent, without the query
  std::map<std::string, std::string> parameters;  // from the route: {"name": "frontend"}
  std::map<std::string, std::string> query;       // decoded; the last of a repeated name counts
  std::map<std::string, std::string> headers;     // names in lower case
  std::string body;                               // complete, within the route's limit
  std::string peer;                               // "127.0.0.1:4711"
  std::string id;                                 // request id, also in the answer's header
  Principal principal;
};

struct Response {
  int status = 200;
  std::map<std::string, std::string> headers;
  std::string body;
};

Response json_response(int status, std::string body);  // body is JSON text

// application/problem+json from an error: status by kind, request_id added by the front.
Response problem(const Error& error);
Response problem(int status, const Error& error);

// The right to answer one parked request, once, from any thread; later calls are ignored. Until
// then the connection costs no thread. Copies share the right; the last one to go without an
// answer sends 204, and so does a front that stops.
class Reply {
 public:
  virtual ~Reply() = default;
  virtual void send(Response response) = 0;
  // The front answers with this after that time, if nobody has answered before. To 200 ms exact.
  virtual void send_after(std::chrono::milliseconds wait, Response response) = 0;
  virtual bool closed() const = 0;  // the client is gone
  // Called once when the client goes away first, from the front's thread.
  virtual void on_closed(std::function<void()> callback) = 0;
};

// Who may call a route, and what a token that is restricted to roles or nodes may change by it.
class Policy {
 public:
  static Policy open();                   // anybody: health, join (checks its own token)
  static Policy scope(std::string name);  // a token with this scope (admin has nearly all)
  static Policy any_token();              // a token, whatever its scopes
  static Policy node();                   // a node credential, only for its own {id}
  static Policy any_node();               // any node credential, or the scope read
  static Policy signature();              // the handler verifies a signature over the body

  // A change by a route that does not say what it is about takes a token without restriction. These
  // parameters of its path name the node and the role:
  Policy on_node(std::string parameter = "id") const;
  Policy on_role(std::string parameter = "name") const;
  // The handler asks Principal::may_act_on_... for everything that the body names.
  Policy checked_inside() const;

  bool needs_login() const;
  bool for_nodes() const { return kind_ == Kind::node; }
  Status check(const Principal& who, const Request& request) const;
  std::string text() const;  // "scope sync on node {id}", for docs and tests

 private:
  enum class Kind { open, scope, any_token, node, any_node, signature };
  Policy(Kind kind, std::string scope) : kind_(kind), scope_(std::move(scope)) {}
  Status check_restriction(const Principal& who, const Request& request) const;
  Kind kind_;
  std::string scope_;
  std::string node_parameter_ = {}, role_parameter_ = {};
  bool checked_inside_ = false;
};

using Handler = std::function<Response(const Request&)>;
using WaitingHandler = std::function<void(const Request&, std::shared_ptr<Reply>)>;
// Either an answer, or the function that will own the upgraded connection on a thread of its own.
using StreamOwner = std::function<void(std::unique_ptr<Stream>)>;
using UpgradeHandler = std::function<std::variant<Response, StreamOwner>(const Request&)>;
// Either an answer, or the first bytes of an event stream that stays open (server/http/events.hpp).
class EventSink;
using EventHandler =
    std::function<std::optional<Response>(const Request&, std::shared_ptr<EventSink>)>;

struct RouteOptions {
  std::size_t max_body = 1 << 20;
  // What a body may be; another Content-Type is 415, none at all is let through. Empty: anything.
  std::string content_type = "application/json";
};

class RateLimits;

class Router {
 public:
  using Authenticator = std::function<Result<Principal>(const Request&)>;
  explicit Router(Authenticator authenticator);

  // `path` is a template: "/api/roles/{name}"; "{name...}" at its end takes the rest of a path.
  // The more literal of two that fit wins. GET answers HEAD too. Adding one twice throws.
  void on(std::string method, std::string path, Policy policy, Handler handler,
          RouteOptions options = {});
  void on_waiting(std::string method, std::string path, Policy policy, WaitingHandler handler,
                  RouteOptions options = {});
  void on_upgrade(std::string path, Policy policy, UpgradeHandler handler);
  void on_events(std::string path, Policy policy, EventHandler handler);
  // Answers GET and HEAD where no route has the path, outside of /api/. At most one.
  void on_rest(Policy policy, Handler handler);

  struct Route {
    std::string method, path;
    Policy policy;
    std::variant<Handler, WaitingHandler, UpgradeHandler, EventHandler> handler;
    RouteOptions options;
  };
  const std::vector<Route>& routes() const { return routes_; }

  // The route for a method and path, with the parameters filled in; 404, or 405 with Allow.
  std::variant<const Route*, Response> match(Request& request) const;
  // Authentication, policy and rate of a matched route.
  std::optional<Response> refuse(const Route& route, Request& request) const;
  // Without it there are no limits. Before the front starts.
  void limit(std::shared_ptr<RateLimits> limits) { limits_ = std::move(limits); }
  // What is answered instead of a 401 when its address has had too many of them: 429.
  Response counted(const Request& request, Response response) const;

 private:
  void add(Route route);

  Authenticator authenticator_;
  std::shared_ptr<RateLimits> limits_;
  std::vector<Route> routes_;
  std::vector<std::vector<std::string>> patterns_;  // the segments of each route's path
  std::unique_ptr<Route> rest_;
};

}  // namespace rolesync::http
