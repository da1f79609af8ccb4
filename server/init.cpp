// SPDX-License-Identifier: Apache-2.0
#include "server/init.hpp"

#include "host/services/durable_file.hpp"
#include "host/values/hash.hpp"
#include "host/values/secret.hpp"
#include "server/api/authenticator.hpp"
#include "server/http/certificates.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/store.hpp"
#include "server/store/tokens.hpp"

namespace rolesync {
namespace {

Status write_first_token(const ServerConfig& config, const std::string& secret) {
  auto opened = store::open_store(config.store, database_file(config));
  if (!opened) return opened.error();
  store::Token token;
  token.id = new_id("tok");
  token.name = "admin";
  token.hash = sha256_hex(secret);
  token.scopes = {"admin", "role:command"};
  token.created_by = "init";
  token.created_at = rollout::now_millis();
  Status added = (*opened)->write([&](store::Session& s) { return store::add_token(s, token); });
  if (!added) return added;
  return write_durably((config.secrets_dir / "admin.token").string(), secret + "\n", 0600);
}

Status make_tls(ServerConfig& config, const InitOptions& options,
                const std::filesystem::path& ca_file) {
  const auto listen = parse_listen(config.listen);
  if (!listen) return listen.error();
  std::vector<std::string> names = {"localhost", "127.0.0.1"};
  const bool any = listen->address == "0.0.0.0" || listen->address == "::";
  if (!any && listen->address != "127.0.0.1") names.push_back(listen->address);
  names.insert(names.end(), options.names.begin(), options.names.end());
  const auto files = http::make_certificates(config.secrets_dir / "tls", names);
  if (!files) return files.error();
  config.tls_certificate = files->certificate.string();
  config.tls_key = files->key.string();
  const auto ca = read_if_there(files->ca_certificate.string());
  if (!ca) return ca.error();
  return write_durably(ca_file.string(), ca->value_or(""), 0644);
}

}  // namespace

Result<InitResult> init_server(const InitOptions& options) {
  ServerConfig config = options.config;
  std::error_code error;
  if (std::filesystem::exists(options.config_file, error)) {
    return Error{ErrorKind::conflict, "already_initialised",
                 options.config_file.string() + " exists already",
                 "start the server with: rolesync-server run"};
  }
  config.state_dir = std::filesystem::absolute(config.state_dir, error);
  if (config.secrets_dir.empty()) config.secrets_dir = config.state_dir / "secrets";
  if (Status valid = store::check_store_setting(config.store); !valid) return valid.error();
  const auto listen = parse_listen(config.listen);
  if (!listen) return listen.error();
  for (const auto& directory : {config.state_dir, config.secrets_dir}) {
    if (Status made = make_directories(directory.string(), 0700); !made) return made.error();
  }
  InitResult result;
  result.tls = options.tls || !listen->loopback();
  result.token_file = config.secrets_dir / "admin.token";
  if (result.tls) {
    result.ca_file = config.secrets_dir / "ca.crt";
    if (Status made = make_tls(config, options, result.ca_file); !made) return made.error();
  }
  result.admin_token = api::new_api_token();
  if (Status written = write_first_token(config, result.admin_token); !written) {
    return written.error();
  }
  const auto parent = std::filesystem::absolute(options.config_file, error).parent_path();
  if (!std::filesystem::exists(parent, error)) {
    if (Status made = make_directories(parent.string(), 0755); !made) return made.error();
  }
  // Last, because its existence says that the rest was done.
  const Status written = write_durably(options.config_file.string(), config_text(config), 0600);
  if (!written) return written.error();
  return result;
}

}  // namespace rolesync
