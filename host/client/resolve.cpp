// SPDX-License-Identifier: Apache-2.0
#include "host/client/resolve.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/DNS.h>
#include <Poco/Net/HostEntry.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <climits>
#include <mutex>
#include <thread>

namespace rolesync {
namespace {

using Poco::Net::IPAddress;
using Poco::Net::SocketAddress;

// What the resolving thread leaves behind, for us or for nobody.
struct Lookup {
  std::mutex mutex;
  std::vector<IPAddress> addresses;
  std::string failure;
  Interrupter done;
};

void look_up(const std::string& host, Lookup& lookup) {
  std::vector<IPAddress> addresses;
  std::string failure;
  try {
    addresses = Poco::Net::DNS::hostByName(host).addresses();
  } catch (const Poco::Exception& e) {
    failure = e.displayText();
  }
  std::lock_guard lock(lookup.mutex);
  lookup.addresses = std::move(addresses);
  lookup.failure = std::move(failure);
  lookup.done.interrupt();
}

Status wait_for_lookup(const Lookup& lookup, Interrupter& interrupter, Deadline deadline) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    std::array<pollfd, 2> fds{
        {{lookup.done.descriptor(), POLLIN, 0}, {interrupter.descriptor(), POLLIN, 0}}};
    const auto most = std::clamp<std::chrono::milliseconds::rep>(left.count(), 0, INT_MAX);
    const int n = ::poll(fds.data(), fds.size(), static_cast<int>(most));
    if (n > 0 && fds[1].revents != 0) {
      interrupter.clear();
      return Error{ErrorKind::unavailable, "interrupted", "The request was interrupted", ""};
    }
    if (n > 0) return {};
    if (n == 0) {
      return Error{ErrorKind::timeout, "server_silent",
                   "The server's name was not resolved in time",
                   "check this machine's name resolution"};
    }
  }
}

std::vector<SocketAddress> with_port(const std::vector<IPAddress>& addresses, std::uint16_t port) {
  std::vector<SocketAddress> out;
  out.reserve(addresses.size());
  for (const IPAddress& address : addresses) out.emplace_back(address, port);
  return out;
}

}  // namespace

Result<std::vector<SocketAddress>> resolve(const std::string& host, std::uint16_t port,
                                           Interrupter& interrupter, Deadline deadline) {
  IPAddress address;
  if (IPAddress::tryParse(host, address)) return with_port({address}, port);
  if (host == "localhost") {
    return with_port({IPAddress("127.0.0.1"), IPAddress("::1")}, port);
  }
  auto lookup = std::make_shared<Lookup>();
  std::thread([host, lookup] { look_up(host, *lookup); }).detach();
  if (Status waited = wait_for_lookup(*lookup, interrupter, deadline); !waited) {
    return waited.error();
  }
  std::lock_guard lock(lookup->mutex);
  if (lookup->addresses.empty()) {
    return Error{ErrorKind::unavailable, "server_unreachable",
                 "The server's name " + host + " is not known: " + lookup->failure,
                 "check the server's URL and this machine's name resolution"};
  }
  return with_port(lookup->addresses, port);
}

}  // namespace rolesync
