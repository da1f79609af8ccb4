// SPDX-License-Identifier: Apache-2.0
// What of a commit belongs to a role, and what is refused, with real commits.
#include "server/source/role_tree.hpp"

#include <gmock/gmock.h>

#include "tests/server/source/git_repository.hpp"

namespace rolesync::source {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RoleTreeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Mirror::open(directory_.path() / "mirrors", "main");
    ASSERT_TRUE(opened.ok());
    mirror_ = std::move(*opened);
    role_.name = "web";
    role_.source_paths = {"web"};
    role_.target_path = "/srv/web";
  }
  Result<Manifest> manifest_of(const std::string& commit) {
    const auto move = mirror_->fetch_path(repository_.path(), "main");
    EXPECT_TRUE(move.ok()) << move.error().text();
    const auto tree = mirror_->tree(commit);
    EXPECT_TRUE(tree.ok()) << tree.error().text();
    return role_manifest(*tree, role_);
  }
  static std::vector<std::string> lines(const Manifest& manifest) {
    std::vector<std::string> lines;
    for (const ManifestEntry& entry : manifest.entries()) {
      lines.push_back(std::string(to_text(entry.mode)) + " " + entry.path);
    }
    return lines;
  }
  void expect_refused(const std::vector<GitRepository::Entry>& entries, const std::string& reason,
                      const std::string& path) {
    const auto manifest = manifest_of(repository_.commit_entries(entries));
    ASSERT_FALSE(manifest.ok()) << path;
    EXPECT_EQ(manifest.error().reason, reason) << manifest.error().text();
    EXPECT_THAT(manifest.error().message, HasSubstr(path));
  }

  TemporaryDirectory directory_;
  GitRepository repository_{directory_.path() / "work"};
  std::unique_ptr<Mirror> mirror_;
  Role role_;
};

TEST_F(RoleTreeTest, TakesEveryKindOfNameAndMode) {
  const std::string commit = repository_.commit_entries({
      {"100644", "web/plain", "1"},
      {"100755", "web/run me.sh", "2"},
      {"100644", "web/new\nline", "3"},
      {"100644", "web/\xC3\xBC\xF0\x9F\x9A\x80", "4"},
      {"100644", "web/not-utf8-\xFF", "5"},
      {"100644", "web/-e", "6"},
      {"100644", "web/--upload-pack=x", "7"},
      {"100644", "web/..hidden/...", "8"},
      {"120000", "web/link", "plain"},
      {"120000", "web/..hidden/up", "../plain"},
      {"100644", "webby/not-ours", "9"},
      {"100644", "other", "9"},
  });
  const auto manifest = manifest_of(commit);
  ASSERT_TRUE(manifest.ok()) << manifest.error().text();
  EXPECT_THAT(
      lines(*manifest),
      ElementsAre("100644 --upload-pack=x", "100644 -e", "100644 ..hidden/...",
                  "120000 ..hidden/up", "120000 link", "100644 new\nline", "100644 not-utf8-\xFF",
                  "100644 plain", "100755 run me.sh", "100644 \xC3\xBC\xF0\x9F\x9A\x80"));
}

TEST_F(RoleTreeTest, ExportAttributesAndFiltersChangeNothing) {
  repository_.write(".gitattributes",
                    "web/hidden export-ignore\nweb/subst export-subst\nweb/crlf text eol=crlf\n");
  repository_.write("web/hidden", "hidden");
  repository_.write("web/subst", "$Format:%H$");
  repository_.write("web/crlf", "a\nb\n");
  const auto manifest = manifest_of(repository_.commit());
  ASSERT_TRUE(manifest.ok());
  EXPECT_EQ(manifest->entries().size(), 3u);
  EXPECT_EQ(manifest->find("subst")->blob_id, repository_.git({"hash-object", "web/subst"}));
  EXPECT_EQ(manifest->find("crlf")->size, 4u);
}

TEST_F(RoleTreeTest, RenamesDeletionsAndModesChangeTheContentId) {
  repository_.write("web/a", "1");
  repository_.write("web/b", "2");
  const std::string first = manifest_of(repository_.commit())->content_id();
  repository_.write("elsewhere/c", "3");
  EXPECT_EQ(manifest_of(repository_.commit())->content_id(), first);
  repository_.git({"mv", "web/a", "web/c"});
  const std::string renamed = manifest_of(repository_.commit())->content_id();
  EXPECT_NE(renamed, first);
  std::filesystem::permissions(repository_.path() / "web/c", std::filesystem::perms::owner_exec,
                               std::filesystem::perm_options::add);
  const std::string executable = manifest_of(repository_.commit())->content_id();
  EXPECT_NE(executable, renamed);
  repository_.git({"rm", "--quiet", "web/b"});
  EXPECT_NE(manifest_of(repository_.commit())->content_id(), executable);
  repository_.git({"revert", "--no-edit", "HEAD"});
  EXPECT_EQ(manifest_of(repository_.head())->content_id(), executable);
}

TEST_F(RoleTreeTest, SeveralSourcesKeepTheirNamesAndExcludedPathsStayOut) {
  repository_.write("web/a", "1");
  repository_.write("web/secret/key", "1");
  repository_.write("src/deep/b", "2");
  role_.source_paths = {"web", "src"};
  role_.exclude = {"web/secret"};
  const auto manifest = manifest_of(repository_.commit());
  ASSERT_TRUE(manifest.ok());
  EXPECT_THAT(lines(*manifest), ElementsAre("100644 src/deep/b", "100644 web/a"));
}

TEST_F(RoleTreeTest, ARoleWithoutFilesIsEmptyNotAnError) {
  repository_.write("else", "1");
  const auto manifest = manifest_of(repository_.commit());
  ASSERT_TRUE(manifest.ok());
  EXPECT_TRUE(manifest->empty());
}

TEST_F(RoleTreeTest, ASubmoduleInTheRoleIsRefusedOneBesideItIsNot) {
  const std::string other(40, 'a');
  expect_refused({{"160000", "web/vendor/lib", other}}, "submodule_refused", "web/vendor/lib");
  const auto beside =
      manifest_of(repository_.commit_entries({{"160000", "lib", other}, {"100644", "web/a", "1"}}));
  EXPECT_TRUE(beside.ok());
  role_.exclude = {"web/vendor"};
  EXPECT_TRUE(manifest_of(repository_.commit_entries(
                              {{"160000", "web/vendor/lib", other}, {"100644", "web/a", "1"}}))
                  .ok());
}

TEST_F(RoleTreeTest, SymlinksThatLeaveTheRoleAreRefused) {
  expect_refused({{"120000", "web/abs", "/etc/passwd"}}, "unsafe_symlink", "web/abs");
  expect_refused({{"120000", "web/up", "../outside"}}, "unsafe_symlink", "web/up");
  expect_refused({{"120000", "web/a/b/up", "../../../outside"}}, "unsafe_symlink", "web/a/b/up");
  expect_refused({{"120000", "web/empty", ""}}, "unsafe_symlink", "web/empty");
  expect_refused({{"120000", "web/long", std::string(5000, 'x')}}, "unsafe_symlink", "web/long");
  // Through another link: each looks harmless alone.
  expect_refused({{"120000", "web/a/b/top", "../.."}, {"120000", "web/x", "a/b/top/../.."}},
                 "unsafe_symlink", "web/x");
}

TEST_F(RoleTreeTest, NamesThatNoDiskTakesAreRefused) {
  const std::string long_name(256, 'n');
  expect_refused({{"100644", "web/" + long_name, "1"}}, "path_too_long", "web/nnn");
  expect_refused({{"100644", "web/.rolesync/x", "1"}}, "path_refused", "web/.rolesync/x");
}

TEST_F(RoleTreeTest, TwoSourcesForOnePlaceAreRefused) {
  role_.source_paths = {"web:.", "src:."};
  const auto manifest = manifest_of(
      repository_.commit_entries({{"100644", "web/same", "1"}, {"100644", "src/same", "2"}}));
  ASSERT_FALSE(manifest.ok());
  EXPECT_EQ(manifest.error().reason, "paths_collide");
  EXPECT_THAT(manifest.error().message, HasSubstr("same"));
}

// git refuses to make or fetch such trees; if one gets here nevertheless, it goes no further.
TEST(RoleManifest, PathsWithDotsAndUnknownModesAreRefused) {
  Role role;
  role.name = "web";
  role.source_paths = {"web"};
  role.target_path = "/srv/web";
  const std::string id(40, 'a');
  EXPECT_EQ(role_manifest({{"100644", id, 1, "web/../../etc/passwd", ""}}, role).error().reason,
            "path_refused");
  EXPECT_EQ(role_manifest({{"100644", id, 1, "web//x", ""}}, role).error().reason, "path_refused");
  EXPECT_EQ(role_manifest({{"104755", id, 1, "web/setuid", ""}}, role).error().reason,
            "mode_refused");
}

}  // namespace
}  // namespace rolesync::source
