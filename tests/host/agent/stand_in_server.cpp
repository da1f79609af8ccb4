// SPDX-License-Identifier: Apache-2.0
#include "tests/host/agent/stand_in_server.hpp"

#include <filesystem>
#include <fstream>

#include "host/activation/manifest_delta.hpp"
#include "host/activation/pack.hpp"
#include "host/services/node_services.hpp"
#include "host/values/hash.hpp"
#include "host/values/json.hpp"
#include "tests/place.hpp"

namespace rolesync {
namespace {

constexpr std::chrono::seconds kPatience{30};

Result<http::Principal> authenticate(const http::Request& request) {
  http::Principal who;
  const auto header = request.headers.find("authorization");
  if (header == request.headers.end()) return who;
  if (header->second != "Bearer secret-of-n1") {
    return Error{ErrorKind::unauthenticated, "bad_credential", "not a credential"};
  }
  who.kind = http::Principal::Kind::node;
  who.id = who.name = "n1";
  return who;
}

}  // namespace

StandInServer::StandInServer(const std::string& directory) : directory_(directory) {
  std::filesystem::create_directories(directory_ + "/blobs");
  plugin::RegistryOptions options;
  options.packaged_directories = {build_directory() + "/plugins/deployer"};
  options.private_directory = directory_ + "/plugins";
  options.plugin_host_program = build_directory() + "/bin/rolesync-plugin-host";
  registry_ = std::make_unique<plugin::Registry>(std::move(options));
  define({});
}

StandInServer::~StandInServer() {
  stop();
}

void StandInServer::start() {
  router_ = std::make_unique<http::Router>(authenticate);
  add_routes();
  http::FrontOptions options;
  options.port = port_;
  options.workers = 4;
  front_ = std::make_unique<http::Front>(std::move(options), *router_);
  const Status started = front_->start();
  if (!started) throw std::runtime_error(started.error().text());
  port_ = front_->port();
}

void StandInServer::stop() {
  {
    std::lock_guard lock(mutex_);
    waiting_.reset();
    greets_ = true;
  }
  front_.reset();
}

std::string StandInServer::url() const {
  return "http://127.0.0.1:" + std::to_string(port_);
}

void StandInServer::add_routes() {
  using http::Policy;
  router_->on("POST", "/api/join", Policy::open(), [this](const http::Request& request) {
    const Json body = *parse_json(request.body);
    if (body["token"] != "rsj.abcd.-") {
      return http::problem({ErrorKind::denied, "token_used", "that token was used"});
    }
    std::lock_guard lock(mutex_);
    joined_with_ = body["node_id"];
    return http::json_response(201, R"({"node_id":"n1","credential":"secret-of-n1",)"
                                    R"("heartbeat_interval_seconds":25})");
  });
  router_->on_waiting("POST", "/api/nodes/{id}/heartbeat", Policy::node(),
                      [this](const http::Request& request, std::shared_ptr<http::Reply> reply) {
                        take_heartbeat(request, std::move(reply));
                      });
  router_->on("POST", "/api/nodes/{id}/task-events", Policy::node(),
              [this](const http::Request& request) { return take_events(request); });
  router_->on("GET", "/api/roles/definitions", Policy::any_node(), [this](const http::Request&) {
    std::lock_guard lock(mutex_);
    return http::json_response(200, to_text(definitions_));
  });
  router_->on("GET", "/api/nodes/{id}/tasks/{task_id}/content", Policy::node(),
              [this](const http::Request& request) { return content_answer(request); });
  router_->on("POST", "/api/nodes/{id}/offers", Policy::node(), [this](const http::Request& r) {
    const Json body = *parse_json(r.body);
    std::lock_guard lock(mutex_);
    const std::string id = "offer_" + std::to_string(++offers_);
    offered_[id] = body["want"].get<std::vector<std::string>>();
    return http::json_response(201, to_text({{"offer_id", id},
                                             {"files", offered_[id].size()},
                                             {"bytes", 1},
                                             {"deployer", {{"module", "m"}}}}));
  });
  router_->on_upgrade("/api/nodes/{id}/streams/{stream}", Policy::node(),
                      [this](const http::Request& request) { return open_stream(request); });
}

http::Response StandInServer::content_answer(const http::Request& request) {
  std::lock_guard lock(mutex_);
  const Manifest& to = manifests_[task_contents_[request.parameters.at("task_id")]];
  const auto from = request.query.find("from");
  if (!packs_ || from == request.query.end()) return {200, {}, to.to_text()};
  const Manifest& base = manifests_[from->second];
  const PackPlan plan = plan_pack(base, to);
  const auto bytes_of = [&](const std::vector<const ManifestEntry*>& entries) {
    std::string bytes;
    for (const ManifestEntry* entry : entries) {
      std::ifstream in(directory_ + "/blobs/" + entry->blob_id, std::ios::binary);
      bytes.append(std::istreambuf_iterator<char>(in), {});
    }
    return bytes;
  };
  std::string pack = *make_pack(bytes_of(plan.bases), bytes_of(plan.blobs));
  if (*packs_ == Packs::damaged) pack[pack.size() / 2] ^= 1;
  return {200, {{"Content-Type", update_type}}, write_update({manifest_delta(base, to), pack})};
}

std::variant<http::Response, http::StreamOwner> StandInServer::open_stream(
    const http::Request& request) {
  const std::string id = request.parameters.at("stream");
  if (id == "source_1") {
    return [this](std::unique_ptr<Stream> stream) {
      char buffer[256];
      Result<std::size_t> size = stream->read(buffer, sizeof buffer);
      std::lock_guard lock(mutex_);
      greeting_ = size ? std::string(buffer, *size) : size.error().message;
      changed_.notify_all();
    };
  }
  return [this, id](std::unique_ptr<Stream> stream) {
    const std::string offer = directory_ + "/" + id;
    {
      std::lock_guard lock(mutex_);
      std::filesystem::create_directories(offer);
      for (const std::string& blob : offered_[id]) {
        std::filesystem::copy_file(directory_ + "/blobs/" + blob, offer + "/" + blob,
                                   std::filesystem::copy_options::skip_existing);
      }
    }
    // The same class that serves plugins on a node, with a server's limits.
    StreamTable streams;
    NodeServicesOptions options;
    options.streams = &streams;
    options.programs = RunAs{};
    options.private_root = directory_ + "/private";
    NodeServices services(std::move(options));
    const Json call{
        {"offer_id", id}, {"directory", offer}, {"stream", streams.add(std::move(stream))}};
    (void)registry_->call("deployer", "rsync_component", "serve", call,
                          {std::chrono::seconds(30), &services});
  };
}

void StandInServer::take_heartbeat(const http::Request& request,
                                   std::shared_ptr<http::Reply> reply) {
  Json body = *parse_json(request.body);
  std::size_t head =
      request.method.size() + request.path.size() + sizeof "  ?wait=25 HTTP/1.1\r\n\r\n";
  for (const auto& [name, value] : request.headers) head += name.size() + value.size() + 4;
  head_bytes_ = head;
  std::lock_guard lock(mutex_);
  if (body.contains("task_events")) {
    if (refuse_events_) {
      return reply->send(http::problem({ErrorKind::unavailable, "busy", "later"}));
    }
    keep_events(body["task_events"]);
  }
  if (body.contains("role_report_changes")) {
    body["role_report"] = report_;
    for (const auto& [role, report] : body["role_report_changes"].items()) {
      body["role_report"][role] = report;
    }
  }
  if (body.contains("role_report")) report_ = body["role_report"];
  if (waiting_) waiting_->send({204, {}, ""});
  waiting_ = std::move(reply);
  for (const Json& id : body["acknowledged"]) commands_.erase(id.get<std::string>());
  agent_etag_ = body["definitions_etag"];
  heartbeats_.push_back(body);
  changed_.notify_all();
  answer_waiting();
  // Nobody waits a whole poll to learn that this one is back.
  if (std::exchange(greets_, false) && waiting_) {
    waiting_->send({204, {}, ""});
    waiting_.reset();
  }
}

// Holds mutex_.
void StandInServer::answer_waiting() {
  if (!waiting_ || (commands_.empty() && resend_.empty() && agent_etag_ == etag_)) return;
  Json list = Json::array();
  for (const auto& [id, command] : commands_) list.push_back(command);
  waiting_->send(http::json_response(200, to_text({{"commands", list},
                                                   {"definitions_etag", etag_},
                                                   {"resend", resend_},
                                                   {"heartbeat_interval_seconds", 25}})));
  waiting_.reset();
  resend_.clear();
}

// Holds mutex_. One that comes again has no effect.
void StandInServer::keep_events(const Json& events) {
  for (const Json& event : events) {
    const std::pair<std::string, std::uint64_t> name{event["task_id"], event["sequence"]};
    if (known_.insert(name).second) {
      events_.push_back(event);
    } else {
      ++repeated_;
    }
  }
  changed_.notify_all();
}

http::Response StandInServer::take_events(const http::Request& request) {
  std::lock_guard lock(mutex_);
  if (refuse_events_) return http::problem({ErrorKind::unavailable, "busy", "later"});
  const Json body = *parse_json(request.body);
  keep_events(body["events"]);
  return http::json_response(200, to_text({{"accepted", body["events"].size()}}));
}

void StandInServer::define(const std::vector<Role>& roles) {
  std::lock_guard lock(mutex_);
  Json list = Json::array();
  for (const Role& role : roles) {
    list.push_back(role_to_json(role));
    list.back()["role_revision"] = role_revision(role);
  }
  definitions_ = {{"roles", list}, {"assigned", Json::array()}};
  etag_ = sha256_hex(to_text(definitions_));
  definitions_["etag"] = etag_;
  answer_waiting();
}

std::string StandInServer::content(const std::map<std::string, std::string>& files) {
  std::vector<ManifestEntry> entries;
  for (const auto& [path, text] : files) {
    const std::string id = git_blob_id(text);
    entries.push_back({FileMode::regular, id, text.size(), path});
    std::ofstream(directory_ + "/blobs/" + id, std::ios::binary) << text;
  }
  const Manifest manifest = *Manifest::from_entries(std::move(entries));
  std::lock_guard lock(mutex_);
  manifests_[manifest.content_id()] = manifest;
  return manifest.content_id();
}

void StandInServer::order(const std::string& id, const std::string& kind, const Json& payload,
                          std::uint64_t fence) {
  std::lock_guard lock(mutex_);
  if (payload.contains("content_id")) task_contents_[payload["task_id"]] = payload["content_id"];
  commands_[id] = {{"id", id}, {"kind", kind}, {"fence", fence}, {"payload", payload}};
  answer_waiting();
}

Json StandInServer::task(const std::string& task_id, const Role& role,
                         const std::string& content_id, bool restart) const {
  return {{"task_id", task_id},
          {"job_id", "job_1"},
          {"role", role_to_json(role)},
          {"role_revision", role_revision(role)},
          {"commit", sha256_hex(content_id)},
          {"content_id", content_id},
          {"from_content_id", ""},
          {"restart", restart},
          {"restart_reason", "content_changed"},
          {"first_install", "refuse"}};
}

void StandInServer::want_again(const std::string& part) {
  std::lock_guard lock(mutex_);
  resend_.push_back(part);
  answer_waiting();
}

void StandInServer::refuse_events(bool refuse) {
  std::lock_guard lock(mutex_);
  refuse_events_ = refuse;
}

Json StandInServer::heartbeat(const Fits& fits, std::size_t after) {
  std::unique_lock lock(mutex_);
  Json found;
  changed_.wait_for(lock, kPatience, [&] {
    for (std::size_t i = after; i < heartbeats_.size(); ++i) {
      if (fits(heartbeats_[i])) return found = heartbeats_[i], true;
    }
    return false;
  });
  return found;
}

Json StandInServer::event(const Fits& fits) {
  std::unique_lock lock(mutex_);
  Json found;
  changed_.wait_for(lock, kPatience, [&] {
    for (const Json& event : events_) {
      if (fits(event)) return found = event, true;
    }
    return false;
  });
  return found;
}

std::size_t StandInServer::heartbeats() const {
  std::lock_guard lock(mutex_);
  return heartbeats_.size();
}

std::vector<Json> StandInServer::events() const {
  std::lock_guard lock(mutex_);
  return events_;
}

std::string StandInServer::joined_with() const {
  std::lock_guard lock(mutex_);
  return joined_with_;
}

std::string StandInServer::source_greeting() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPatience, [&] { return !greeting_.empty(); });
  return greeting_;
}

}  // namespace rolesync
