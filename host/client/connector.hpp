// SPDX-License-Identifier: Apache-2.0
// From a server's URL to a connection on which a secret may be sent: resolved, connected, and with
// TLS the certificate checked. Internal to host/client; belongs to one thread.
#pragma once
#include <Poco/Net/Context.h>

#include <string>
#include <vector>

#include "host/client/wire.hpp"

namespace rolesync {

class Connector {
 public:
  // Reasons: invalid_url, tls_required (a plain URL that leaves this machine), no_trust (https
  // with neither fingerprint nor CA file), certificate_unreadable.
  static Result<Connector> create(const ServerAddress& address);

  // Reasons: server_unreachable, server_silent, interrupted, certificate_mismatch,
  // certificate_untrusted, certificate_expired, certificate_wrong_name. `accepted`, when
  // given, becomes true once somebody has accepted a connection, whoever it is.
  Result<Wire> connect(Interrupter& interrupter, Deadline deadline, bool* accepted = nullptr) const;

  const std::string& host_header() const { return host_header_; }
  const std::string& host() const { return host_; }
  std::uint16_t port() const { return port_; }
  bool secure() const { return !tls_.isNull(); }
  const std::string& url() const { return url_; }

 private:
  Connector() = default;
  Status verify(Wire& wire, Deadline deadline) const;

  std::string url_, host_, host_header_;
  std::uint16_t port_ = 0;
  std::string pin_;
  Poco::Net::Context::Ptr tls_;  // null: plain
};

}  // namespace rolesync
