// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/generation.hpp"

#include <algorithm>

namespace rolesync::plugin {
namespace {

struct Contender {
  std::size_t entry;
  std::size_t provided;
};

PluginInfo info_of(const PluginFile& file) {
  PluginInfo info;
  info.path = file.path;
  info.name = file.path.stem().string();
  info.sha256 = file.sha256;
  info.isolated = file.isolated;
  if (file.error) {
    info.reason = file.error->reason;
    info.detail = file.error->text();
    return info;
  }
  info.abi = file.abi;
  info.name = file.descriptor.name;
  info.version = file.descriptor.version_text;
  info.state = PluginState::ready;
  return info;
}

void say_replacement_refused(PluginInfo& info, const Error& why) {
  info.reason = "replacement_refused";
  info.detail = "version " + info.version +
                " goes on; the file there now is refused: " + why.reason + ", " + why.text();
}

// Is `a` to be preferred to `b`, which stands before it?
bool replaces(const PluginFile& a, const PluginFile& b, const std::string& incumbent) {
  const int order = compare(a.descriptor.version, b.descriptor.version);
  return order > 0 || (order == 0 && a.path == incumbent && b.path != incumbent);
}

void refuse(PluginInfo& loser, const Provided& provided, const PluginFile& file,
            const PluginFile& winner) {
  const bool equal = compare(file.descriptor.version, winner.descriptor.version) == 0;
  loser.reason = equal ? "duplicate_id" : "superseded";
  loser.detail = provided.kind + " " + provided.id + " is provided by " + winner.path.string() +
                 " " + winner.descriptor.version_text + " and by " + file.path.string() + " " +
                 file.descriptor.version_text +
                 (equal ? ": the versions are equal, so the second is refused"
                        : ": the higher version is used");
}

}  // namespace

bool Generation::looks_like(const Generation& other) const {
  return std::equal(entries.begin(), entries.end(), other.entries.begin(), other.entries.end(),
                    [](const Entry& a, const Entry& b) {
                      return a.info.path == b.info.path && a.info.sha256 == b.info.sha256 &&
                             a.info.state == b.info.state && a.info.reason == b.info.reason &&
                             a.info.detail == b.info.detail;
                    });
}

std::shared_ptr<const Generation> make_generation(const std::vector<Candidate>& files,
                                                  const Generation* before) {
  auto made = std::make_shared<Generation>();
  std::map<Generation::Id, std::vector<Contender>> contenders;
  for (const auto& [file, replacement] : files) {
    const std::size_t entry = made->entries.size();
    made->entries.push_back({file, info_of(*file)});
    if (replacement) say_replacement_refused(made->entries.back().info, *replacement);
    if (file->error) continue;
    for (std::size_t i = 0; i < file->descriptor.provides.size(); ++i) {
      const Provided& provided = file->descriptor.provides[i];
      contenders[{provided.kind, provided.id}].push_back({entry, i});
    }
  }
  for (const auto& [id, list] : contenders) {
    std::string incumbent;
    if (before) {
      const auto served = before->served.find(id);
      if (served != before->served.end()) incumbent = served->second.file->path.string();
    }
    Contender best = list.front();
    for (const Contender& contender : list) {
      if (replaces(*made->entries[contender.entry].file, *made->entries[best.entry].file,
                   incumbent)) {
        best = contender;
      }
    }
    const auto& winner = made->entries[best.entry].file;
    made->served[id] = {winner, winner->providers[best.provided]};
    for (const Contender& contender : list) {
      Generation::Entry& entry = made->entries[contender.entry];
      const Provided& provided = entry.file->descriptor.provides[contender.provided];
      if (contender.entry == best.entry) {
        entry.info.provides.push_back(provided);
      } else {
        refuse(entry.info, provided, *entry.file, *winner);
      }
    }
  }
  for (Generation::Entry& entry : made->entries) {
    if (entry.info.state == PluginState::ready && entry.info.provides.empty()) {
      entry.info.state = PluginState::failed;
    }
  }
  return made;
}

}  // namespace rolesync::plugin
