// SPDX-License-Identifier: Apache-2.0
#include "endpoint.hpp"

#include <arpa/inet.h>

#include <charconv>

namespace rolesync::simulated {
namespace {

Error unusable(const std::string& what) {
  return {ErrorKind::invalid, "invalid_url", what, "for example https://127.0.0.1:8770"};
}

// Adds the address of one server.
Status add(Endpoint& endpoint, const std::string& url, bool secure) {
  if (secure != url.starts_with("https://")) return unusable("some URLs are https, some not");
  if (!secure && !url.starts_with("http://")) return unusable("the URL is not http(s)://: " + url);
  const std::string rest = url.substr(secure ? 8 : 7);
  const std::size_t colon = rest.rfind(':');
  endpoint.host = rest.substr(0, colon);
  std::uint16_t port = 0;
  if (colon != std::string::npos) {
    std::from_chars(rest.data() + colon + 1, rest.data() + rest.size(), port);
  }
  sockaddr_in& address = endpoint.addresses.emplace_back();
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (port == 0 || ::inet_pton(AF_INET, endpoint.host.c_str(), &address.sin_addr) != 1) {
    return unusable("the URL needs an IPv4 address and a port: " + url);
  }
  return {};
}

}  // namespace

Result<Endpoint> Endpoint::parse(const std::vector<std::string>& urls, const std::string& ca_file) {
  const bool secure = !urls.empty() && urls.front().starts_with("https://");
  Endpoint endpoint;
  for (const std::string& url : urls) {
    if (Status added = add(endpoint, url, secure); !added) return added.error();
  }
  if (!secure) return endpoint;
  endpoint.tls.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = endpoint.tls.get();
  if (!context || SSL_CTX_load_verify_locations(context, ca_file.c_str(), nullptr) != 1) {
    return unusable("the CA file cannot be used: " + ca_file);
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  return endpoint;
}

}  // namespace rolesync::simulated
