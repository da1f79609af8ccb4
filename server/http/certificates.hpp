// SPDX-License-Identifier: Apache-2.0
// The server's own small certificate authority, made once by `rolesync-server init`. Private keys
// are EC P-256 in files only the owner can read. Making is for one thread, reading for any.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "host/values/result.hpp"
#include "host/values/timestamp.hpp"

namespace rolesync::http {

struct CertificateFiles {
  std::filesystem::path ca_certificate;  // ca.pem
  std::filesystem::path ca_key;          // ca.key, 0600
  std::filesystem::path certificate;     // server.pem: the server's, then the CA's
  std::filesystem::path key;             // server.key, 0600
};

// Where make_certificates() puts them; says nothing about whether they exist.
CertificateFiles certificate_files(const std::filesystem::path& directory);

// Makes the directory (0700), a CA when there is none yet, and a server certificate for these DNS
// names and IP addresses, signed by it. An existing server certificate is replaced, an existing CA
// is kept. Reasons: invalid_name, certificate_failed.
Result<CertificateFiles> make_certificates(const std::filesystem::path& directory,
                                           const std::vector<std::string>& names,
                                           int valid_days = 825);

// sha256 of the (first) certificate in a PEM file, lower-case hex: what a join token carries.
Result<std::string> certificate_fingerprint(const std::filesystem::path& file);
// When it ends.
Result<Millis> certificate_expires_at(const std::filesystem::path& file);

}  // namespace rolesync::http
