// SPDX-License-Identifier: Apache-2.0
// /readyz: whether the server can do its work, and with ?verbose what it looked at. Anybody may
// ask: nothing here is secret.
#include <nlohmann/json.hpp>

#include "server/api/api.hpp"
#include "server/api/body.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/sources.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

constexpr Millis day = Millis{24} * 3'600'000;
constexpr std::uintmax_t little_space = std::uintmax_t{256} << 20;

// ok, warn: it works but somebody should look; fail: it does not work.
Json check(const char* name, const char* level, const std::string& detail) {
  return {{"check", name}, {"level", level}, {"detail", detail}};
}

Json check_store(Api& api, const Result<std::vector<store::CodeSource>>& sources) {
  if (!sources) return check("store", "fail", sources.error().message);
  return check("store", "ok",
               "schema version " + std::to_string(api.engine.store.schema_version()));
}

Json check_clock(Api& api) {
  const Millis late = rollout::now_millis() - api.engine.ticked_at();
  if (late < 60'000) return check("engine", "ok", "time passes");
  return check("engine", "fail", "nothing was looked at for " + std::to_string(late / 1000) + " s");
}

Json check_sources(const std::vector<store::CodeSource>& sources) {
  std::string failed;
  for (const auto& source : sources) {
    if (source.state == "failed") failed += (failed.empty() ? "" : ", ") + source.name;
  }
  if (!failed.empty()) return check("sources", "warn", "the last fetch failed of: " + failed);
  if (sources.empty()) return check("sources", "warn", "no code source is set");
  return check("sources", "ok", std::to_string(sources.size()) + " set");
}

Json check_plugins(Api& api) {
  std::string broken;
  std::size_t ready = 0;
  for (const auto& info : api.engine.registry.plugins()) {
    const bool usable = info.state == plugin::PluginState::ready;
    ready += usable ? 1 : 0;
    if (!usable) broken += (broken.empty() ? "" : ", ") + info.name;
  }
  if (!broken.empty()) return check("plugins", "warn", "not usable: " + broken);
  return check("plugins", "ok", std::to_string(ready) + " usable");
}

Json check_certificate(const http::ServedCertificate& certificate) {
  const auto state = certificate.state();
  const Millis left = state.expires_at - rollout::now_millis();
  if (!state.problem.empty()) return check("certificate", "warn", state.problem);
  if (left < 0) return check("certificate", "warn", "ended at " + to_rfc3339(state.expires_at));
  return check("certificate", left < 30 * day ? "warn" : "ok",
               "ends at " + to_rfc3339(state.expires_at));
}

Json check_space(const std::filesystem::path& state_dir) {
  std::error_code problem;
  const auto space = std::filesystem::space(state_dir, problem);
  if (problem) return check("space", "warn", "unknown: " + problem.message());
  return check("space", space.available < little_space ? "warn" : "ok",
               std::to_string(space.available >> 20) + " MiB free");
}

bool any(const Json& checks, const char* level) {
  for (const Json& each : checks) {
    if (each.at("level") == level) return true;
  }
  return false;
}

Response ready(Api& api, const Request& request) {
  const auto sources =
      api.engine.store.read([](store::Session& s) { return store::list_sources(s); });
  Json checks = Json::array();
  checks.push_back(check_store(api, sources));
  checks.push_back(check_clock(api));
  const bool verbose = request.query.contains("verbose");
  if (verbose) {
    const ServerParts& parts = api.options.parts;
    if (sources) checks.push_back(check_sources(*sources));
    checks.push_back(check_plugins(api));
    if (parts.certificate) checks.push_back(check_certificate(*parts.certificate));
    if (!parts.state_dir.empty()) checks.push_back(check_space(parts.state_dir));
  }
  if (!sources && !verbose) {
    return refuse({ErrorKind::unavailable, "store_unusable",
                   "the database cannot be read: " + sources.error().message,
                   sources.error().hint});
  }
  const bool fails = any(checks, "fail");
  if (fails && !verbose) {
    return refuse({ErrorKind::unavailable, "server_stuck",
                   "the server does not look at its jobs and nodes any more",
                   "see its log, and restart it"});
  }
  Json body = {{"status", fails ? "not_ready" : "ready"}, {"version", api.options.version}};
  if (verbose) body["checks"] = checks;
  return json_answer(fails ? 503 : 200, body);
}

}  // namespace

void add_readiness_routes(http::Router& router, Api& api) {
  router.on("GET", "/readyz", http::Policy::open(),
            [&api](const Request& request) { return ready(api, request); });
}

}  // namespace rolesync::api
