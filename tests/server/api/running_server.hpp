// SPDX-License-Identifier: Apache-2.0
// A real server in this process, in a directory of its own, and requests to it. One thread.
#pragma once
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "host/client/http_client.hpp"
#include "server/program.hpp"
#include "tests/postgresql/test_database.hpp"

namespace rolesync {

struct Reply {
  int status = 0;
  Json body;
  std::map<std::string, std::string> headers;
  std::string reason() const { return body.is_object() ? body.value("reason", "") : ""; }
};

// Polls until the condition holds; the limit only ends a failed test.
bool eventually(const std::function<bool()>& condition,
                std::chrono::seconds limit = std::chrono::seconds(30));

class RunningServer {
 public:
  // `change` may turn the configuration before the start.
  explicit RunningServer(const std::function<void(ServerConfig&)>& change = {});
  ~RunningServer();

  void stop();   // as SIGTERM would
  void start();  // again, on the same state

  Reply request(const std::string& method, const std::string& path, const Json& body = Json(),
                const std::string& token = "", std::map<std::string, std::string> headers = {});
  Reply raw(const std::string& method, const std::string& path, const std::string& body,
            std::string token = "", std::map<std::string, std::string> headers = {});
  Reply get(const std::string& path) { return request("GET", path); }
  Reply post(const std::string& path, const Json& body) { return request("POST", path, body); }
  Reply put(const std::string& path, const Json& body) { return request("PUT", path, body); }
  std::string new_token(const std::vector<std::string>& scopes);

  // The store of a server that is stopped.
  std::unique_ptr<store::Store> open_store() const;

  const std::filesystem::path& directory() const { return directory_; }
  std::filesystem::path repository() const { return directory_ / "repository"; }
  // Writes files, commits them with the real git, returns the commit.
  std::string commit(const std::map<std::string, std::string>& files);
  std::string git(std::vector<std::string> arguments);
  std::string url() const { return program_->url(); }
  const std::string& admin_token() const { return admin_token_; }

 private:
  std::filesystem::path directory_;
  std::unique_ptr<store::StorePlace> store_place_;
  std::string admin_token_;
  ServerConfig config_;
  std::unique_ptr<ServerProgram> program_;
};

}  // namespace rolesync
