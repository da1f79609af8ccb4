// SPDX-License-Identifier: Apache-2.0
// A throw-away directory with an allowed root and a target, and short ways to describe, deploy and
// compare trees. Single thread.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "host/activation/installation.hpp"
#include "host/values/hash.hpp"

namespace rolesync {

// Where TMPDIR says, else in memory (these tests sync a lot), else on the disk.
inline std::filesystem::path place_for_tests() {
  if (std::getenv("TMPDIR") || ::access("/dev/shm", W_OK) != 0) {
    return std::filesystem::temp_directory_path();
  }
  return "/dev/shm";
}

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = place_for_tests() / "rolesync-test-XXXXXX";
    path_ = std::filesystem::canonical(::mkdtemp(name.data())).string();
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Path -> content. A content that begins with "->" is a symlink to what follows, one that begins
// with "#!" is executable.
using Tree = std::map<std::string, std::string>;

inline bool is_link(const std::string& content) {
  return content.starts_with("->");
}
inline std::string bytes_of(const std::string& content) {
  return is_link(content) ? content.substr(2) : content;
}

inline ManifestEntry entry_of(const std::string& path, const std::string& content) {
  const FileMode mode = is_link(content)            ? FileMode::symlink
                        : content.starts_with("#!") ? FileMode::executable
                                                    : FileMode::regular;
  const std::string bytes = bytes_of(content);
  return {mode, git_blob_id(bytes), bytes.size(), path};
}

inline Manifest manifest_of(const Tree& tree) {
  std::vector<ManifestEntry> entries;
  for (const auto& [path, content] : tree) entries.push_back(entry_of(path, content));
  Result<Manifest> manifest = Manifest::from_entries(std::move(entries));
  EXPECT_TRUE(manifest.ok()) << (manifest ? "" : manifest.error().text());
  return manifest ? *manifest : Manifest();
}

inline void put_file(const std::string& path, const std::string& content) {
  namespace stdfs = std::filesystem;
  stdfs::create_directories(stdfs::path(path).parent_path());
  if (is_link(content)) {
    stdfs::remove(path);
    stdfs::create_symlink(bytes_of(content), path);
    return;
  }
  std::ofstream(path, std::ios::binary) << content;
  using stdfs::perms;
  const bool executable = content.starts_with("#!");
  stdfs::permissions(path, perms::owner_exec | perms::group_exec | perms::others_exec,
                     executable ? stdfs::perm_options::add : stdfs::perm_options::remove);
}

inline std::string content_at(const std::string& path) {
  namespace stdfs = std::filesystem;
  if (stdfs::is_symlink(path)) return "->" + stdfs::read_symlink(path).string();
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Every file below a directory. Executables whose text does not say so, and the opposite, get a
// mark, so that a comparison shows them.
inline Tree tree_at(const std::string& top) {
  namespace stdfs = std::filesystem;
  Tree tree;
  if (!stdfs::exists(top)) return tree;
  for (const auto& item : stdfs::recursive_directory_iterator(top)) {
    if (item.is_directory() && !item.is_symlink()) continue;
    std::string content = content_at(item.path());
    if (item.is_regular_file() && !item.is_symlink()) {
      const bool executable =
          (item.status().permissions() & stdfs::perms::owner_exec) != stdfs::perms::none;
      if (executable != content.starts_with("#!")) content += executable ? "[x]" : "[no x]";
    }
    tree[item.path().lexically_relative(top).string()] = content;
  }
  return tree;
}

// Plays the deployer: fetches what `installation` lacks of `tree`.
inline std::size_t fetch(Installation& installation, const Tree& tree) {
  const auto lacking = installation.lacking(manifest_of(tree));
  EXPECT_TRUE(lacking.ok()) << (lacking ? "" : lacking.error().text());
  if (!lacking) return 0;
  std::map<std::string, std::string> blobs;
  for (const auto& [path, content] : tree)
    blobs[git_blob_id(bytes_of(content))] = bytes_of(content);
  for (const ManifestEntry& entry : *lacking) {
    const auto blob = blobs.find(entry.blob_id);
    EXPECT_NE(blob, blobs.end()) << "asked for a blob that the release does not have";
    if (blob == blobs.end()) continue;
    std::ofstream(installation.staging() / entry.blob_id, std::ios::binary) << blob->second;
  }
  return lacking->size();
}

inline Release release_of(const Tree& tree, std::string commit = "c") {
  Release release;
  release.role_revision = "rr1:x";
  release.role_snapshot = "{}";
  release.commit = std::move(commit);
  release.manifest = manifest_of(tree);
  return release;
}

inline Result<SwitchReport> deploy(Installation& installation, const Tree& tree,
                                   FirstInstall first = FirstInstall::refuse,
                                   const std::string& commit = "c") {
  fetch(installation, tree);
  return installation.activate(release_of(tree, commit), first);
}

class TreeTest : public ::testing::Test {
 protected:
  std::string root() const { return directory_.path(); }
  std::string target() const { return root() + "/srv/app"; }
  std::string at(const std::string& path) const { return target() + "/" + path; }
  std::string state(const std::string& role = "web") const { return root() + "/.rolesync/" + role; }
  InstallationOptions options(const std::string& role = "web") const {
    InstallationOptions options;
    options.root = root();
    options.target = target();
    options.role = role;
    return options;
  }
  std::unique_ptr<Installation> open(InstallationOptions options) {
    auto installation = Installation::open(real_file_system(), std::move(options));
    EXPECT_TRUE(installation.ok()) << (installation ? "" : installation.error().text());
    return installation ? std::move(*installation) : nullptr;
  }
  std::unique_ptr<Installation> open() { return open(options()); }

  TemporaryDirectory directory_;
};

// For assertions: "" when it went well, else reason and text.
template <class T>
std::string problem(const Result<T>& result) {
  return result ? "" : result.error().reason + ": " + result.error().text();
}
inline std::string problem(const Status& status) {
  return status ? "" : status.error().reason + ": " + status.error().text();
}

}  // namespace rolesync
