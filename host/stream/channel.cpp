// SPDX-License-Identifier: Apache-2.0
#include "host/stream/channel.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/SecureStreamSocket.h>
#include <Poco/Net/StreamSocketImpl.h>
#include <Poco/Net/X509Certificate.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>

#include "host/values/hash.hpp"

namespace rolesync {

using Poco::Net::SecureStreamSocket;
using Poco::Net::StreamSocket;

namespace {

// OpenSSL reads and writes the descriptor itself and must not block in it.
StreamSocket non_blocking_socket(int descriptor) {
  StreamSocket socket(new Poco::Net::StreamSocketImpl(descriptor));
  socket.setBlocking(false);
  return socket;
}

}  // namespace

Channel::Channel(int descriptor, std::unique_ptr<SecureStreamSocket> secure)
    : descriptor_(descriptor), secure_(std::move(secure)) {}

Channel::~Channel() {
  if (!secure_) {
    ::close(descriptor_);
    return;
  }
  try {
    secure_->close();
  } catch (const Poco::Exception&) {  // only the farewell failed; the destructor closes
  }
}

std::shared_ptr<Channel> Channel::plain(int descriptor) {
  return std::shared_ptr<Channel>(new Channel(descriptor, nullptr));
}

std::shared_ptr<Channel> Channel::secure_server(int descriptor, Poco::Net::Context::Ptr context) {
  return std::shared_ptr<Channel>(
      new Channel(descriptor, std::make_unique<SecureStreamSocket>(SecureStreamSocket::attach(
                                  non_blocking_socket(descriptor), context))));
}

std::shared_ptr<Channel> Channel::secure_client(int descriptor, const std::string& host,
                                                Poco::Net::Context::Ptr context) {
  return std::shared_ptr<Channel>(
      new Channel(descriptor, std::make_unique<SecureStreamSocket>(SecureStreamSocket::attach(
                                  non_blocking_socket(descriptor), host, context))));
}

Channel::Step Channel::lost(std::string why) {
  failure_ = std::move(why);
  return {State::lost};
}

std::string Channel::failure() const {
  std::lock_guard lock(mutex_);
  return failure_.empty() ? "the connection was closed" : failure_;
}

// One non-blocking call of the TLS socket. Zero means an orderly end.
template <class Call>
Channel::Step Channel::secure_step(Call call) {
  std::lock_guard lock(mutex_);
  try {
    const int rc = call();
    if (rc > 0) return {State::done, static_cast<std::size_t>(rc)};
    if (rc == 0) return {State::end};
    if (rc == SecureStreamSocket::ERR_SSL_WANT_WRITE) return {State::want_write};
    return {State::want_read};
  } catch (const Poco::Exception& e) {
    return lost(e.displayText());
  } catch (const std::exception& e) {
    return lost(e.what());
  }
}

Channel::Step Channel::try_read(char* buffer, std::size_t size) {
  const int most = static_cast<int>(std::min<std::size_t>(size, INT_MAX));
  if (secure_) return secure_step([&] { return secure_->receiveBytes(buffer, most); });
  for (;;) {
    const ssize_t n = ::recv(descriptor_, buffer, size, MSG_DONTWAIT);
    if (n > 0) return {State::done, static_cast<std::size_t>(n)};
    if (n == 0) return {State::end};
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {State::want_read};
    std::lock_guard lock(mutex_);
    return lost(std::strerror(errno));
  }
}

Channel::Step Channel::try_peek(char* buffer, std::size_t size) {
  for (;;) {
    const ssize_t n = ::recv(descriptor_, buffer, size, MSG_DONTWAIT | MSG_PEEK);
    if (n > 0) return {State::done, static_cast<std::size_t>(n)};
    if (n == 0) return {State::end};
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {State::want_read};
    std::lock_guard lock(mutex_);
    return lost(std::strerror(errno));
  }
}

Channel::Step Channel::try_write(std::string_view bytes) {
  const int most = static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX));
  if (most == 0) return {State::done, 0};
  if (secure_) return secure_step([&] { return secure_->sendBytes(bytes.data(), most); });
  for (;;) {
    const ssize_t n = ::send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) return {State::done, static_cast<std::size_t>(n)};
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {State::want_write};
    std::lock_guard lock(mutex_);
    return lost(std::strerror(errno));
  }
}

Channel::Step Channel::try_handshake() {
  if (!secure_) return {State::done};
  return secure_step([&] { return secure_->completeHandshake(); });
}

void Channel::end_writing() {
  if (!secure_) {
    ::shutdown(descriptor_, SHUT_WR);
    return;
  }
  std::lock_guard lock(mutex_);
  try {
    secure_->shutdown();  // on a non-blocking socket: only TLS's own end of data, reading goes on
  } catch (const Poco::Exception& e) {
    failure_ = e.displayText();
  }
}

void Channel::shutdown() {
  ::shutdown(descriptor_, SHUT_RDWR);
}

std::string Channel::peer_certificate_sha256() {
  std::lock_guard lock(mutex_);
  if (!secure_ || !secure_->havePeerCertificate()) return {};
  const Poco::Net::X509Certificate certificate = secure_->peerCertificate();
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (!X509_digest(certificate.certificate(), EVP_sha256(), digest.data(), &size)) return {};
  return to_hex({reinterpret_cast<const char*>(digest.data()), size});
}

bool Channel::peer_certificate_names(const std::string& host) {
  std::lock_guard lock(mutex_);
  if (!secure_ || !secure_->havePeerCertificate()) return false;
  const Poco::Net::X509Certificate certificate = secure_->peerCertificate();
  // The casts: before OpenSSL 4 these do not take a const certificate.
  auto* x509 = const_cast<X509*>(certificate.certificate());
  return X509_check_ip_asc(x509, host.c_str(), 0) == 1 ||
         X509_check_host(x509, host.data(), host.size(), 0, nullptr) == 1;
}

std::optional<Millis> Channel::peer_certificate_expires_at() {
  std::lock_guard lock(mutex_);
  if (!secure_ || !secure_->havePeerCertificate()) return std::nullopt;
  const Poco::Net::X509Certificate certificate = secure_->peerCertificate();
  return certificate.expiresOn().timestamp().epochMicroseconds() / 1000;
}

Waited wait_for(const Channel& channel, Channel::State wanted, Deadline deadline, int wake) {
  const short events = wanted == Channel::State::want_write ? POLLOUT : POLLIN;
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return Waited::timeout;
    std::array<pollfd, 2> fds{{{channel.descriptor(), events, 0}, {wake, POLLIN, 0}}};
    const auto most = std::min<std::chrono::milliseconds::rep>(left.count(), INT_MAX);
    const int n = ::poll(fds.data(), wake < 0 ? 1 : 2, static_cast<int>(most));
    if (n > 0) return wake >= 0 && fds[1].revents != 0 ? Waited::woken : Waited::ready;
    if (n < 0 && errno != EINTR) return Waited::ready;  // the next read or write will say why
  }
}

void ignore_broken_pipes() {
  struct sigaction now {};
  if (::sigaction(SIGPIPE, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) {
    now.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &now, nullptr);
  }
}

}  // namespace rolesync
