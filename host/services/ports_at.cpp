// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "host/services/ports.hpp"

namespace rolesync {
namespace {

class PortsAt : public Ports {
 public:
  PortsAt(std::unique_ptr<Ports> all, std::string address)
      : all_(std::move(all)), address_(std::move(address)) {}
  Result<std::vector<ListeningPort>> scan() override {
    Result<std::vector<ListeningPort>> ports = all_->scan();
    if (!ports || address_.empty()) return ports;
    std::erase_if(*ports, [this](const ListeningPort& port) {
      return port.address != address_ && port.address != "0.0.0.0" && port.address != "::";
    });
    return ports;
  }

 private:
  std::unique_ptr<Ports> all_;
  std::string address_;
};

}  // namespace

std::unique_ptr<Ports> ports_at(std::unique_ptr<Ports> all, std::string address) {
  return std::make_unique<PortsAt>(std::move(all), std::move(address));
}

}  // namespace rolesync
