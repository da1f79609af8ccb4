// SPDX-License-Identifier: Apache-2.0
// The generation in use, and the way to the next one. Any thread.
#pragma once
#include <memory>
#include <mutex>

#include "host/plugin/directories.hpp"
#include "host/plugin/generation.hpp"
#include "host/plugin/plugin_file.hpp"

namespace rolesync::plugin {

class Generations {
 public:
  explicit Generations(const RegistryOptions& options);

  std::shared_ptr<const Generation> current() const;

  // Looks at the directories; returns when what is there is in use. True when there is something
  // to tell.
  bool scan();

 private:
  Candidate candidate(const FoundFile& found, const Generation& before);

  const RegistryOptions& options_;
  std::mutex scan_mutex_;  // one scan at a time; taken before the other
  Loader loader_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Generation> current_;
};

}  // namespace rolesync::plugin
