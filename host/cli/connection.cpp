// SPDX-License-Identifier: Apache-2.0
#include "host/cli/connection.hpp"

#include <sys/stat.h>

#include <toml++/toml.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace rolesync::cli {
namespace {

constexpr std::size_t kMaxFile = 1 << 20;

Error wrong(const std::string& path, const toml::source_region& where, const std::string& what) {
  return {ErrorKind::invalid, "invalid_config",
          path + ":" + std::to_string(where.begin.line) + ": " + what,
          "see docs/operator-guide.md, \"Contexts\""};
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxFile, '\0');
  if (!file)
    return Error{ErrorKind::not_found, "file_unreadable", "cannot read " + path,
                 "check the path and its permissions"};
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

std::string trimmed(std::string text) {
  const auto blank = " \t\r\n";
  text.erase(text.find_last_not_of(blank) + 1);
  text.erase(0, text.find_first_not_of(blank));
  return text;
}

std::string expand_home(const std::string& path, const Environment& environment) {
  if (path.rfind("~/", 0) != 0) return path;
  const auto home = environment("HOME");
  return home ? *home + path.substr(1) : path;
}

Status read_context(const toml::table& table, const std::string& path, ConnectionSource& out) {
  const std::map<std::string_view, std::string*> keys = {{"url", &out.url},
                                                         {"token", &out.token},
                                                         {"token_file", &out.token_file},
                                                         {"ca_file", &out.ca_file},
                                                         {"fingerprint", &out.fingerprint}};
  for (const auto& [key, node] : table) {
    const auto known = keys.find(key.str());
    if (known == keys.end())
      return wrong(path, key.source(),
                   "unknown key \"" + std::string(key.str()) + "\" in a context");
    const auto text = node.value_exact<std::string>();
    if (!text) return wrong(path, node.source(), std::string(key.str()) + " must be a string");
    *known->second = *text;
  }
  return {};
}

// A token in a file that others can read is no secret.
Status check_private(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && (info.st_mode & 077) != 0)
    return Error{ErrorKind::denied, "token_file_not_private",
                 path + " holds a token and can be read by others", "run: chmod 600 " + path};
  return {};
}

Result<ConnectionSource> chosen_context(const ConnectionFlags& flags,
                                        const Environment& environment) {
  const std::string path = config_path(environment);
  const std::string named =
      flags.context.empty() ? environment("ROLESYNC_CONTEXT").value_or("") : flags.context;
  std::error_code ignored;
  if (path.empty() || !std::filesystem::exists(path, ignored)) {
    if (named.empty()) return ConnectionSource{};
    return Error{ErrorKind::not_found, "unknown_context",
                 "there is no context \"" + named + "\": " + path + " does not exist",
                 "write the file, or use --url"};
  }
  auto text = read_file(path);
  if (!text) return text.error();
  auto config = parse_config(*text, path);
  if (!config) return config.error();
  const std::string name = named.empty() ? config->current : named;
  if (name.empty()) return ConnectionSource{};
  const auto found = config->contexts.find(name);
  if (found == config->contexts.end())
    return Error{ErrorKind::not_found, "unknown_context",
                 "there is no context \"" + name + "\" in " + path,
                 "add [contexts." + name + "] or choose another with --context"};
  ConnectionSource source = found->second;
  if (!source.token.empty())
    if (auto status = check_private(path); !status) return status.error();
  source.token_file = expand_home(source.token_file, environment);
  source.ca_file = expand_home(source.ca_file, environment);
  return source;
}

// The place that says either form of token decides, so that an exported token never loses to a
// token_file in the config.
Result<std::string> find_token(std::initializer_list<const ConnectionSource*> sources) {
  for (const ConnectionSource* source : sources) {
    if (!source->token.empty()) return source->token;
    if (source->token_file.empty()) continue;
    if (auto status = check_private(source->token_file); !status) return status.error();
    auto text = read_file(source->token_file);
    if (!text) return text.error();
    return trimmed(*text);
  }
  return std::string();
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (!value || !*value) return std::nullopt;
    return value;
  };
}

Result<ConfigFile> parse_config(std::string_view toml_text, const std::string& path) {
  toml::table root;
  try {
    root = toml::parse(toml_text, path);
  } catch (const toml::parse_error& e) {
    return wrong(path, e.source(), std::string(e.description()));
  }
  ConfigFile config;
  for (const auto& [key, node] : root) {
    if (key.str() == "current") {
      const auto text = node.value_exact<std::string>();
      if (!text) return wrong(path, node.source(), "current must be a string");
      config.current = *text;
    } else if (key.str() == "contexts" && node.is_table()) {
      for (const auto& [name, context] : *node.as_table()) {
        if (!context.is_table()) return wrong(path, context.source(), "a context is a table");
        auto status =
            read_context(*context.as_table(), path, config.contexts[std::string(name.str())]);
        if (!status) return status.error();
      }
    } else {
      return wrong(path, key.source(), "unknown key \"" + std::string(key.str()) + "\"");
    }
  }
  return config;
}

std::string config_path(const Environment& environment) {
  if (const auto path = environment("ROLESYNC_CLI_CONFIG")) return *path;
  if (const auto base = environment("XDG_CONFIG_HOME")) return *base + "/rolesync/config.toml";
  if (const auto home = environment("HOME")) return *home + "/.config/rolesync/config.toml";
  return {};
}

Result<Connection> resolve_connection(const ConnectionFlags& flags,
                                      const Environment& environment) {
  const ConnectionSource from_environment{
      environment("ROLESYNC_URL").value_or(""), environment("ROLESYNC_TOKEN").value_or(""),
      environment("ROLESYNC_TOKEN_FILE").value_or(""), environment("ROLESYNC_CA").value_or(""),
      environment("ROLESYNC_FINGERPRINT").value_or("")};
  const bool url_is_said = !flags.url.empty() || !from_environment.url.empty();
  ConnectionSource context;
  // A server named outright has nothing to do with the current context: its token stays at home.
  if (!url_is_said || !flags.context.empty()) {
    auto chosen = chosen_context(flags, environment);
    if (!chosen) return chosen.error();
    context = *chosen;
  }
  const auto first = [&](std::string ConnectionSource::*field) {
    for (const ConnectionSource* s :
         {static_cast<const ConnectionSource*>(&flags), &from_environment,
          static_cast<const ConnectionSource*>(&context)})
      if (!(s->*field).empty()) return s->*field;
    return std::string();
  };
  Connection connection;
  connection.address.url = first(&ConnectionSource::url);
  if (connection.address.url.empty()) connection.address.url = kDefaultUrl;
  connection.address.ca_file = first(&ConnectionSource::ca_file);
  connection.address.certificate_sha256 = first(&ConnectionSource::fingerprint);
  auto token = find_token({&flags, &from_environment, &context});
  if (!token) return token.error();
  connection.token = std::move(*token);
  return connection;
}

}  // namespace rolesync::cli
