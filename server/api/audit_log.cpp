// SPDX-License-Identifier: Apache-2.0
// /api/audit: who changed what, and whether the log is whole.
#include <charconv>
#include <nlohmann/json.hpp>

#include "server/api/api.hpp"
#include "server/api/body.hpp"
#include "server/api/list_query.hpp"
#include "server/api/shapes.hpp"
#include "server/store/audit.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

Json entry_json(const store::AuditEntry& entry) {
  const auto details = parse_json(entry.details);
  return {{"sequence", entry.sequence},
          {"at", to_rfc3339(entry.at)},
          {"actor", entry.actor},
          {"action", entry.action},
          {"subject", entry.subject},
          {"details", details && details->is_object() ? *details : Json::object()},
          {"request_id", entry.request_id},
          {"previous_hash", entry.previous_hash},
          {"hash", entry.hash}};
}

bool wants_lines(const Request& request) {
  const auto accept = request.headers.find("accept");
  return accept != request.headers.end() &&
         accept->second.find("application/x-ndjson") != std::string::npos;
}

// One entry a line; the token of the page after is a header.
Response lines(const store::Page& page, const store::Listed<store::AuditEntry>& entries) {
  Response response{200, {{"Content-Type", "application/x-ndjson"}}, ""};
  for (const store::AuditEntry& entry : entries.items) {
    response.body += to_text(entry_json(entry)) + "\n";
  }
  const Json next = next_page_token(page, entries.next);
  if (next.is_string()) response.headers["Next-Page-Token"] = next.get<std::string>();
  return response;
}

Response list(Api& api, const Request& request) {
  static const ListRules rules = rules_of(store::audit_columns(), "-sequence");
  const auto page = read_page(request, rules);
  if (!page) return refuse(page.error());
  const auto entries =
      api.engine.store.read([&](store::Session& s) { return store::list_audit(s, *page); });
  if (!entries) return refuse(entries.error());
  if (wants_lines(request)) return lines(*page, *entries);
  return json_answer(200, list_json("entries", *page, *entries, entry_json));
}

Response verify(Api& api, const Request& request) {
  std::int64_t at = 0;
  if (const auto asked = request.query.find("at"); asked != request.query.end()) {
    const char* end = asked->second.data() + asked->second.size();
    const auto [stop, error] = std::from_chars(asked->second.data(), end, at);
    if (error != std::errc{} || stop != end || at < 1) {
      return refuse({ErrorKind::invalid,
                     "invalid_query",
                     "at must be the sequence of an entry",
                     "see GET /api/audit",
                     {{"/query/at", "must be a whole number from 1"}}});
    }
  }
  const auto check =
      api.engine.store.read([&](store::Session& s) { return store::check_audit(s, at); });
  if (!check) return refuse(check.error());
  return json_answer(200, {{"whole", !check->broken_at.has_value()},
                           {"entries", check->entries},
                           {"first_sequence", check->first_sequence},
                           {"last_sequence", check->last_sequence},
                           {"last_hash", check->last_hash},
                           {"broken_at", check->broken_at ? Json(*check->broken_at) : Json()},
                           {"fault", text_or_null(check->fault)},
                           {"hash_at", text_or_null(check->hash_at.value_or(""))}});
}

}  // namespace

void add_audit_routes(http::Router& router, Api& api) {
  using http::Policy;
  router.on("GET", "/api/audit", Policy::scope("admin"),
            [&api](const Request& request) { return list(api, request); });
  router.on("GET", "/api/audit/verify", Policy::scope("admin"),
            [&api](const Request& request) { return verify(api, request); });
}

}  // namespace rolesync::api
