// SPDX-License-Identifier: Apache-2.0
// Gives a node the bytes its task lacks: an offer of verified blobs, which the server half of the
// task's deployer serves on a stream that the node opens. Any thread.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "host/plugin/registry.hpp"
#include "server/http/streams.hpp"
#include "server/source/source_service.hpp"
#include "server/store/store.hpp"

namespace rolesync::rollout {

struct MadeOffer {
  std::string id;  // the stream id, good for one connection of this node
  std::uint64_t files = 0, bytes = 0;
  std::string deployer;  // JSON text: what the deployer's server half said
};

struct OfferPaths {
  std::filesystem::path plugin_host_program;
  std::filesystem::path private_root;  // private files of plugin calls are made here
};

class OfferDesk {
 public:
  OfferDesk(store::Store& store, plugin::Registry& registry, source::SourceService& service,
            http::StreamBroker& streams, OfferPaths paths)
      : store_(store),
        registry_(registry),
        service_(service),
        streams_(streams),
        paths_(std::move(paths)) {}

  // Errors: not_found/unknown_task (also of another node), conflict/task_ended,
  // invalid/blob_not_in_content, and those of the deployer.
  Result<MadeOffer> make(const std::string& node, const std::string& task_id,
                         const std::vector<std::string>& wanted);

 private:
  void serve(const std::string& deployer, const source::Offer& offer,
             std::unique_ptr<Stream> stream, const std::string& node, const std::string& task_id);

  store::Store& store_;
  plugin::Registry& registry_;
  source::SourceService& service_;
  http::StreamBroker& streams_;
  const OfferPaths paths_;
};

}  // namespace rolesync::rollout
