// SPDX-License-Identifier: Apache-2.0
// The TLS settings of both sides: TLS 1.2 or newer, modern ciphers, buffers given back while a
// connection rests. A context may be shared by any number of channels.
#pragma once
#include <Poco/Net/Context.h>

#include <string>

#include "host/values/result.hpp"

namespace rolesync {

// Reasons: certificate_unreadable.
Result<Poco::Net::Context::Ptr> tls_server_context(const std::string& certificate_file,
                                                   const std::string& key_file);

// With a CA file the chain is verified in the handshake (the host name is the caller's to check).
// Without one nothing is: the caller must compare the fingerprint before it sends anything.
Result<Poco::Net::Context::Ptr> tls_client_context(const std::string& ca_file);

// Why the last handshake on this thread did not accept a certificate; once.
enum class CertificateProblem { none, expired, untrusted };
CertificateProblem take_certificate_problem();

}  // namespace rolesync
