// SPDX-License-Identifier: Apache-2.0
#include "host/stream/tls.hpp"

#include <Poco/Exception.h>
#include <openssl/ssl.h>

#include <utility>

#include "host/stream/channel.hpp"

namespace rolesync {
namespace {

using Poco::Net::Context;

Error unusable(const std::string& why) {
  return {ErrorKind::invalid, "certificate_unreadable",
          "The TLS certificate or key cannot be used: " + why,
          "check the configured files and who may read them"};
}

Result<Context::Ptr> make_context(Context::Usage usage, Context::Params params) {
  params.loadDefaultCAs = false;
  params.cipherList = "ECDHE+AESGCM:ECDHE+CHACHA20";
  params.ecdhCurve = "X25519:P-256:P-384";
  params.dhUse2048Bits = true;
  try {
    Context::Ptr context = new Context(usage, params);
    context->requireMinimumProtocol(Context::PROTO_TLSV1_2);
    context->enableExtendedCertificateVerification(false);  // Channel checks the name itself
    // A write that could not finish is repeated from another buffer, with what is left.
    SSL_CTX_set_mode(context->sslContext(), SSL_MODE_RELEASE_BUFFERS |
                                                SSL_MODE_ENABLE_PARTIAL_WRITE |
                                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context->sslContext(), SSL_SESS_CACHE_OFF);
    ignore_broken_pipes();
    return context;
  } catch (const Poco::Exception& e) {
    return unusable(e.displayText());
  }
}

// Handshakes are made step by step, each step within one call: a thread's problem is its own.
thread_local CertificateProblem certificate_problem = CertificateProblem::none;

int note_certificate_problem(int accepted, X509_STORE_CTX* store) {
  if (accepted == 1) return 1;
  const int why = X509_STORE_CTX_get_error(store);
  certificate_problem = why == X509_V_ERR_CERT_HAS_EXPIRED || why == X509_V_ERR_CERT_NOT_YET_VALID
                            ? CertificateProblem::expired
                            : CertificateProblem::untrusted;
  return 0;
}

}  // namespace

Result<Context::Ptr> tls_server_context(const std::string& certificate_file,
                                        const std::string& key_file) {
  Context::Params params;
  params.certificateFile = certificate_file;
  params.privateKeyFile = key_file;
  params.verificationMode = Context::VERIFY_NONE;
  auto context = make_context(Context::TLS_SERVER_USE, params);
  if (!context) return context;
  if (SSL_CTX_check_private_key((*context)->sslContext()) != 1) {
    return unusable("the key does not belong to the certificate");
  }
  // Nobody resumes a session: agents keep their connection.
  SSL_CTX_set_num_tickets((*context)->sslContext(), 0);
  return context;
}

Result<Context::Ptr> tls_client_context(const std::string& ca_file) {
  Context::Params params;
  params.caLocation = ca_file;
  params.verificationMode = ca_file.empty() ? Context::VERIFY_NONE : Context::VERIFY_STRICT;
  auto context = make_context(Context::TLS_CLIENT_USE, params);
  if (context && !ca_file.empty()) {
    SSL_CTX_set_verify((*context)->sslContext(), SSL_VERIFY_PEER, note_certificate_problem);
  }
  return context;
}

CertificateProblem take_certificate_problem() {
  return std::exchange(certificate_problem, CertificateProblem::none);
}

}  // namespace rolesync
