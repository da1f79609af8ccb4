// SPDX-License-Identifier: Apache-2.0
// From a repository to cached contents and records in the store.
#include "server/source/source_service.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "host/activation/manifest_delta.hpp"
#include "host/activation/pack.hpp"
#include "host/values/hash.hpp"
#include "server/store/contents.hpp"
#include "tests/server/source/git_repository.hpp"

namespace rolesync::source {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = BranchMove::Kind;

Role role_with(const std::string& name, std::vector<std::string> sources) {
  Role role;
  role.name = name;
  role.source_paths = std::move(sources);
  role.target_path = "/srv/" + name;
  return role;
}

class SourceServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto store = store::open_sqlite({.file = directory_.path() / "store.db"});
    ASSERT_TRUE(store.ok());
    store_ = std::move(*store);
    open_service();
    source_.name = "main";
    source_.transport = "file";
    source_.repository = repository_.path().string();
    source_.branch = "main";
    ASSERT_TRUE(
        store_
            ->write([&](store::Session& s) { return store::save_source(s, source_, std::nullopt); })
            .ok());
  }
  void open_service(std::uint64_t cache_limit = 1 << 30) {
    service_.reset();
    auto service = SourceService::open({.state_dir = directory_.path() / "state",
                                        .allowed_paths = {directory_.path() / "work"},
                                        .cache_limit_bytes = cache_limit},
                                       *store_);
    ASSERT_TRUE(service.ok()) << service.error().text();
    service_ = std::move(*service);
  }
  BranchMove pull() {
    const auto move = service_->pull_file(source_);
    EXPECT_TRUE(move.ok()) << move.error().text();
    return move.ok() ? *move : BranchMove{};
  }
  store::CodeSource stored() {
    return *store_->read([](store::Session& s) { return store::find_source(s, "main"); });
  }
  std::vector<std::string> stored_commits() {
    std::vector<std::string> ids;
    const auto commits =
        store_->read([](store::Session& s) { return store::list_commits(s, "main"); });
    for (const auto& commit : *commits) ids.push_back(commit.commit);
    return ids;
  }

  TemporaryDirectory directory_;
  GitRepository repository_{directory_.path() / "work" / "repository"};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<SourceService> service_;
  store::CodeSource source_;
  const std::vector<Role> roles_ = {role_with("web", {"web"}), role_with("api", {"api", "lib"}),
                                    role_with("code-source", {})};
};

TEST_F(SourceServiceTest, APullLeavesCommitsAndHeadInTheStore) {
  const std::string first = repository_.commit("first");
  EXPECT_EQ(pull().kind, Kind::created);
  const std::string second = repository_.commit("it's \"second\"\n\xF0\x9F\x9A\x80");
  const std::string third = repository_.commit("third");
  EXPECT_EQ(pull().kind, Kind::advanced);
  EXPECT_EQ(stored().head_commit, third);
  EXPECT_EQ(stored().state, "current");
  EXPECT_THAT(stored_commits(), ElementsAre(third, second, first));
  EXPECT_EQ(pull().kind, Kind::unchanged);
  EXPECT_EQ(stored_commits().size(), 3u);
}

TEST_F(SourceServiceTest, ADeletedBranchKeepsTheHeadAndSaysSo) {
  const std::string head = repository_.commit();
  pull();
  repository_.git({"checkout", "--quiet", "-b", "other"});
  repository_.git({"branch", "--quiet", "-D", "main"});
  EXPECT_EQ(pull().kind, Kind::deleted);
  EXPECT_EQ(stored().head_commit, head);
  EXPECT_EQ(stored().state, "failed");
  EXPECT_EQ(stored().reason, "branch_missing");
}

TEST_F(SourceServiceTest, OnlyAllowedPathsAreReadAlsoThroughSymlinks) {
  GitRepository secret(directory_.path() / "secret");
  secret.commit();
  std::filesystem::create_directory_symlink(secret.path(), directory_.path() / "work" / "link");
  for (const auto& path :
       {secret.path(), directory_.path() / "work" / "link",
        directory_.path() / "work" / ".." / "secret", directory_.path() / "work2"}) {
    source_.repository = path.string();
    std::filesystem::create_directories(directory_.path() / "work2");
    EXPECT_EQ(service_->pull_file(source_).error().reason, "repository_not_allowed") << path;
  }
  EXPECT_EQ(stored().reason, "repository_not_allowed");
  source_.repository = (directory_.path() / "work" / "nothing").string();
  EXPECT_EQ(service_->pull_file(source_).error().reason, "repository_missing");
}

TEST_F(SourceServiceTest, ContentsPerRoleAreImportedAndRemembered) {
  repository_.write("web/index.html", "hello");
  repository_.write("api/main.py", "print()");
  repository_.write("lib/x.py", "x");
  const std::string first = repository_.commit();
  pull();
  const auto contents = service_->import("main", first, roles_);
  ASSERT_TRUE(contents.ok()) << contents.error().text();
  ASSERT_EQ(contents->size(), 2u);  // code-source has no files
  ASSERT_TRUE(contents->at("api").ok());
  EXPECT_EQ(contents->at("api")->manifest.entries().size(), 2u);
  EXPECT_TRUE(service_->cache().has_blob(git_blob_id("hello")));
  const std::string web = contents->at("web")->content_id;
  EXPECT_EQ((*service_->manifest(web))->to_text(), contents->at("web")->manifest.to_text());

  repository_.write("api/main.py", "print(1)");
  const std::string second = repository_.commit();
  pull();
  const auto next = service_->import("main", second, roles_);
  EXPECT_EQ(next->at("web")->content_id, web);
  EXPECT_NE(next->at("api")->content_id, contents->at("api")->content_id);

  // What is known needs no repository any more.
  std::filesystem::rename(directory_.path() / "state/mirrors/main.git",
                          directory_.path() / "moved");
  open_service();
  const auto known = service_->contents("main", first, roles_);
  ASSERT_TRUE(known.ok()) << known.error().text();
  EXPECT_EQ(known->at("web")->content_id, web);
}

TEST_F(SourceServiceTest, ContentsForAPlanBringNoBytes) {
  repository_.write("web/index.html", "hello");
  const std::string commit = repository_.commit();
  pull();
  const auto contents = service_->contents("main", commit, roles_);
  ASSERT_TRUE(contents.ok());
  EXPECT_EQ(contents->at("web")->manifest.entries().size(), 1u);
  EXPECT_FALSE(service_->cache().has_blob(git_blob_id("hello")));
}

TEST_F(SourceServiceTest, OneBadRoleDoesNotStopTheOthers) {
  const std::string commit = repository_.commit_entries(
      {{"160000", "api/sub", std::string(40, 'a')}, {"100644", "web/a", "1"}});
  pull();
  const auto contents = service_->import("main", commit, roles_);
  ASSERT_TRUE(contents.ok());
  EXPECT_TRUE(contents->at("web").ok());
  EXPECT_EQ(contents->at("api").error().reason, "submodule_refused");
}

TEST_F(SourceServiceTest, AnotherRevisionOfARoleIsAnotherContent) {
  repository_.write("web/a", "1");
  repository_.write("web/b", "2");
  const std::string commit = repository_.commit();
  pull();
  const auto all = service_->import("main", commit, {roles_[0]});
  Role less = roles_[0];
  less.exclude = {"web/b"};
  const auto some = service_->import("main", commit, {less});
  EXPECT_NE(all->at("web")->content_id, some->at("web")->content_id);
}

TEST_F(SourceServiceTest, TellsWhichRolesACommitTouches) {
  repository_.write("web/a", "1");
  repository_.write("api/a", "1");
  const std::string first = repository_.commit();
  repository_.write("README", "1");
  const std::string second = repository_.commit();
  repository_.git({"mv", "api/a", "api/b"});
  const std::string third = repository_.commit();
  pull();
  const auto affected = [&](const std::string& from, const std::string& to) {
    return *service_->affected_roles("main", from, to, roles_);
  };
  EXPECT_THAT(affected("", first), ElementsAre("web", "api"));
  EXPECT_THAT(affected(first, second), IsEmpty());
  EXPECT_THAT(affected(second, third), ElementsAre("api"));
  EXPECT_THAT(affected(third, first), ElementsAre("api"));
  EXPECT_EQ(service_->affected_roles("main", first, std::string(40, 'e'), roles_).error().reason,
            "unknown_commit");
  EXPECT_EQ(service_->affected_roles("nowhere", "", first, roles_).error().reason,
            "unknown_source");
}

TEST_F(SourceServiceTest, AnOfferBringsLostBlobsBackFromTheMirror) {
  repository_.write("web/a", "aaaa");
  repository_.write("web/b", "bbbb");
  repository_.write("web/c", "cccc");
  const std::string commit = repository_.commit();
  pull();
  const std::string id = service_->import("main", commit, roles_)->at("web")->content_id;
  std::vector<std::string> wanted;
  for (const char* text : {"aaaa", "bbbb", "cccc"}) {
    wanted.push_back(git_blob_id(text));
    std::fstream file(service_->cache().blob_path(wanted.back()), std::ios::in | std::ios::out);
    file << "evil";
  }
  std::filesystem::remove(service_->cache().blob_path(wanted[2]));
  const auto offer = service_->offer("main", id, wanted);
  ASSERT_TRUE(offer.ok()) << offer.error().text();
  EXPECT_EQ(read_file((*offer)->directory / wanted[0]), "aaaa");
  EXPECT_EQ(read_file((*offer)->directory / wanted[2]), "cccc");
  EXPECT_EQ(service_->offer("main", id, {std::string(40, 'a')}).error().reason,
            "blob_not_in_content");
}

TEST_F(SourceServiceTest, AnUpdateIsMadeOnceAndHasAPackWhereItMay) {
  const auto content_of = [&](const std::string& text) {
    repository_.write("web/a", text);
    const std::string commit = repository_.commit("c");
    pull();
    return service_->import("main", commit, {role_with("web", {"web"})})->at("web")->content_id;
  };
  const std::string from = content_of(std::string(3000, 'a')), to = content_of("a");
  int asked = 0;
  const auto get = [&](const std::string& terms, bool may) {
    return service_->updates().get({from, to, terms},
                                   [&](std::uint64_t files, std::uint64_t bytes) {
                                     ++asked;
                                     EXPECT_EQ(files, 1U);
                                     EXPECT_EQ(bytes, 1U);
                                     return may;
                                   });
  };
  const auto update = get("rsync", true);
  ASSERT_TRUE(update.ok());
  EXPECT_EQ(get("rsync", true)->get(), update->get());
  EXPECT_EQ(asked, 1);
  const auto parts = read_update(**update);
  ASSERT_TRUE(parts.ok());
  EXPECT_EQ(*open_pack(std::string(3000, 'a'), parts->pack, 1), "a");
  EXPECT_EQ(apply_delta(**service_->manifest(from), parts->delta)->content_id(), to);
  EXPECT_EQ(read_update(**get("other", false))->pack, "");

  // Bytes that are not what they should be are not packed.
  std::ofstream(service_->cache().blob_path(git_blob_id("a"))) << "b";
  EXPECT_EQ(read_update(**get("third", true))->pack, "");
  EXPECT_EQ(service_->updates().get({from, "rs1:none", ""}, {}).error().reason, "unknown_content");
}

TEST_F(SourceServiceTest, CollectingForgetsContentsThatWentButNotTheHead) {
  repository_.write("web/a", std::string(10'000, 'a'));
  const std::string first = repository_.commit();
  pull();
  const std::string old = service_->import("main", first, roles_)->at("web")->content_id;
  repository_.write("web/a", std::string(10'000, 'b'));
  const std::string second = repository_.commit();
  pull();
  const std::string live = service_->import("main", second, roles_)->at("web")->content_id;
  const auto manifests = directory_.path() / "state/cache/manifests";
  for (const std::string& id : {old, live}) {
    std::filesystem::last_write_time(
        manifests / id, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  }
  open_service(15'000);
  const auto collected = service_->collect();
  ASSERT_TRUE(collected.ok()) << collected.error().text();
  EXPECT_THAT(collected->contents, ElementsAre(old));
  EXPECT_TRUE(service_->manifest(live).ok());
  EXPECT_EQ(
      store_->read([&](store::Session& s) { return store::find_content(s, old); }).error().reason,
      "unknown_content");
  const auto again = service_->import("main", first, roles_);
  EXPECT_EQ(again->at("web")->content_id, old);
}

}  // namespace
}  // namespace rolesync::source
