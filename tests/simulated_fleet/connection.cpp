// SPDX-License-Identifier: Apache-2.0
#include "connection.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

namespace rolesync::simulated {
namespace {

constexpr std::size_t kAddresses = 32;  // of the loopback network, so that ports do not run out

bool is_loopback(const sockaddr_in& address) {
  return (ntohl(address.sin_addr.s_addr) >> 24) == 127;
}

// The value of a header in an answer's head, or "". The server writes names as they stand here.
std::string_view header(std::string_view head, std::string_view name) {
  const std::string key = "\r\n" + std::string(name) + ": ";
  const std::size_t at = head.find(key);
  if (at == std::string_view::npos) return {};
  const std::size_t begin = at + key.size();
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

}  // namespace

bool Connection::send(std::string request) {
  out_ = std::move(request);
  written_ = 0;
  in_.clear();
  length_.reset();
  if ((socket_ || connect()) && wait_for(EPOLLOUT) != Step::lost) return true;
  close();
  ++server_;
  return false;
}

bool Connection::connect() {
  ++opened_;
  const sockaddr_in& address = endpoint_.addresses[server_ % endpoint_.addresses.size()];
  socket_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_) return false;
  const int on = 1;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (is_loopback(address)) {
    ::setsockopt(socket_.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(0x7f000001u + static_cast<std::uint32_t>(id_ % kAddresses));
    ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from);
  }
  epoll_event event{EPOLLONESHOT, {.u64 = id_}};
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket_.get(), &event) != 0) return false;
  const int rc = ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (rc != 0 && errno != EINPROGRESS) return false;
  shaken_ = !endpoint_.tls;
  if (shaken_) return true;
  tls_.reset(SSL_new(endpoint_.tls.get()));
  SSL_set_fd(tls_.get(), socket_.get());
  SSL_set_connect_state(tls_.get());
  X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls_.get()), endpoint_.host.c_str());
  return true;
}

void Connection::close() {
  tls_.reset();
  socket_ = UniqueFd();
  shaken_ = false;
}

Connection::Outcome Connection::on_ready() {
  if (!socket_) return Outcome::pending;
  Step step = shaken_ ? Step::done : shake_hands();
  if (step == Step::done && written_ < out_.size()) step = write_some();
  if (step == Step::done) step = read_some();
  if (step == Step::again) return Outcome::pending;
  if (step == Step::done) return Outcome::answered;
  close();
  ++server_;
  return Outcome::lost;
}

Connection::Step Connection::wait_for(std::uint32_t events) {
  epoll_event event{events | EPOLLONESHOT | EPOLLRDHUP, {.u64 = id_}};
  return ::epoll_ctl(epoll_, EPOLL_CTL_MOD, socket_.get(), &event) == 0 ? Step::again : Step::lost;
}

Connection::Step Connection::tls_step(int result) {
  const int error = SSL_get_error(tls_.get(), result);
  if (error == SSL_ERROR_WANT_READ) return wait_for(EPOLLIN);
  if (error == SSL_ERROR_WANT_WRITE) return wait_for(EPOLLOUT);
  return Step::lost;
}

Connection::Step Connection::shake_hands() {
  ERR_clear_error();
  const int rc = SSL_do_handshake(tls_.get());
  if (rc != 1) return tls_step(rc);
  shaken_ = true;
  return Step::done;
}

Connection::Step Connection::write_some() {
  while (written_ < out_.size()) {
    const char* data = out_.data() + written_;
    const std::size_t size = out_.size() - written_;
    if (tls_) {
      ERR_clear_error();
      const int n = SSL_write(tls_.get(), data, static_cast<int>(size));
      if (n <= 0) return tls_step(n);
      written_ += static_cast<std::size_t>(n);
      continue;
    }
    const ssize_t n = ::send(socket_.get(), data, size, MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) return wait_for(EPOLLOUT);
    if (n <= 0) return Step::lost;
    written_ += static_cast<std::size_t>(n);
  }
  sent_bytes_ += out_.size();
  std::string().swap(out_);
  written_ = 0;
  return Step::done;
}

Connection::Step Connection::read_some() {
  std::array<char, 16 << 10> piece;
  for (;;) {
    std::size_t got = 0;
    if (tls_) {
      ERR_clear_error();
      const int n = SSL_read(tls_.get(), piece.data(), static_cast<int>(piece.size()));
      if (n <= 0) return tls_step(n);
      got = static_cast<std::size_t>(n);
    } else {
      const ssize_t n = ::recv(socket_.get(), piece.data(), piece.size(), 0);
      if (n < 0 && errno == EAGAIN) return wait_for(EPOLLIN);
      if (n <= 0) return Step::lost;
      got = static_cast<std::size_t>(n);
    }
    in_.append(piece.data(), got);
    if (complete()) return Step::done;
  }
}

// Whether the whole answer is there; then it is taken apart.
bool Connection::complete() {
  const std::size_t end = in_.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  const std::string_view head = std::string_view(in_).substr(0, end);
  if (!length_) {
    std::size_t body = 0;
    const std::string_view field = header(head, "Content-Length");
    std::from_chars(field.data(), field.data() + field.size(), body);
    length_ = end + 4 + body;
  }
  if (in_.size() < *length_) return false;
  answer_ = {};
  if (head.size() > 12) std::from_chars(head.data() + 9, head.data() + 12, answer_.status);
  const bool ends = header(head, "Connection") == "close";
  answer_.body = in_.substr(end + 4, *length_ - end - 4);
  std::string().swap(in_);
  length_.reset();
  if (ends) close();
  return true;
}

}  // namespace rolesync::simulated
