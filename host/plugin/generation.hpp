// SPDX-License-Identifier: Apache-2.0
// What the registry offers between two changes of its directories: which file serves which
// (kind, id). Immutable once made; calls in flight keep the one they started with.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/plugin/plugin_file.hpp"

namespace rolesync::plugin {

struct Generation {
  struct Entry {
    std::shared_ptr<PluginFile> file;
    PluginInfo info;  // without what changes by itself: calls, faults, quarantine
  };
  struct Served {
    std::shared_ptr<PluginFile> file;
    std::shared_ptr<Provider> provider;
  };
  using Id = std::pair<std::string, std::string>;

  std::vector<Entry> entries;
  std::map<Id, Served> served;

  // Nothing to tell anybody about.
  bool looks_like(const Generation& other) const;
};

struct Candidate {
  std::shared_ptr<PluginFile> file;
  std::optional<Error> replacement;  // why what lies there now was not taken in its place
};

// Of several files that provide the same (kind, id) the higher version serves it. Between equal
// versions the one that serves it already stays, else the first in order; the other is refused.
std::shared_ptr<const Generation> make_generation(const std::vector<Candidate>& files,
                                                  const Generation* before);

}  // namespace rolesync::plugin
