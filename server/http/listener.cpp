// SPDX-License-Identifier: Apache-2.0
#include "server/http/listener.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/SocketImpl.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

namespace rolesync::http {
namespace {

// A client that lost its power says nothing: unacknowledged bytes and silence end after this.
constexpr int kUnacknowledgedMs = 60'000, kProbeAfterSeconds = 60, kProbeEverySeconds = 15;

void expect_sudden_ends(int descriptor) {
  const int on = 1;
  ::setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &kProbeAfterSeconds, sizeof(int));
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &kProbeEverySeconds, sizeof(int));
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUnacknowledgedMs, sizeof(int));
}

constexpr int kBacklog = 4'096;  // a thousand agents may come back in the same second

}  // namespace

Listener::Listener() : socket_(std::make_unique<Poco::Net::ServerSocket>()) {}
Listener::~Listener() = default;

Result<std::unique_ptr<Listener>> Listener::open(const std::string& address, std::uint16_t port) {
  std::unique_ptr<Listener> listener(new Listener());
  try {
    const Poco::Net::SocketAddress at(address, port);
    listener->socket_->bind(at, true, false);
    listener->socket_->listen(kBacklog);
    listener->socket_->setBlocking(false);
    ::fcntl(listener->descriptor(), F_SETFD, FD_CLOEXEC);
    listener->port_ = listener->socket_->address().port();
  } catch (const Poco::Exception& e) {
    return Error{
        ErrorKind::unavailable, "address_in_use",
        "Cannot listen on " + address + " port " + std::to_string(port) + ": " + e.displayText(),
        "stop what listens there, or choose another address or port"};
  }
  return listener;
}

// accept4 itself, because Poco's accept leaves the descriptor open in child processes.
Listener::Accepted Listener::accept() {
  Accepted out;
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  do {
    out.descriptor =
        ::accept4(descriptor(), reinterpret_cast<sockaddr*>(&from), &size, SOCK_CLOEXEC);
  } while (out.descriptor < 0 && (errno == EINTR || errno == ECONNABORTED));
  if (out.descriptor < 0) {
    out.exhausted = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    return out;
  }
  const int on = 1;
  ::setsockopt(out.descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  expect_sudden_ends(out.descriptor);
  out.peer = Poco::Net::SocketAddress(reinterpret_cast<sockaddr*>(&from), size).toString();
  return out;
}

// The descriptor stays valid for an I/O thread that is in accept() just now.
void Listener::end() {
  ::shutdown(descriptor(), SHUT_RDWR);
}

int Listener::descriptor() const {
  return socket_->impl()->sockfd();
}

}  // namespace rolesync::http
