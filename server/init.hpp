// SPDX-License-Identifier: Apache-2.0
// `rolesync-server init`: everything a server needs before its first start. Run once.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "server/config.hpp"

namespace rolesync {

struct InitOptions {
  std::filesystem::path config_file;
  ServerConfig config;             // state_dir and listen are what counts
  bool tls = false;                // implied by a listen address that is not loopback
  std::vector<std::string> names;  // more names and addresses of the certificate
};

struct InitResult {
  std::string admin_token;  // shown once; also in <secrets_dir>/admin.token
  std::filesystem::path token_file, ca_file;
  bool tls = false;
};

// Errors: conflict/already_initialised; those of the parts.
Result<InitResult> init_server(const InitOptions& options);

}  // namespace rolesync
