// SPDX-License-Identifier: Apache-2.0
#include "server/http/router.hpp"

#include <algorithm>
#include <stdexcept>

#include "server/http/rate_limits.hpp"
#include "server/http/uri.hpp"

namespace rolesync::http {
namespace {

using Segments = std::vector<std::string_view>;

bool is_parameter(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

// "{path...}" at the end of a template stands for the rest, however many segments.
bool is_rest(std::string_view segment) {
  return is_parameter(segment) && segment.ends_with("...}");
}

bool fits(const std::vector<std::string>& pattern, const Segments& segments) {
  const bool rest = !pattern.empty() && is_rest(pattern.back());
  if (rest ? segments.size() < pattern.size() : segments.size() != pattern.size()) return false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (is_rest(pattern[i])) return true;
    if (is_parameter(pattern[i]) ? segments[i].empty() : pattern[i] != segments[i]) return false;
  }
  return true;
}

// The more literal template wins, from the left: /api/roles/definitions before /api/roles/{name}.
bool more_literal(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const int rank_a = is_rest(a[i]) ? 2 : is_parameter(a[i]) ? 1 : 0;
    const int rank_b = is_rest(b[i]) ? 2 : is_parameter(b[i]) ? 1 : 0;
    if (rank_a != rank_b) return rank_a < rank_b;
  }
  return false;
}

// False when a parameter is not decodable.
bool fill(const std::vector<std::string>& pattern, const Segments& segments, Request& request) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (!is_parameter(pattern[i])) continue;
    const bool rest = is_rest(pattern[i]);
    const char* end = (rest ? segments.back() : segments[i]).data() +
                      (rest ? segments.back() : segments[i]).size();
    const std::string_view raw(segments[i].data(),
                               static_cast<std::size_t>(end - segments[i].data()));
    auto value = percent_decode(raw);
    if (!value) return false;
    request.parameters[pattern[i].substr(1, pattern[i].size() - (rest ? 5 : 2))] = *value;
  }
  return true;
}

Response not_found() {
  return problem({ErrorKind::not_found, "no_such_path", "There is nothing at this path",
                  "see /api/openapi.yaml for what there is"});
}

Response wrong_method(const std::set<std::string>& allowed) {
  std::string list;
  for (const std::string& method : allowed) list += (list.empty() ? "" : ", ") + method;
  Response response = problem(405, {ErrorKind::invalid, "method_not_allowed",
                                    "This path does not answer to this method", "use " + list});
  response.headers["Allow"] = list;
  return response;
}

Response too_many(const std::string& what, std::chrono::seconds wait) {
  Response response = problem(
      429, {ErrorKind::unavailable, "rate_limited", what, "try again after Retry-After seconds"});
  response.headers["Retry-After"] = std::to_string(wait.count());
  return response;
}

}  // namespace

Router::Router(Authenticator authenticator) : authenticator_(std::move(authenticator)) {}

void Router::add(Route route) {
  for (const Route& other : routes_) {
    if (other.method == route.method && other.path == route.path) {
      throw std::logic_error("two routes for " + route.method + " " + route.path);
    }
  }
  std::vector<std::string> pattern;
  for (std::string_view segment : path_segments(route.path)) pattern.emplace_back(segment);
  patterns_.push_back(std::move(pattern));
  routes_.push_back(std::move(route));
}

void Router::on(std::string method, std::string path, Policy policy, Handler handler,
                RouteOptions options) {
  add({std::move(method), std::move(path), std::move(policy), std::move(handler),
       std::move(options)});
}

void Router::on_waiting(std::string method, std::string path, Policy policy, WaitingHandler handler,
                        RouteOptions options) {
  add({std::move(method), std::move(path), std::move(policy), std::move(handler),
       std::move(options)});
}

void Router::on_upgrade(std::string path, Policy policy, UpgradeHandler handler) {
  add({"GET", std::move(path), std::move(policy), std::move(handler), {}});
}

void Router::on_events(std::string path, Policy policy, EventHandler handler) {
  add({"GET", std::move(path), std::move(policy), std::move(handler), {}});
}

void Router::on_rest(Policy policy, Handler handler) {
  if (rest_) throw std::logic_error("two routes for the rest");
  rest_ = std::make_unique<Route>(
      Route{"GET", "/{path...}", std::move(policy), std::move(handler), {}});
}

std::variant<const Router::Route*, Response> Router::match(Request& request) const {
  const Segments segments = path_segments(request.path);
  const std::string& method = request.method == "HEAD" ? "GET" : request.method;
  const std::vector<std::string>* best = nullptr;
  const Route* found = nullptr;
  std::set<std::string> allowed;
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    if (!fits(patterns_[i], segments)) continue;
    allowed.insert(routes_[i].method);
    if (routes_[i].method == "GET") allowed.insert("HEAD");
    if (routes_[i].method != method || (best && !more_literal(patterns_[i], *best))) continue;
    best = &patterns_[i];
    found = &routes_[i];
  }
  if (!found && allowed.empty() && rest_ && method == "GET" && segments.front() != "api") {
    return rest_.get();
  }
  if (!found) return allowed.empty() ? not_found() : wrong_method(allowed);
  if (!fill(*best, segments, request)) return not_found();
  return found;
}

std::optional<Response> Router::refuse(const Route& route, Request& request) const {
  if (route.policy.needs_login() && authenticator_) {
    Result<Principal> who = authenticator_(request);
    if (!who) return counted(request, problem(who.error()));
    request.principal = std::move(*who);
  }
  if (Status allowed = route.policy.check(request.principal, request); !allowed) {
    return counted(request, problem(allowed.error()));
  }
  if (!limits_ || request.principal.kind == Principal::Kind::anonymous) return std::nullopt;
  const bool node = request.principal.kind == Principal::Kind::node;
  const auto wait =
      limits_->take(node ? RateLimits::Kind::node : RateLimits::Kind::token, request.principal.id);
  if (wait)
    return too_many("This " + std::string(node ? "node" : "token") + " asks too often", *wait);
  return std::nullopt;
}

Response Router::counted(const Request& request, Response response) const {
  if (response.status != 401 || !limits_) return response;
  const auto wait = limits_->take(RateLimits::Kind::refused, RateLimits::address_of(request.peer));
  return wait ? too_many("Too many requests of this address were refused", *wait) : response;
}

}  // namespace rolesync::http
