// SPDX-License-Identifier: Apache-2.0
#include "host/agent/credential.hpp"

#include <unistd.h>

#include "host/services/durable_file.hpp"
#include "host/values/secret.hpp"

namespace rolesync::agent {
namespace {

std::string next_path(const AgentConfig& config) {
  return config.credential_file + ".next";
}

std::string trimmed(std::string text) {
  text.erase(text.find_last_not_of(" \r\n") + 1);
  return text;
}

// Empty when it is not there, or not readable (which is then said where it is used).
std::string read_secret(const std::string& path) {
  Result<std::optional<std::string>> text = read_if_there(path);
  return text && text->has_value() ? trimmed(std::move(**text)) : "";
}

}  // namespace

Result<std::string> Credential::read(const AgentConfig& config) {
  Result<std::optional<std::string>> text = read_if_there(config.credential_file);
  if (!text) return text.error();
  std::string secret = text->has_value() ? trimmed(std::move(**text)) : "";
  if (!secret.empty()) return secret;
  return Error{ErrorKind::denied, "not_joined",
               "this node has no credential in " + config.credential_file,
               "run `rolesync-agent join <url> <token>` first"};
}

Status Credential::replace(const AgentConfig& config, const std::string& secret) {
  ::unlink(next_path(config).c_str());
  return write_durably(config.credential_file, secret + "\n", 0600);
}

Credential::Credential(const AgentConfig& config, std::string secret)
    : config_(config), current_(std::move(secret)) {}

std::string Credential::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

bool Credential::take_from_disk() {
  const std::lock_guard lock(mutex_);
  std::string found = read_secret(config_.credential_file);
  if (found.empty() || found == current_) return false;
  current_ = std::move(found);
  return true;
}

std::string Credential::successor() const {
  return read_secret(next_path(config_));
}

Result<std::string> Credential::make_successor() {
  const std::lock_guard lock(mutex_);
  if (std::string made = successor(); !made.empty()) return made;
  const std::string secret = "rsn_" + random_hex(32);
  if (Status written = write_durably(next_path(config_), secret + "\n", 0600); !written) {
    return written.error();
  }
  return secret;
}

// The rename is the step: before it both files are there, after it only the new one.
Status Credential::promote() {
  const std::lock_guard lock(mutex_);
  const std::string secret = successor();
  if (secret.empty()) return {};
  current_ = secret;
  if (Status written = write_durably(config_.credential_file, secret + "\n", 0600); !written) {
    return written;  // the successor's file stays, and is found again
  }
  ::unlink(next_path(config_).c_str());
  return {};
}

}  // namespace rolesync::agent
