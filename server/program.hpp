// SPDX-License-Identifier: Apache-2.0
// The server as one object: store, plugins, source, engine, API, front, in the order they need each
// other. main runs one; tests run one in their own process.
#pragma once
#include <memory>
#include <string>

#include "host/values/result.hpp"
#include "server/config.hpp"

namespace rolesync {

class ServerProgram {
 public:
  explicit ServerProgram(ServerConfig config);  // completed
  ~ServerProgram();                             // stops

  Status start();
  void stop();
  // Reads the TLS certificate again (SIGHUP); a bad one is logged and the one before stays.
  void reload();
  std::string url() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace rolesync
