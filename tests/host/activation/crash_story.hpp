// SPDX-License-Identifier: Apache-2.0
// The one activation that all crash tests interrupt, and what must hold after recovery: the managed
// files are one complete release, the marker says which, and nobody's file is lost.
#pragma once
#include "tests/host/activation/tree_fixture.hpp"

namespace rolesync::crash_story {

inline const Tree kOld = {{"index.html", "old index"},
                          {"bin/run", "#!old"},
                          {"gone/one", "leaves 1"},
                          {"gone/two", "leaves 2"},
                          {"same", "unchanged"},
                          {"link", "->same"},
                          {"turns/into/file", "was in a directory"},
                          {"turned", "was a file"},
                          {"edited", "old, edited by hand"},
                          {"edited-gone", "old, edited by hand, and leaves"}};
inline const Tree kNew = {{"index.html", "new index"},
                          {"bin/run", "#!new"},
                          {"fresh/dir/file", "appears"},
                          {"fresh/twice", "appears"},
                          {"same", "unchanged"},
                          {"link", "->index.html"},
                          {"turns", "is a file now"},
                          {"turned/into/directory", "moved in"},
                          {"edited", "new"},
                          {"foreign", "new, and a file is there"}};
// Not ours; the last three stand where a managed file changes.
inline const Tree kStrangers = {{".env", "secret"},
                                {"gone/log", "not ours"},
                                {"edited", "EDIT 1"},
                                {"edited-gone", "EDIT 2"},
                                {"foreign", "EDIT 3"}};

inline InstallationOptions options(const std::string& root) {
  InstallationOptions options;
  options.root = root;
  options.target = root + "/srv/app";
  options.role = "web";
  return options;
}

// Deploys kOld (unless `fresh`: then nothing is installed) and puts the strangers there.
inline void prepare(FileSystem& fs, const std::string& root, bool fresh) {
  if (!fresh) {
    auto installation = Installation::open(fs, options(root));
    ASSERT_EQ(problem(installation), "");
    ASSERT_EQ(problem(deploy(**installation, kOld, FirstInstall::refuse, "old")), "");
    ASSERT_EQ(problem((*installation)->prove()), "");
  }
  for (const auto& [path, content] : kStrangers) {
    if (!fresh || !kOld.contains(path)) put_file(root + "/srv/app/" + path, content);
  }
}

inline Result<SwitchReport> activate(Installation& installation) {
  return installation.activate(release_of(kNew, "new"), FirstInstall::overlay);
}

// Recovers and checks; "" when all holds, else what does not.
inline std::string recover_and_check(const std::string& root, bool fresh) {
  auto opened = Installation::open(real_file_system(), options(root));
  if (!opened) return "open: " + opened.error().text();
  Installation& installation = **opened;
  const auto done = installation.recover();
  if (!done) return "recover: " + done.error().text();
  if (installation.interrupted()) return "still interrupted";
  const Release* current = installation.current();
  const std::string commit = current ? current->commit : "";
  if (commit != "new" && commit != (fresh ? "" : "old")) return "the marker says " + commit;

  Tree tree = tree_at(root + "/srv/app");
  const Tree nothing;
  const Tree& managed = commit == "new" ? kNew : commit == "old" ? kOld : nothing;
  Tree saved;
  for (const auto& [path, content] : tree_at(root + "/.rolesync/web/saved")) {
    saved[content] = path;
  }
  for (const auto& [path, content] : kStrangers) {
    if (fresh && kOld.contains(path)) continue;
    const auto at = tree.find(path);
    const bool live = at != tree.end() && at->second == content;
    if (!live && !saved.contains(content)) return "lost: " + path + " = " + content;
    if (live && !managed.contains(path)) tree.erase(at);
    // An edited file of the release that stays is drift, as it was before.
    if (live && commit != "new" && managed.contains(path)) at->second = managed.at(path);
  }
  if (tree != managed) {
    std::string text = "not the release " + commit + ":";
    for (const auto& [path, content] : tree) {
      const auto at = managed.find(path);
      if (at == managed.end() || at->second != content) text += " [" + path + "=" + content + "]";
    }
    for (const auto& [path, content] : managed) {
      if (!tree.contains(path)) text += " [" + path + " is missing]";
    }
    return text;
  }
  const auto again = installation.recover();
  if (!again || !again->empty()) return "recover is not idempotent";
  return "";
}

// After recovery life goes on: the update succeeds, and its rollback too.
inline std::string update_and_roll_back(const std::string& root, bool fresh) {
  auto opened = Installation::open(real_file_system(), options(root));
  if (!opened) return "open: " + opened.error().text();
  Installation& installation = **opened;
  if (!installation.current() || installation.current()->commit != "new") {
    const auto report = deploy(installation, kNew, FirstInstall::overlay, "new");
    if (!report) return "update: " + report.error().text();
  }
  Tree tree = tree_at(root + "/srv/app");
  for (const auto& [path, content] : kNew) {
    if (tree[path] != content) return "after the update " + path + " is " + tree[path];
  }
  if (fresh) return "";
  const auto report = installation.roll_back();
  if (!report) return "rollback: " + report.error().text();
  tree = tree_at(root + "/srv/app");
  for (const auto& [path, content] : kOld) {
    const bool edited = kStrangers.contains(path) && tree[path] == kStrangers.at(path);
    if (tree[path] != content && !edited) return "after the rollback " + path + " is " + tree[path];
  }
  return installation.current()->commit == "old" ? "" : "the rollback's marker is wrong";
}

}  // namespace rolesync::crash_story
