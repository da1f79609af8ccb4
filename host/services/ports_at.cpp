// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "host/services/ports.hpp"

namespace rolesync {
namespace {

class PortsAt : public Ports {
 public:
  PortsAt(std::unique_ptr<Ports> all, std::string address)
      : all_(std::move(all)), address_(std::move(address)) {}
  Result<std::vector<ListeningPort>> scan_all() override { return all_->scan(); }
  std::string address() const override { return address_; }
  Result<std::vector<ListeningPort>> scan() override {
    Result<std::vector<ListeningPort>> ports = all_->scan();
    if (!ports || address_.empty()) return ports;
    std::erase_if(*ports,
                  [this](const ListeningPort& port) { return !reachable_at(port, address_); });
    return ports;
  }

 private:
  std::unique_ptr<Ports> all_;
  std::string address_;
};

}  // namespace

bool reachable_at(const ListeningPort& port, const std::string& address) {
  if (port.address == address) return true;
  const bool v6 = address.find(':') != std::string::npos;
  if (port.address == "0.0.0.0") return !v6;
  return port.address == "::" && (v6 || !port.v6_only);
}

std::unique_ptr<Ports> ports_at(std::unique_ptr<Ports> all, std::string address) {
  return std::make_unique<PortsAt>(std::move(all), std::move(address));
}

}  // namespace rolesync
