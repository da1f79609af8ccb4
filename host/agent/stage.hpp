// SPDX-License-Identifier: Apache-2.0
// The first half of a task: brings the blobs that this node lacks into staging and proves them.
// Touches nothing live. One thread per task.
#pragma once
#include <chrono>
#include <mutex>

#include <string>

#include "host/activation/installation.hpp"
#include "host/agent/prover.hpp"
#include "host/agent/role_plugins.hpp"
#include "host/agent/server_link.hpp"
#include "host/agent/task.hpp"
#include "host/agent/task_events.hpp"

namespace rolesync::agent {

class Stager {
 public:
  Stager(const AgentConfig& config, ServerLink& link, RolePlugins& plugins, Prover& prover,
         TaskEvents& events)
      : config_(config), link_(link), plugins_(plugins), prover_(prover), events_(events) {}

  // Errors are the task's end: nothing has been touched. `manifest` gets the content's manifest.
  Status stage(TaskRecord& record, Installation& installation, const CancelFlag& cancelled,
               Manifest& manifest);

 private:
  // What the server answers for a task: its manifest, checked against its id, and perhaps the
  // bytes.
  struct Content {
    Manifest manifest;
    std::string pack;  // may be empty
  };
  Result<Content> content_of(LinkClient& client, const Task& task, const Release* installed);
  Status preflight(const Task& task) const;
  Status adopt_base(const Task& task, LinkClient& client, Installation& installation);
  Status fetch(const Task& task, Installation& installation, const CancelFlag& cancelled,
               Manifest& manifest);
  Status fetch_lacking(const Task& task, LinkClient& client, Installation& installation,
                       const std::vector<ManifestEntry>& lacking, const CancelFlag& cancelled);

  void report_progress(std::uint64_t done, std::uint64_t total, const std::string& unit);

  const AgentConfig& config_;
  ServerLink& link_;
  RolePlugins& plugins_;
  Prover& prover_;
  TaskEvents& events_;
  TaskRecord* record_ = nullptr;  // while staging
  std::mutex progress_mutex_;     // a deployer may have threads of its own
  std::chrono::steady_clock::time_point progressed_;
};

}  // namespace rolesync::agent
