// SPDX-License-Identifier: Apache-2.0
#include "running_server.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <stdexcept>
#include <thread>

#include "contract.hpp"
#include "host/process/child.hpp"
#include "host/values/json.hpp"
#include "server/init.hpp"
#include "tests/place.hpp"

namespace rolesync {
namespace {

namespace fs = std::filesystem;

fs::path make_directory() {
  std::string pattern = (fs::temp_directory_path() / "rolesync-api-XXXXXX").string();
  if (!mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp");
  return pattern;
}

}  // namespace

bool eventually(const std::function<bool()>& condition, std::chrono::seconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

RunningServer::RunningServer(const std::function<void(ServerConfig&)>& change)
    : directory_(make_directory()), store_place_(std::make_unique<store::StorePlace>(directory_)) {
  InitOptions options;
  if (!store_place_->address().empty()) options.config.store = store_place_->address();
  options.config_file = directory_ / "server.toml";
  options.config.state_dir = directory_ / "state";
  options.config.listen = "127.0.0.1:0";
  const auto made = init_server(options);
  if (!made) throw std::runtime_error(made.error().text());
  admin_token_ = made->admin_token;
  const auto config = load_config(options.config_file);
  if (!config) throw std::runtime_error(config.error().text());
  config_ = *config;
  const fs::path build = build_directory();
  config_.plugin_dirs.clear();
  for (const char* kind : {"role", "detector", "deployer", "restart_strategy"}) {
    config_.plugin_dirs.push_back(build / "plugins" / kind);
  }
  config_.drop_in_dirs.clear();
  config_.plugin_host = build / "bin" / "rolesync-plugin-host";
  config_.allowed_sources = {directory_};
  config_.token_requests_per_minute = config_.node_requests_per_minute = 0;
  config_.refused_per_minute = 0;
  if (change) change(config_);
  if (Status valid = complete(config_); !valid) throw std::runtime_error(valid.error().text());
  start();
}

RunningServer::~RunningServer() {
  stop();
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

void RunningServer::start() {
  program_ = std::make_unique<ServerProgram>(config_);
  if (Status started = program_->start(); !started) {
    throw std::runtime_error(started.error().text());
  }
}

std::unique_ptr<store::Store> RunningServer::open_store() const {
  auto opened = store::open_store(config_.store, database_file(config_));
  if (!opened) throw std::runtime_error(opened.error().text());
  return std::move(*opened);
}

void RunningServer::stop() {
  program_.reset();
}

Reply RunningServer::request(const std::string& method, const std::string& path, const Json& body,
                             const std::string& token, std::map<std::string, std::string> headers) {
  // Most tests are not about who else changes something.
  if (method == "PUT" || method == "DELETE") headers.emplace("If-Match", "*");
  return raw(method, path, body.is_null() ? "" : to_text(body),
             token.empty() ? admin_token_ : token, std::move(headers));
}

Reply RunningServer::raw(const std::string& method, const std::string& path,
                         const std::string& body, std::string token,
                         std::map<std::string, std::string> headers) {
  auto client = HttpClient::create({url(), "", ""}, std::move(token));
  if (!client) throw std::runtime_error(client.error().text());
  HttpRequest request;
  request.method = method;
  request.path = path;
  request.body = body;
  request.headers = std::move(headers);
  if (method != "GET") request.headers.emplace("Content-Type", "application/json");
  const auto answer = (*client)->send(request);
  if (!answer) throw std::runtime_error(method + " " + path + ": " + answer.error().text());
  EXPECT_EQ(breach_of_contract(method, path, answer->status, answer->headers, answer->body), "")
      << method << " " << path << " " << answer->status << "\n"
      << answer->body.substr(0, 4'000);
  Reply reply{answer->status, Json(), answer->headers};
  const auto json = parse_json(answer->body, {64 << 20, 64});
  reply.body = json ? *json : Json(answer->body);
  return reply;
}

std::string RunningServer::new_token(const std::vector<std::string>& scopes) {
  const Reply made = post("/api/tokens", {{"name", "test"}, {"scopes", scopes}});
  EXPECT_EQ(made.status, 201) << made.body;
  return made.body.value("token", "");
}

std::string RunningServer::git(std::vector<std::string> arguments) {
  ChildSpec spec;
  spec.argv = {"git", "-C", repository().string()};
  spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
  spec.environment = {{"PATH", ::getenv("PATH")},   {"HOME", directory_.string()},
                      {"GIT_CONFIG_NOSYSTEM", "1"}, {"GIT_CONFIG_GLOBAL", "/dev/null"},
                      {"GIT_AUTHOR_NAME", "A"},     {"GIT_AUTHOR_EMAIL", "a@example.org"},
                      {"GIT_COMMITTER_NAME", "A"},  {"GIT_COMMITTER_EMAIL", "a@example.org"}};
  const auto done = run_child(spec);
  if (!done || !done->succeeded()) {
    throw std::runtime_error("git: " + (done ? done->errors : done.error().text()));
  }
  return done->output.substr(0, done->output.find_last_not_of('\n') + 1);
}

std::string RunningServer::commit(const std::map<std::string, std::string>& files) {
  if (!fs::exists(repository())) {
    fs::create_directories(repository());
    git({"init", "-q", "-b", "main"});
  }
  for (const auto& [path, content] : files) {
    fs::create_directories((repository() / path).parent_path());
    std::ofstream(repository() / path, std::ios::binary) << content;
  }
  git({"add", "-A"});
  git({"commit", "-q", "--allow-empty", "-m", "change"});
  return git({"rev-parse", "HEAD"});
}

}  // namespace rolesync
