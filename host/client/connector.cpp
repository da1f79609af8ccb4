// SPDX-License-Identifier: Apache-2.0
#include "host/client/connector.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/IPAddress.h>
#include <Poco/URI.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

#include "host/client/resolve.hpp"
#include "host/stream/tls.hpp"

namespace rolesync {
namespace {

bool is_loopback(const std::string& host) {
  Poco::Net::IPAddress address;
  return host == "localhost" ||
         (Poco::Net::IPAddress::tryParse(host, address) && address.isLoopback());
}

Error invalid_url(const std::string& url) {
  return {ErrorKind::invalid, "invalid_url", "'" + url + "' is not the URL of a server",
          "write it like https://server.example:8770"};
}

Error unreachable(const std::string& url, const std::string& why) {
  return {ErrorKind::unavailable, "server_unreachable", "Cannot reach " + url + ": " + why,
          "check that the server runs and that the URL is right"};
}

// What answers cannot prove that it is the server.
Error unverified(const char* reason, std::string message, std::string hint) {
  return {ErrorKind::denied, reason, std::move(message), std::move(hint)};
}

Error mismatch(std::string message) {
  return unverified("certificate_mismatch", std::move(message),
                    "if the server's certificate was renewed, join again or update the "
                    "fingerprint; if not, somebody else answers at its address");
}

// A descriptor that closes itself unless it is given away.
struct Socket {
  int descriptor;
  ~Socket() {
    if (descriptor >= 0) ::close(descriptor);
  }
  int give_away() { return std::exchange(descriptor, -1); }
};

// Connected and blocking again (Channel's own calls never block). The value is the descriptor.
Result<int> connect_socket(const Poco::Net::SocketAddress& to, Interrupter& interrupter,
                           Deadline deadline) {
  Socket socket{::socket(to.af(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (socket.descriptor < 0) return unreachable(to.toString(), std::strerror(errno));
  if (::connect(socket.descriptor, to.addr(), to.length()) != 0 && errno != EINPROGRESS) {
    return unreachable(to.toString(), std::strerror(errno));
  }
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    std::array<pollfd, 2> fds{
        {{socket.descriptor, POLLOUT, 0}, {interrupter.descriptor(), POLLIN, 0}}};
    const auto most = std::clamp<std::chrono::milliseconds::rep>(left.count(), 0, INT_MAX);
    const int n = ::poll(fds.data(), fds.size(), static_cast<int>(most));
    if (n < 0) continue;
    if (n == 0) return unreachable(to.toString(), "it did not accept the connection in time");
    if (fds[1].revents != 0) {
      interrupter.clear();
      return Error{ErrorKind::unavailable, "interrupted", "The request was interrupted", ""};
    }
    break;
  }
  int failure = 0;
  socklen_t size = sizeof failure;
  ::getsockopt(socket.descriptor, SOL_SOCKET, SO_ERROR, &failure, &size);
  if (failure != 0) return unreachable(to.toString(), std::strerror(failure));
  const int on = 1;
  ::setsockopt(socket.descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(socket.descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::fcntl(socket.descriptor, F_SETFL, ::fcntl(socket.descriptor, F_GETFL) & ~O_NONBLOCK);
  return socket.give_away();
}

}  // namespace

Result<Connector> Connector::create(const ServerAddress& address) {
  Connector out;
  out.url_ = address.url;
  bool secure = false;
  try {
    const Poco::URI uri(address.url);
    secure = uri.getScheme() == "https";
    if ((!secure && uri.getScheme() != "http") || uri.getHost().empty() ||
        !(uri.getPath().empty() || uri.getPath() == "/") || !uri.getUserInfo().empty() ||
        !uri.getRawQuery().empty()) {
      return invalid_url(address.url);
    }
    out.host_ = uri.getHost();
    out.port_ = uri.getPort();
    const bool v6 = out.host_.find(':') != std::string::npos;
    out.host_header_ = (v6 ? '[' + out.host_ + ']' : out.host_) + ':' + std::to_string(out.port_);
  } catch (const Poco::Exception&) {
    return invalid_url(address.url);
  }
  if (!secure) {
    if (is_loopback(out.host_)) return out;
    return Error{ErrorKind::invalid, "tls_required",
                 "A token must not travel to " + out.host_ + " without TLS",
                 "use the server's https:// URL"};
  }
  if (address.certificate_sha256.empty() && address.ca_file.empty()) {
    return Error{ErrorKind::invalid, "no_trust",
                 "Nothing is known by which the server's certificate could be checked",
                 "give its fingerprint or a CA file (/etc/ssl/certs/ca-certificates.crt for public "
                 "authorities)"};
  }
  out.pin_ = address.certificate_sha256;
  auto context = tls_client_context(out.pin_.empty() ? address.ca_file : "");
  if (!context) return context.error();
  out.tls_ = *context;
  return out;
}

Result<Wire> Connector::connect(Interrupter& interrupter, Deadline deadline, bool* accepted) const {
  auto addresses = resolve(host_, port_, interrupter, deadline);
  if (!addresses) return addresses.error();
  Error last = unreachable(url_, "it has no address");
  for (const Poco::Net::SocketAddress& address : *addresses) {
    Result<int> socket = connect_socket(address, interrupter, deadline);
    if (!socket) {
      last = socket.error();
      if (last.reason == "interrupted") return last;
      continue;
    }
    if (accepted) *accepted = true;
    if (!tls_) return Wire(Channel::plain(*socket), interrupter);
    try {
      Wire wire(Channel::secure_client(*socket, host_, tls_), interrupter);
      if (Status verified = verify(wire, deadline); !verified) return verified.error();
      return wire;
    } catch (const Poco::Exception& e) {
      return unreachable(url_, e.displayText());
    }
  }
  return last;
}

// After this the other side is the server we know; before it, nothing of ours was sent.
Status Connector::verify(Wire& wire, Deadline deadline) const {
  (void)take_certificate_problem();
  if (Status shaken = wire.handshake(deadline); !shaken) {
    if (shaken.error().reason != "connection_lost") return shaken;
    switch (take_certificate_problem()) {
      case CertificateProblem::expired:
        return unverified("certificate_expired",
                          "The certificate of " + url_ + " has expired, or is not valid yet",
                          "renew the server's certificate, or set this machine's clock");
      case CertificateProblem::untrusted:
        return unverified("certificate_untrusted",
                          "The certificate of " + url_ + " is not signed by the configured CA",
                          "name the CA that signed it as ca_file; or somebody else answers there");
      case CertificateProblem::none:
        break;
    }
    return unreachable(url_, "the TLS handshake failed: " + wire.channel()->failure());
  }
  if (pin_.empty()) {
    if (wire.channel()->peer_certificate_names(host_)) return {};
    return unverified("certificate_wrong_name",
                      "The certificate of " + url_ + " is for another host than " + host_,
                      "use the name that the certificate names, or make one for " + host_);
  }
  const std::string shown = wire.channel()->peer_certificate_sha256();
  if (shown == pin_) return {};
  return mismatch("The certificate of " + url_ + " has the fingerprint " + shown +
                  ", expected was " + pin_);
}

}  // namespace rolesync
