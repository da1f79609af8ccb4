// SPDX-License-Identifier: Apache-2.0
// The typed functions, concept by concept, against a real database.
#include <gmock/gmock.h>

#include "server/store/audit.hpp"
#include "server/store/commands.hpp"
#include "server/store/contents.hpp"
#include "server/store/events.hpp"
#include "server/store/idempotency.hpp"
#include "server/store/jobs.hpp"
#include "server/store/node_credentials.hpp"
#include "server/store/nodes.hpp"
#include "server/store/plans.hpp"
#include "server/store/roles.hpp"
#include "server/store/server_leases.hpp"
#include "server/store/sources.hpp"
#include "server/store/tokens.hpp"
#include "server/store/web_sessions.hpp"
#include "tests/server/store/temporary_store.hpp"

namespace rolesync::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class RecordsTest : public StoreTest {
 protected:
  template <class F>
  auto write(F f) {
    return store().write(std::move(f));
  }
  template <class F>
  auto read(F f) {
    return store().read(std::move(f));
  }
  void add_a_node(const std::string& id, const std::string& credential_hash = "") {
    Node node;
    node.id = id;
    node.credential_hash = credential_hash.empty() ? "hash of " + id : credential_hash;
    node.created_at = 1000;
    ASSERT_TRUE(write([&](Session& s) { return add_node(s, node); }).ok());
  }
  void add_a_task(const std::string& job, const std::string& task, const std::string& node) {
    const Status done = write([&](Session& s) -> Status {
      if (Status st = add_plan(s, {.hash = "plan", .created_at = 1}); !st) return st;
      if (!find_job(s, job)) {
        if (Status st = add_job(s, {.id = job, .plan_hash = "plan", .state = "running"}); !st) {
          return st;
        }
      }
      SyncTask record;
      record.id = task;
      record.job_id = job;
      record.node = node;
      record.role = "web";
      record.state = "pending";
      record.content_id = "rs1:" + task;
      return add_task(s, record);
    });
    ASSERT_TRUE(done.ok()) << done.error().text();
  }
};

TEST_F(RecordsTest, ANodeIsAddedOnceAndReportsInParts) {
  add_a_node("n1");
  const auto again = write([](Session& s) {
    return add_node(s, {.id = "n1", .credential_hash = "other", .created_at = 1});
  });
  EXPECT_EQ(again.error().reason, "node_exists");

  ASSERT_TRUE(write([](Session& s) {
                return save_report(s, "n1", {.role_report = R"({"web":{}})", .last_seen_at = 5});
              }).ok());
  ASSERT_TRUE(write([](Session& s) { return save_report(s, "n1", {.boot_id = "b1"}); }).ok());
  const auto node = read([](Session& s) { return find_node_by_credential(s, "hash of n1"); });
  ASSERT_TRUE(node.ok());
  EXPECT_EQ(node->role_report, R"({"web":{}})");
  EXPECT_EQ(node->boot_id, "b1");
  EXPECT_EQ(node->last_seen_at, 5);
  EXPECT_FALSE(node->revoked_at);

  const auto unknown = write([](Session& s) { return save_report(s, "n2", {.boot_id = "b"}); });
  EXPECT_EQ(unknown.error().reason, "unknown_node");
  EXPECT_EQ(unknown.error().kind, ErrorKind::not_found);
}

TEST_F(RecordsTest, NodesAreTouchedTogetherRevokedAndRejoined) {
  add_a_node("n1");
  add_a_node("n2");
  ASSERT_TRUE(write([](Session& s) {
                return touch(s, {{"n1", 10}, {"n2", 20}, {"gone", 30}});
              }).ok());
  ASSERT_TRUE(write([](Session& s) { return revoke_node(s, "n2", "stolen", 99); }).ok());
  auto nodes = read([](Session& s) { return list_nodes(s); });
  ASSERT_TRUE(nodes.ok());
  ASSERT_EQ(nodes->size(), 2u);
  EXPECT_EQ(nodes->at(0).last_seen_at, 10);
  EXPECT_EQ(nodes->at(1).revoked_at, 99);
  EXPECT_EQ(nodes->at(1).revoked_reason, "stolen");
  EXPECT_FALSE(read([](Session& s) { return find_node_by_credential(s, "hash of n2"); }).ok());
  const auto ended = read([](Session& s) { return find_credential(s, "hash of n2"); });
  ASSERT_TRUE(ended.ok() && ended->has_value());
  EXPECT_EQ((*ended)->reason, "node_revoked");
  ASSERT_TRUE(write([](Session& s) { return rejoin_node(s, "n2"); }).ok());
  const auto node = read([](Session& s) { return find_node(s, "n2"); });
  EXPECT_FALSE(node->revoked_at);
  EXPECT_FALSE(read([](Session& s) { return find_node_by_credential(s, "hash of n2"); }).ok())
      << "the revoked credential stays revoked";
}

TEST_F(RecordsTest, APendingCredentialIsGoodUntilUsedAndThenEndsTheOther) {
  add_a_node("n1");
  const auto pend = [&](const char* hash) {
    return write([&](Session& s) { return add_pending_credential(s, "n1", hash, 5); });
  };
  const auto use = [&](const char* hash) {
    return *write([&](Session& s) { return use_pending_credential(s, "n1", hash, 7); });
  };
  const auto reason = [&](const char* hash) {
    const auto found = read([&](Session& s) { return find_credential(s, hash); });
    return found->has_value() ? (*found)->state + " " + (*found)->reason : "none";
  };
  ASSERT_TRUE(pend("next").ok());
  ASSERT_TRUE(pend("next").ok()) << "the same again changes nothing";
  EXPECT_EQ(reason("next"), "pending ");
  EXPECT_TRUE(read([](Session& s) { return find_node_by_credential(s, "hash of n1"); }).ok());
  ASSERT_TRUE(pend("later").ok());
  EXPECT_EQ(reason("next"), "ended credential_replaced");
  EXPECT_EQ(pend("next").error().reason, "credential_ended");
  EXPECT_FALSE(use("next"));
  EXPECT_TRUE(use("later"));
  EXPECT_FALSE(use("later")) << "it is in use already";
  EXPECT_EQ(reason("hash of n1"), "ended credential_replaced");
  const auto node = read([](Session& s) { return find_node_by_credential(s, "later"); });
  ASSERT_TRUE(node.ok());
  EXPECT_EQ(node->credential_at, 7);
}

TEST_F(RecordsTest, ADeletedNodeLeavesNothingButItsEndedCredentials) {
  add_a_node("n1");
  ReleaseRecord release;
  release.node = "n1";
  release.role = "web";
  release.commit = "c1";
  release.content_id = "rs1:a";
  release.role_revision = "rr1:a";
  ASSERT_TRUE(write([&](Session& s) { return record_release(s, release); }).ok());
  ASSERT_TRUE(write([](Session& s) { return add_pending_credential(s, "n1", "next", 5); }).ok());
  ASSERT_TRUE(write([](Session& s) { return delete_node(s, "n1", 9); }).ok());
  EXPECT_EQ(read([](Session& s) { return find_node(s, "n1"); }).error().reason, "unknown_node");
  add_a_node("n1", "another hash");
  EXPECT_TRUE(read([](Session& s) { return releases_of(s, "n1", "web"); })->empty());
  for (const char* hash : {"hash of n1", "next"}) {
    const auto ended = read([&](Session& s) { return find_credential(s, hash); });
    ASSERT_TRUE(ended->has_value()) << hash;
    EXPECT_EQ((*ended)->reason, "node_deleted");
  }
  EXPECT_EQ(write([](Session& s) { return delete_node(s, "n9", 9); }).error().reason,
            "unknown_node");
}

TEST_F(RecordsTest, TheSameReleaseIsRenewedAnotherOneBecomesCurrent) {
  add_a_node("n1");
  ReleaseRecord release;
  release.node = "n1";
  release.role = "web";
  release.source = "main";
  release.commit = "c1";
  release.content_id = "rs1:a";
  release.role_revision = "rr1:a";
  release.activated_at = 1;
  release.verified_at = 1;
  const auto record = [&] { return write([&](Session& s) { return record_release(s, release); }); };
  ASSERT_TRUE(record().ok());
  release.verified_at = 7;
  release.task_id = "task_1";
  ASSERT_TRUE(record().ok());
  auto all = read([](Session& s) { return releases_of(s, "n1", "web"); });
  ASSERT_EQ(all->size(), 1u);
  EXPECT_EQ(all->at(0).verified_at, 7);
  EXPECT_EQ(all->at(0).task_id, "task_1");

  release.commit = "c2";
  release.content_id = "rs1:b";
  ASSERT_TRUE(record().ok());
  all = read([](Session& s) { return releases_of(s, "n1", "web"); });
  ASSERT_EQ(all->size(), 2u);
  const auto current = read([](Session& s) { return current_releases(s); });
  ASSERT_EQ(current->size(), 1u);
  EXPECT_EQ(current->at(0).commit, "c2");

  release.node = "nobody";
  EXPECT_EQ(record().error().reason, "constraint");
}

TEST_F(RecordsTest, OverridesAreChangedOnlyAtTheVersionThatWasSeen) {
  const auto save = [&](std::optional<std::int64_t> expected) {
    return write([&](Session& s) {
      return save_role_override(s, {.role = "web", .fields = R"({"order":5})"}, expected);
    });
  };
  EXPECT_EQ(save(1).error().kind, ErrorKind::precondition);
  EXPECT_EQ(*save(0), 1);
  EXPECT_EQ(save(0).error().reason, "version_mismatch");
  EXPECT_EQ(*save(1), 2);
  EXPECT_EQ(*save(std::nullopt), 3);
  EXPECT_EQ(read([](Session& s) { return list_role_overrides(s); })->size(), 1u);
  EXPECT_FALSE(write([](Session& s) { return delete_role_override(s, "web", 2); }).ok());
  EXPECT_TRUE(write([](Session& s) { return delete_role_override(s, "web", 3); }).ok());
  EXPECT_EQ(read([](Session& s) { return find_role_override(s, "web"); }).error().reason,
            "unknown_role");
}

TEST_F(RecordsTest, AssigningReplacesTheRolesOfANodeAndKeepsTheOldDates) {
  add_a_node("n1");
  const auto assign = [&](std::set<std::string> roles, Millis at) {
    return write([&](Session& s) { return assign_roles(s, "n1", roles, "me", at, std::nullopt); });
  };
  EXPECT_EQ(*assign({"a", "b"}, 1), 1);
  EXPECT_EQ(*assign({"b", "c"}, 2), 2);
  const auto roles = read([](Session& s) { return assignments_of(s, "n1"); });
  ASSERT_EQ(roles->size(), 2u);
  EXPECT_EQ(roles->at(0).role, "b");
  EXPECT_EQ(roles->at(0).assigned_at, 1);
  EXPECT_EQ(roles->at(1).assigned_at, 2);
  EXPECT_THAT(*read([](Session& s) { return nodes_with_role(s, "c"); }), ElementsAre("n1"));
  EXPECT_EQ(write([](Session& s) { return assign_roles(s, "n9", {}, "me", 1, std::nullopt); })
                .error()
                .reason,
            "unknown_node");
  EXPECT_EQ(*assign({}, 3), 3);
  EXPECT_THAT(*read([](Session& s) { return list_assignments(s); }), IsEmpty());
}

TEST_F(RecordsTest, ASourceKeepsItsHeadWhenItsSettingsChange) {
  CodeSource source{.name = "main", .transport = "file", .repository = "/r", .branch = "main"};
  const auto save = [&] {
    return write([&](Session& s) { return save_source(s, source, std::nullopt); });
  };
  ASSERT_EQ(*save(), 1);
  ASSERT_TRUE(write([](Session& s) { return set_source_head(s, "main", "c1", 7); }).ok());
  source.branch = "release";
  ASSERT_EQ(*save(), 2);
  ASSERT_TRUE(write([](Session& s) {
                return set_source_state(s, "main", "failed", "branch_missing", "no such branch", 8);
              }).ok());
  const auto found = read([](Session& s) { return find_source(s, "main"); });
  EXPECT_EQ(found->branch, "release");
  EXPECT_EQ(found->head_commit, "c1");
  EXPECT_EQ(found->state, "failed");
  EXPECT_EQ(found->fetched_at, 7);
}

TEST_F(RecordsTest, CommitsAreKnownOnceAndListedNewestFirst) {
  std::vector<CommitRecord> commits;
  for (const char* id : {"c1", "c2", "c3"}) {
    commits.push_back(
        {.source = "main", .commit = id, .parents = {"p", "q"}, .message = "it's \"so\"\nnew"});
  }
  EXPECT_EQ(*write([&](Session& s) { return add_commits(s, commits); }), 3u);
  commits.push_back({.source = "main", .commit = "c4"});
  EXPECT_EQ(*write([&](Session& s) { return add_commits(s, commits); }), 1u);
  ASSERT_TRUE(write([](Session& s) { return set_affected_roles(s, "main", "c2", {"web"}); }).ok());

  const auto first = read([](Session& s) { return list_commits(s, "main", 0, 2); });
  ASSERT_EQ(first->size(), 2u);
  EXPECT_EQ(first->at(0).commit, "c4");
  const auto second =
      read([&](Session& s) { return list_commits(s, "main", first->at(1).position, 5); });
  ASSERT_EQ(second->size(), 2u);
  EXPECT_EQ(second->at(0).commit, "c2");
  EXPECT_THAT(*second->at(0).affected_roles, ElementsAre("web"));
  EXPECT_FALSE(second->at(1).affected_roles);
  EXPECT_THAT(second->at(1).parents, ElementsAre("p", "q"));
  EXPECT_EQ(second->at(1).message, "it's \"so\"\nnew");
}

TEST_F(RecordsTest, ANonceIsGoodOnce) {
  const auto use = [&](const char* source, const char* nonce, Millis at) {
    return write([&](Session& s) { return use_nonce(s, source, nonce, at, at - 100); });
  };
  EXPECT_TRUE(use("main", "aa", 1000).ok());
  EXPECT_EQ(use("main", "aa", 1050).error().reason, "nonce_used");
  EXPECT_TRUE(use("other", "aa", 1050).ok());
  EXPECT_TRUE(use("main", "bb", 2000).ok());  // forgets the others
  EXPECT_TRUE(use("main", "aa", 2000).ok());
}

TEST_F(RecordsTest, LiveContentsAreThoseOfKeptReleasesOpenTasksAndHeads) {
  add_a_node("n1");
  const Status done = write([](Session& s) -> Status {
    for (int i = 0; i < 5; ++i) {
      ReleaseRecord release;
      release.node = "n1";
      release.role = "web";
      release.commit = "c" + std::to_string(i);
      release.content_id = "rs1:release" + std::to_string(i);
      release.role_revision = "rr1:a";
      if (Status st = record_release(s, release); !st) return st;
    }
    for (const char* id : {"rs1:head", "rs1:old"}) {
      if (Status st = add_content(s, {id, 1, 2, 3}); !st) return st;
    }
    (void)save_source(s, {.name = "main", .transport = "file"}, std::nullopt);
    (void)set_source_head(s, "main", "h", 1);
    (void)add_role_content(s, {"main", "h", "web", "rr1:a", "rs1:head"});
    return add_role_content(s, {"main", "g", "web", "rr1:a", "rs1:old"});
  });
  ASSERT_TRUE(done.ok()) << done.error().text();
  add_a_task("job", "t1", "n1");
  EXPECT_THAT(
      *read([](Session& s) { return live_contents(s, 3); }),
      UnorderedElementsAre("rs1:release4", "rs1:release3", "rs1:release2", "rs1:head", "rs1:t1"));
  EXPECT_EQ(**read([](Session& s) { return find_role_content(s, "main", "g", "web", "rr1:a"); }),
            "rs1:old");
  ASSERT_TRUE(write([](Session& s) { return forget_contents(s, {"rs1:old"}); }).ok());
  EXPECT_FALSE(read([](Session& s) {
                 return find_role_content(s, "main", "g", "web", "rr1:a");
               })->has_value());
}

TEST_F(RecordsTest, AJobIsClaimedByOneServerAtATime) {
  add_a_node("n1");
  add_a_task("job", "t1", "n1");
  const auto claim = [&](const char* owner, std::int64_t fence) {
    const auto claimed = write([&](Session& s) { return claim_job(s, "job", owner, fence, 10); });
    return claimed && *claimed ? **claimed : std::int64_t{-1};
  };
  EXPECT_EQ(claim("a", 0), 1);
  EXPECT_EQ(claim("b", 0), -1) << "somebody was first";
  EXPECT_EQ(claim("b", 1), 2);
  EXPECT_FALSE(*write([](Session& s) { return renew_job(s, "job", 1, 20); }));
  EXPECT_TRUE(*write([](Session& s) { return renew_job(s, "job", 2, 20); }));
  auto job = *read([](Session& s) { return find_job(s, "job"); });
  EXPECT_EQ(job.lease_owner, "b");
  EXPECT_EQ(job.lease_until, 20);
  job.state = "paused";
  ASSERT_TRUE(write([&](Session& s) { return save_job(s, job); }).ok());
  job.lease_fence = 1;
  EXPECT_EQ(write([&](Session& s) { return save_job(s, job); }).error().reason, "lease_lost");
  ASSERT_TRUE(write([](Session& s) { return give_up_job(s, "job", 2); }).ok());
  job = *read([](Session& s) { return find_job(s, "job"); });
  EXPECT_EQ(job.lease_owner, "");
  job.finished_at = 9;
  job.state = "cancelled";
  ASSERT_TRUE(write([&](Session& s) { return save_job(s, job); }).ok());
  EXPECT_EQ(claim("a", 2), -1) << "it has ended";
}

TEST_F(RecordsTest, OneServerHasALeaseUntilAnotherTakesItAsItWasSeen) {
  const auto take = [&](const char* owner, const std::optional<ServerLease>& seen) {
    return *write([&](Session& s) { return take_server_lease(s, "leader", owner, seen); });
  };
  const auto first = take("a", std::nullopt);
  ASSERT_TRUE(first);
  EXPECT_FALSE(take("b", std::nullopt)) << "it is taken";
  const auto seen = *read([](Session& s) { return find_server_lease(s, "leader"); });
  EXPECT_TRUE(*write([&](Session& s) { return renew_server_lease(s, *first); }));
  EXPECT_FALSE(take("b", seen)) << "it has moved since";
  const auto second = take("b", *read([](Session& s) { return find_server_lease(s, "leader"); }));
  ASSERT_TRUE(second);
  EXPECT_FALSE(*write([&](Session& s) { return renew_server_lease(s, *first); }));
  EXPECT_TRUE(*write([&](Session& s) { return renew_server_lease(s, *second); }));
}

TEST_F(RecordsTest, TasksAreOpenUntilTheyFinish) {
  add_a_task("job", "t1", "n1");
  add_a_task("job", "t2", "n2");
  EXPECT_EQ(read([](Session& s) { return open_tasks(s); })->size(), 2u);
  auto task = *read([](Session& s) { return find_task(s, "t1"); });
  task.state = "succeeded";
  task.restart_pending = true;
  task.finished_at = 9;
  ASSERT_TRUE(write([&](Session& s) { return save_task(s, task); }).ok());
  EXPECT_EQ(read([](Session& s) { return open_tasks(s); })->size(), 1u);
  EXPECT_THAT(*read([](Session& s) { return open_tasks_of_node(s, "n1"); }), IsEmpty());
  EXPECT_TRUE(read([](Session& s) { return find_task(s, "t1"); })->restart_pending);
  EXPECT_EQ(read([](Session& s) { return tasks_of_job(s, "job"); })->size(), 2u);
  EXPECT_EQ(read([](Session& s) { return unfinished_jobs(s); })->size(), 1u);
  const auto jobs_in = [](const char* state) {
    return Page{.sort = "created_at", .filters = {{"state", state}}};
  };
  EXPECT_EQ(read([&](Session& s) { return list_jobs(s, jobs_in("running")); })->items.size(), 1u);
  EXPECT_THAT(read([&](Session& s) { return list_jobs(s, jobs_in("failed")); })->items, IsEmpty());
}

TEST_F(RecordsTest, ATaskEventCountsOnce) {
  add_a_task("job", "t1", "n1");
  const TaskEvent event{.task_id = "t1", .sequence = 1, .state = "staging", .message = "m"};
  EXPECT_TRUE(*write([&](Session& s) { return add_task_event(s, event); }));
  EXPECT_FALSE(*write([&](Session& s) { return add_task_event(s, event); }));
  EXPECT_EQ(read([](Session& s) { return events_of_task(s, "t1"); })->size(), 1u);
  TaskEvent stray = event;
  stray.task_id = "t9";
  EXPECT_EQ(write([&](Session& s) { return add_task_event(s, stray); }).error().reason,
            "constraint");
}

TEST_F(RecordsTest, FencesGrowPerNodeAndRole) {
  const auto next = [&](const char* node, const char* role) {
    return *write([&](Session& s) { return next_fence(s, node, role); });
  };
  EXPECT_EQ(next("n1", "a"), 1);
  EXPECT_EQ(next("n1", "a"), 2);
  EXPECT_EQ(next("n1", "b"), 1);
  EXPECT_EQ(next("n2", "a"), 1);
  reopen();
  EXPECT_EQ(next("n1", "a"), 3);
  EXPECT_EQ(*read([](Session& s) { return last_fence(s, "n1", "a"); }), 3);
  EXPECT_EQ(*read([](Session& s) { return last_fence(s, "n1", "z"); }), 0);
}

TEST_F(RecordsTest, ACommandIsOpenUntilItsOwnNodeAcknowledgesIt) {
  add_a_node("n1");
  add_a_node("n2");
  const Status added = write([](Session& s) -> Status {
    for (const char* id : {"z", "a", "m"}) {
      CommandRecord command{.id = id, .node = "n1", .kind = "stage"};
      if (id[0] == 'm') command.boot_id = "old boot";
      if (Status st = add_command(s, command); !st) return st;
    }
    return {};
  });
  ASSERT_TRUE(added.ok());
  const auto open_ids = [&] {
    std::vector<std::string> ids;
    const auto open = read([](Session& s) { return open_commands_of(s, "n1"); });
    for (const CommandRecord& command : *open) ids.push_back(command.id);
    return ids;
  };
  EXPECT_THAT(open_ids(), ElementsAre("z", "a", "m"));
  EXPECT_EQ(*write([](Session& s) { return acknowledge_commands(s, "n2", {"z"}, 5); }), 0u);
  EXPECT_EQ(*write([](Session& s) { return acknowledge_commands(s, "n1", {"z", "what"}, 5); }), 1u);
  ASSERT_TRUE(write([](Session& s) {
                return withdraw_commands_of_other_boots(s, "n1", "new boot", 6);
              }).ok());
  EXPECT_THAT(open_ids(), ElementsAre("a"));
}

TEST_F(RecordsTest, TokensExpireAndAreRevoked) {
  ASSERT_TRUE(write([](Session& s) {
                return add_token(s, {.id = "t1",
                                     .name = "ci",
                                     .hash = "h1",
                                     .scopes = {"read", "sync"},
                                     .expires_at = 100});
              }).ok());
  const auto find = [&](const char* hash, Millis now) {
    return read([&](Session& s) { return find_token_by_hash(s, hash, now); });
  };
  ASSERT_TRUE(find("h1", 50).ok());
  EXPECT_THAT(find("h1", 50)->scopes, ElementsAre("read", "sync"));
  EXPECT_EQ(find("h1", 100).error().kind, ErrorKind::unauthenticated);
  EXPECT_EQ(find("h2", 50).error().reason, "invalid_token");
  ASSERT_TRUE(write([](Session& s) { return revoke_token(s, "t1", "me", 60); }).ok());
  EXPECT_FALSE(find("h1", 50).ok());
}

TEST_F(RecordsTest, ABrowsersSessionEndsWithItsTimeAndWithItsToken) {
  ASSERT_TRUE(write([](Session& s) -> Status {
                for (const char* id : {"t1", "t2"}) {
                  const Status added = add_token(
                      s, {.id = id, .name = id, .hash = id, .scopes = {"read"}, .expires_at = 100});
                  if (!added) return added;
                }
                if (Status a = add_web_session(s, {"w1", "t1", 10, 60}); !a) return a;
                return add_web_session(s, {"w2", "t2", 10, 500});
              }).ok());
  const auto find = [&](const char* hash, Millis now) {
    return read([&](Session& s) { return find_token_by_web_session(s, hash, now); });
  };
  EXPECT_EQ(find("w1", 50)->name, "t1");
  EXPECT_EQ(find("w1", 50)->expires_at, 60);
  EXPECT_EQ(find("w2", 50)->expires_at, 100);
  EXPECT_EQ(find("w1", 60).error().reason, "session_ended");
  EXPECT_EQ(find("w2", 100).error().reason, "session_ended");  // the token is over before it
  EXPECT_EQ(find("w3", 50).error().kind, ErrorKind::unauthenticated);
  ASSERT_TRUE(write([](Session& s) { return revoke_token(s, "t2", "me", 55); }).ok());
  EXPECT_EQ(find("w2", 56).error().reason, "session_ended");
  ASSERT_TRUE(write([](Session& s) { return remove_web_session(s, "w1"); }).ok());
  EXPECT_FALSE(find("w1", 50).ok());
}

TEST_F(RecordsTest, AJoinTokenIsGoodOnceForItsNode) {
  ASSERT_TRUE(write([](Session& s) {
                return add_join_token(
                    s, {.id = "j1", .hash = "h", .node_id = "n1", .expires_at = 100});
              }).ok());
  const auto join = [&](const char* hash, const char* node, Millis now) {
    return write([&](Session& s) { return use_join_token(s, hash, node, now); });
  };
  EXPECT_EQ(join("h", "n2", 1).error().reason, "invalid_join_token");
  EXPECT_FALSE(join("h", "n1", 100).ok());
  EXPECT_FALSE(*join("h", "n1", 99)) << "not for a node that exists";
  EXPECT_FALSE(join("h", "n1", 99).ok());
  ASSERT_TRUE(write([](Session& s) {
                return add_join_token(
                    s,
                    {.id = "j2", .hash = "h2", .node_id = "n1", .rejoin = true, .expires_at = 100});
              }).ok());
  EXPECT_TRUE(*join("h2", "n1", 99));
  const auto listed = read([](Session& s) { return list_join_tokens(s, {.sort = "created_at"}); });
  EXPECT_EQ(listed->items.at(0).used_at, 99);
  EXPECT_EQ(write([](Session& s) { return revoke_join_token(s, "j1", 100); }).error().reason,
            "join_token_used");
  ASSERT_TRUE(write([](Session& s) {
                return add_join_token(
                    s, {.id = "j3", .hash = "h3", .node_id = "n1", .expires_at = 100});
              }).ok());
  ASSERT_TRUE(write([](Session& s) { return revoke_join_token(s, "j3", 50); }).ok());
  EXPECT_EQ(join("h3", "n1", 60).error().reason, "invalid_join_token");
}

TEST_F(RecordsTest, AnAnswerIsKeptForItsOwnRequest) {
  const auto find = [&](const char* request) {
    return read([&](Session& s) { return find_answer(s, "me", "k", request); });
  };
  EXPECT_FALSE(find("r1")->has_value());
  ASSERT_TRUE(write([](Session& s) {
                return keep_answer(s, "me", "k", "r1", {201, "{}"}, 5);
              }).ok());
  EXPECT_EQ((*find("r1"))->status, 201);
  EXPECT_EQ(find("r2").error().reason, "idempotency_key_reused");
  ASSERT_TRUE(write([](Session& s) { return forget_answers(s, 6); }).ok());
  EXPECT_FALSE(find("r2")->has_value());
}

// Each damage on a log of its own: the fault and its place are told.
TEST_F(RecordsTest, AnEditedRemovedOrTruncatedAuditEntryIsFound) {
  const auto append = [&](int n) {
    for (int i = 0; i < n; ++i) {
      ASSERT_TRUE(write([&](Session& s) {
                    return append_audit(s, {.at = i, .actor = "me", .action = "role.update"});
                  }).ok());
    }
  };
  const auto broken_by = [&](const char* damage) {
    std::optional<std::int64_t> at;
    (void)write([&](Session& s) -> Status {
      if (*damage) {
        EXPECT_TRUE(s.execute(damage).ok());
      }
      const auto check = check_audit(s);
      EXPECT_TRUE(check.ok());
      at = check->broken_at;
      EXPECT_EQ(check->fault.empty(), !at);
      return Error{ErrorKind::failed, "undone", "the damage is not kept"};
    });
    return at;
  };
  EXPECT_FALSE(broken_by("")) << "an empty log is whole";
  append(4);
  EXPECT_FALSE(broken_by(""));
  EXPECT_EQ(broken_by("UPDATE audit_log SET actor = 'you' WHERE sequence = 3"), 3);
  EXPECT_EQ(broken_by("UPDATE audit_log SET details = '{\"a\":1}' WHERE sequence = 4"), 4);
  EXPECT_EQ(broken_by("DELETE FROM audit_log WHERE sequence = 2"), 2);
  EXPECT_EQ(broken_by("DELETE FROM audit_log WHERE sequence = 1"), 1);
  EXPECT_EQ(broken_by("DELETE FROM audit_log WHERE sequence = 4"), 4) << "truncated";
  EXPECT_EQ(broken_by("DELETE FROM audit_log"), 1) << "all gone";
  const auto check = *read([](Session& s) { return check_audit(s, 2); });
  EXPECT_EQ(check.entries, 4);
  const auto second = read([](Session& s) {
    return list_audit(s, {.sort = "sequence", .after = PageKey{"1", "1"}, .limit = 1});
  });
  EXPECT_EQ(check.hash_at, second->items.at(0).hash);
  append(1);
  EXPECT_FALSE(broken_by(""));
}

TEST_F(RecordsTest, EventNumbersAreNotGivenTwice) {
  const auto append = [&] {
    return *write([](Session& s) { return append_event(s, {.at = 1, .kind = "k"}); });
  };
  EXPECT_EQ(append(), 1);
  EXPECT_EQ(append(), 2);
  ASSERT_TRUE(write([](Session& s) { return forget_events(s, 2); }).ok());
  EXPECT_EQ(*read([](Session& s) { return first_event(s); }), 0);
  EXPECT_EQ(append(), 3);
  EXPECT_EQ(*read([](Session& s) { return last_event(s); }), 3);
  EXPECT_EQ(read([](Session& s) { return events_after(s, 2); })->size(), 1u);
}

TEST_F(RecordsTest, PlansOfJobsAreNotForgotten) {
  add_a_task("job", "t1", "n1");
  ASSERT_TRUE(
      write([](Session& s) { return add_plan(s, {.hash = "lonely", .created_at = 1}); }).ok());
  ASSERT_TRUE(write([](Session& s) { return forget_plans(s, 100); }).ok());
  EXPECT_TRUE(read([](Session& s) { return find_plan(s, "plan"); }).ok());
  EXPECT_EQ(read([](Session& s) { return find_plan(s, "lonely"); }).error().reason, "unknown_plan");
}

}  // namespace
}  // namespace rolesync::store
