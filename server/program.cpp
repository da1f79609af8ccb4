// SPDX-License-Identifier: Apache-2.0
#include "server/program.hpp"

#include <spdlog/spdlog.h>

#include "host/plugin/registry.hpp"
#include "host/services/durable_file.hpp"
#include "server/api/api.hpp"
#include "server/api/authenticator.hpp"
#include "server/api/node_identity.hpp"
#include "server/http/front.hpp"
#include "server/http/rate_limits.hpp"
#include "server/rollout/engine.hpp"
#include "server/store/copy_tables.hpp"
#include "server/version.hpp"

namespace rolesync {
namespace {

rollout::EngineOptions engine_options(const ServerConfig& config) {
  rollout::EngineOptions options;
  options.defaults = config.defaults;
  options.heartbeat_interval_seconds = config.heartbeat_interval_seconds;
  options.presence = {config.node_late_seconds * Millis{1000},
                      config.node_offline_seconds * Millis{1000}};
  options.limits = {config.node_gone_seconds * Millis{1000}, config.stage_seconds * Millis{1000},
                    config.activate_seconds * Millis{1000}};
  options.retention.jobs_days = config.keep_jobs_days;
  options.retention.events_days = config.keep_events_days;
  options.retention.audit_days = config.keep_audit_days;
  options.tidy_every = std::chrono::seconds(config.tidy_seconds);
  options.offers = {config.plugin_host, config.state_dir / "private"};
  return options;
}

void log_request(const http::RequestRecord& record) {
  const auto level = record.status >= 500 ? spdlog::level::err : spdlog::level::debug;
  spdlog::log(level, "request={} peer={} principal={} method={} path={} status={} us={} {}",
              record.id, record.peer, record.principal, record.method, record.path, record.status,
              record.duration.count(), record.detail);
}

}  // namespace

struct ServerProgram::Parts {
  ServerConfig config;
  http::RequestCounts requests;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<plugin::Registry> registry;
  std::unique_ptr<source::SourceService> source;
  std::unique_ptr<rollout::Engine> engine;
  std::unique_ptr<api::Api> api;
  std::unique_ptr<http::Router> router;
  std::unique_ptr<http::Front> front;
  std::unique_ptr<http::ServedCertificate> certificate;  // goes before the front

  Status check_whole() const {
    const auto copy = store::unfinished_copy(*store);
    if (!copy) return copy.error();
    if (copy->empty()) return {};
    return Error{ErrorKind::conflict, "store_incomplete",
                 "the database holds an unfinished copy from " + *copy,
                 "finish it with the same command, or empty the database"};
  }

  Status open_state() {
    for (const auto& directory :
         {config.state_dir, config.secrets_dir, config.state_dir / "private"}) {
      if (Status made = make_directories(directory.string(), 0700); !made) return made;
    }
    auto opened = store::open_store(config.store, database_file(config));
    if (!opened) return opened.error();
    store = std::move(*opened);
    if (Status whole = check_whole(); !whole) return whole;
    source::SourceOptions options;
    options.state_dir = config.state_dir;
    options.bridge = config.plugin_host;
    options.allowed_paths = config.allowed_sources;
    options.cache_limit_bytes = config.cache_limit_bytes;
    auto service = source::SourceService::open(options, *store);
    if (!service) return service.error();
    source = std::move(*service);
    return {};
  }

  void load_plugins() {
    plugin::RegistryOptions options;
    options.packaged_directories = config.plugin_dirs;
    options.drop_in_directories = config.drop_in_dirs;
    options.private_directory = config.state_dir / "plugins";
    options.plugin_host_program = config.plugin_host;
    options.policy = config.plugin_policy;
    registry = std::make_unique<plugin::Registry>(options);
  }

  Status make_api() {
    api::ApiOptions options;
    options.version = server_version;
    options.secrets_dir = config.secrets_dir;
    options.code_source_role = config.code_source_role;
    options.parts.state_dir = config.state_dir;
    options.parts.requests = &requests;
    options.parts.front = [this] { return front ? front->counts() : http::FrontCounts{}; };
    if (!config.tls_certificate.empty()) {
      auto served = http::ServedCertificate::open({config.tls_certificate, config.tls_key});
      if (!served) return served.error();
      certificate = std::move(*served);
      options.parts.certificate = certificate.get();
    }
    api = std::make_unique<api::Api>(api::Api{*engine, std::move(options)});
    router = std::make_unique<http::Router>(api::authenticator(
        *store, [this](const std::string& node, Millis at, const http::Request& request) {
          api::credential_used(*api, node, at, request);
        }));
    router->limit(std::make_shared<http::RateLimits>(
        http::RateLimitOptions{config.token_requests_per_minute, config.node_requests_per_minute,
                               config.refused_per_minute}));
    api::add_routes(*router, *api);
    return api::add_web_pages(*router, config.web_dir);
  }

  Status open_front() {
    const auto listen = parse_listen(config.listen);
    if (!listen) return listen.error();
    http::FrontOptions options;
    options.address = listen->address;
    options.port = listen->port;
    options.certificate_file = config.tls_certificate;
    options.key_file = config.tls_key;
    options.on_request = [this](const http::RequestRecord& record) {
      requests.add(record);
      log_request(record);
    };
    front = std::make_unique<http::Front>(options, *router);
    if (Status started = front->start(); !started) return started;
    if (certificate) {
      certificate->follow([this](const http::ServedCertificate::Files& files) {
        return front->use_certificate(files.certificate, files.key);
      });
    }
    return {};
  }
};

ServerProgram::ServerProgram(ServerConfig config) : parts_(std::make_unique<Parts>()) {
  parts_->config = std::move(config);
}

ServerProgram::~ServerProgram() {
  stop();
}

Status ServerProgram::start() {
  Parts& parts = *parts_;
  if (Status opened = parts.open_state(); !opened) return opened;
  parts.load_plugins();
  parts.engine = std::make_unique<rollout::Engine>(*parts.store, *parts.registry, *parts.source,
                                                   engine_options(parts.config));
  if (Status made = parts.make_api(); !made) return made;
  if (Status started = parts.engine->start(); !started) return started;
  parts.registry->start_watching();
  if (Status opened = parts.open_front(); !opened) return opened;
  spdlog::info("event=started url={} version={}", url(), server_version);
  return {};
}

void ServerProgram::reload() {
  if (parts_->certificate) (void)parts_->certificate->reload();
}

void ServerProgram::stop() {
  Parts& parts = *parts_;
  if (parts.certificate) parts.certificate->stop();
  // First what requests may be waiting for long: a fetch. It is answered, and no other begins.
  if (parts.engine) parts.engine->intake.stop();
  if (parts.front) {
    if (Status stopped = parts.front->stop(); !stopped) {
      spdlog::warn("event=stopping message=\"{}\"", stopped.error().text());
    }
  }
  // The registry's watcher calls into the engine, the engine into the registry: end both their
  // threads before either goes.
  if (parts.engine) parts.engine->stop();
  parts.front.reset();
  parts.certificate.reset();
  parts.router.reset();
  parts.api.reset();
  if (parts.registry) parts.registry->on_change({});
  parts.engine.reset();
  parts.registry.reset();
  parts.source.reset();
  parts.store.reset();
}

std::string ServerProgram::url() const {
  return parts_->front ? parts_->front->url() : "";
}

}  // namespace rolesync
