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
#include "server/store/jobs.hpp"
#include "server/store/store.hpp"

namespace rolesync::rollout {

struct MadeOffer {
  std::string id;  // the stream id, good for one connection of this node
  std::uint64_t files = 0, bytes = 0;
  std::string deployer;  // JSON text: what the deployer's server half said
};

// How a node that has `from` gets to the content of its task.
struct ContentAnswer {
  const char* type = "";  // manifest_type or update_type
  source::Updates::Text text;
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

  // The content of a task: as an update from the content that the node says it has, when that is
  // known and its own, else as a whole manifest. Errors: not_found/unknown_task (also of another
  // node), conflict/task_ended, not_found/unknown_content.
  Result<ContentAnswer> content(const std::string& node, const std::string& task_id,
                                const std::string& from);
  // What a task with first_install adopt takes the node's tree for. Errors as of content(); also
  // conflict/not_adopting.
  Result<ContentAnswer> adopted(const std::string& node, const std::string& task_id);

 private:
  struct OpenTask {
    store::SyncTask task;
    std::string deployer;
  };
  Result<OpenTask> open_task(const std::string& node, const std::string& task_id);
  void serve(const std::string& deployer, const source::Offer& offer,
             std::unique_ptr<Stream> stream, const std::string& node, const std::string& task_id);

  store::Store& store_;
  plugin::Registry& registry_;
  source::SourceService& service_;
  http::StreamBroker& streams_;
  const OfferPaths paths_;
};

}  // namespace rolesync::rollout
