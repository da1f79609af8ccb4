// SPDX-License-Identifier: Apache-2.0
#include "host/cli/doctor.hpp"

#include <time.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "host/cli/fields.hpp"
#include "host/cli/session.hpp"
#include "host/cli/text.hpp"
#include "host/cli/wall_clock.hpp"
#include "host/values/timestamp.hpp"

namespace rolesync::cli {
namespace {

constexpr Millis small_skew = 5'000;
constexpr Millis large_skew = 120'000;  // signed messages may be five minutes old, but no more

class Findings {
 public:
  void add(const std::string& check, const std::string& level, const std::string& message,
           const std::string& hint = "") {
    failed_ = failed_ || level == "fail";
    checks_.push_back({{"check", check}, {"level", level}, {"message", message}, {"hint", hint}});
  }
  void fail(const std::string& check, const Error& error) {
    add(check, "fail", error.reason + ": " + error.message, error.hint);
  }
  int tell(Session& session) const {
    if (session.json()) {
      session.print(Json{{"ok", !failed_}, {"checks", checks_}});
      return failed_ ? kFailed : kOk;
    }
    Table table({"CHECK", "", "WHAT WAS SEEN"});
    for (const Json& each : checks_) {
      const std::string hint = text_of(each, "hint");
      table.add({text_of(each, "check"), text_of(each, "level"), text_of(each, "message")});
      if (!hint.empty()) table.add({"", "", "-> " + hint});
    }
    session.print(table);
    return failed_ ? kFailed : kOk;
  }

 private:
  Json checks_ = Json::array();
  bool failed_ = false;
};

std::optional<Millis> time_of(const HttpAnswer& answer) {
  const auto header = answer.headers.find("date");
  if (header == answer.headers.end()) return std::nullopt;
  tm parts{};
  const char* end = ::strptime(header->second.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (!end || *end != '\0') return std::nullopt;
  return Millis{::timegm(&parts)} * 1000;
}

// The server's clock is told in whole seconds.
void check_clock(Findings& findings, const HttpAnswer& answer) {
  const auto there = time_of(answer);
  if (!there) return findings.add("clock", "warn", "the server does not tell its time");
  const Millis skew = *there - Millis{::time(nullptr)} * 1000;
  const std::string text = "the server's clock is " + std::to_string(std::llabs(skew) / 1000) +
                           " s " + (skew < 0 ? "behind" : "ahead of") + " this one";
  if (std::llabs(skew) > large_skew) {
    return findings.add("clock", "fail", text, "set both clocks (timedatectl set-ntp true)");
  }
  findings.add("clock", std::llabs(skew) > small_skew ? "warn" : "ok", text);
}

void check_version(Findings& findings, const Json& health) {
  const std::string there = text_of(health, "version");
  if (there == ROLESYNC_VERSION) return findings.add("version", "ok", there + " here and there");
  findings.add("version", "warn", "the server is " + there + ", this is " + ROLESYNC_VERSION,
               "use the command line of the server's version");
}

// What the server says about itself.
void check_server(Findings& findings, HttpClient& client) {
  const auto answer = client.send({.path = "/readyz?verbose"});
  if (!answer) return findings.fail("server", answer.error());
  const auto body = parse_json(answer->body);
  if (!body || array_of(*body, "checks").empty()) {
    return findings.add("server", "fail",
                        "its state cannot be read: HTTP " + std::to_string(answer->status));
  }
  for (const Json& each : array_of(*body, "checks")) {
    findings.add("server." + text_of(each, "check"), text_of(each, "level"),
                 printable(text_of(each, "detail")));
  }
}

void check_token(Findings& findings, HttpClient& client, const std::string& token) {
  if (token.empty()) {
    return findings.add("token", "fail", "there is no token",
                        "set ROLESYNC_TOKEN, or token_file in a context");
  }
  const auto answer = client.send({.path = "/api/session"});
  if (!answer) return findings.fail("token", answer.error());
  if (answer->status != 200) return findings.fail("token", error_from_answer(*answer));
  const auto body = parse_json(answer->body);
  if (!body) return findings.add("token", "fail", "the server's answer cannot be read");
  findings.add(
      "token", "ok",
      printable(text_of(*body, "name")) + " with the scopes " + joined(texts_of(*body, "scopes")));
}

void check_sources(Findings& findings, HttpClient& client) {
  const auto answer = client.send({.path = "/api/code-sources"});
  if (!answer || answer->status != 200) return;  // the token's check has said why
  const auto body = parse_json(answer->body);
  if (!body) return;
  for (const Json& source : array_of(*body, "sources")) {
    const std::string check = "source." + printable(text_of(source, "name"));
    if (const std::string error = text_of(source, "error"); !error.empty()) {
      findings.add(check, "warn", text_of(source, "reason") + ": " + printable(error),
                   "rolesync source pull --source " + printable(text_of(source, "name")));
      continue;
    }
    const std::string commit = text_of(source, "commit");
    if (commit.empty()) {
      findings.add(check, "warn", "nothing was fetched yet", "rolesync source pull");
      continue;
    }
    findings.add(
        check, "ok",
        "at " + short_commit(commit) + ", fetched " + age_of(text_of(source, "fetched_at")));
  }
}

void look(Findings& findings, Session& session) {
  auto api = session.api();
  if (!api) return findings.fail("connection", api.error());
  const Connection& connection = (*api)->connection();
  auto client = HttpClient::create(connection.address, connection.token);
  if (!client) return findings.fail("connection", client.error());
  const auto health = (*client)->send({.path = "/healthz"});
  if (!health) return findings.fail("connection", health.error());
  const auto body = parse_json(health->body);
  if (health->status != 200 || !body || text_of(*body, "status") != "ok") {
    return findings.add("connection", "fail",
                        "what answers at " + connection.address.url + " is no rolesync server",
                        "check --url");
  }
  findings.add("connection", "ok", connection.address.url + " answers");
  check_version(findings, *body);
  check_clock(findings, *health);
  check_server(findings, **client);
  check_token(findings, **client, connection.token);
  check_sources(findings, **client);
}

}  // namespace

void add_doctor(CLI::App& app, Session& session) {
  app.add_subcommand("doctor", "what is wrong between here and a working server")
      ->callback([&session] {
        session.action = [&session] {
          Findings findings;
          look(findings, session);
          return findings.tell(session);
        };
      });
}

}  // namespace rolesync::cli
