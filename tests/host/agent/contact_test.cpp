// SPDX-License-Identifier: Apache-2.0
// What a node says about its contact with the server, in the file and on the command line.
#include "host/agent/contact.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "host/agent/contact_text.hpp"
#include "host/services/clock.hpp"

namespace rolesync::agent {
namespace {

class ContactTest : public ::testing::Test {
 protected:
  ContactTest() {
    std::string pattern = "/tmp/rolesync-contact-XXXXXX";
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp");
    config_.state_dir = pattern;
    config_.node_id = "n1";
    config_.server_urls = {"http://127.0.0.1:1"};
  }
  ~ContactTest() override { std::filesystem::remove_all(config_.state_dir); }
  ContactStatus read() const { return **read_contact_status(config_.state_dir); }
  int exit_code() const { return contact_exit_code(*read_contact_status(config_.state_dir)); }

  AgentConfig config_;
};

struct Case {
  const char* reason;
  ErrorKind kind;
  Standing standing;
};

TEST_F(ContactTest, EachErrorHasItsStanding) {
  const Case cases[] = {
      {"node_revoked", ErrorKind::unauthenticated, Standing::revoked},
      {"node_deleted", ErrorKind::unauthenticated, Standing::revoked},
      {"clone_detected", ErrorKind::conflict, Standing::clone},
      {"certificate_mismatch", ErrorKind::denied, Standing::server_unverified},
      {"certificate_expired", ErrorKind::denied, Standing::server_unverified},
      {"certificate_untrusted", ErrorKind::denied, Standing::server_unverified},
      {"certificate_wrong_name", ErrorKind::denied, Standing::server_unverified},
      {"no_trust", ErrorKind::invalid, Standing::server_unverified},
      {"invalid_token", ErrorKind::unauthenticated, Standing::refused},
      {"credential_replaced", ErrorKind::unauthenticated, Standing::refused},
      {"other_node", ErrorKind::denied, Standing::refused},
      {"invalid_heartbeat", ErrorKind::invalid, Standing::refused},
      {"server_unreachable", ErrorKind::unavailable, Standing::server_away},
      {"server_silent", ErrorKind::timeout, Standing::server_away},
      {"internal_error", ErrorKind::failed, Standing::server_away},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(standing_of({each.kind, each.reason, ""}), each.standing) << each.reason;
  }
}

TEST_F(ContactTest, TheFileTellsWhyThereIsNoContactAndWhatToDo) {
  EXPECT_FALSE(read_contact_status(config_.state_dir)->has_value());
  EXPECT_EQ(exit_code(), 1);
  Contact contact(config_, real_clock().boot_id());
  EXPECT_EQ(read().state, "starting");
  EXPECT_EQ(read().node_id, "n1");
  EXPECT_EQ(read().pid, ::getpid());
  EXPECT_EQ(read().last_contact_at, 0);
  EXPECT_EQ(exit_code(), 8);

  const Error revoked{ErrorKind::unauthenticated, "node_revoked", "the node n1 was revoked",
                      "join it again"};
  contact.failed("http://127.0.0.1:1", revoked, std::chrono::seconds(10));
  contact.failed("http://127.0.0.1:1", revoked, std::chrono::seconds(20));
  EXPECT_EQ(read().state, "revoked");
  EXPECT_EQ(read().reason, "node_revoked");
  EXPECT_EQ(read().failed_attempts, 2u);
  EXPECT_GT(read().next_attempt_at, read().since);
  EXPECT_EQ(exit_code(), 4);
  const std::string text = contact_text(*read_contact_status(config_.state_dir));
  EXPECT_NE(text.find("state: revoked"), std::string::npos) << text;
  EXPECT_NE(text.find("what to do: join it again"), std::string::npos) << text;

  contact.reached("http://127.0.0.1:1");
  EXPECT_EQ(read().state, "connected");
  EXPECT_EQ(read().reason, "");
  EXPECT_EQ(read().next_attempt_at, 0);
  EXPECT_GT(read().last_contact_at, 0);
  EXPECT_EQ(exit_code(), 0);

  contact.set_rotation("pending");
  EXPECT_EQ(read().rotation, "pending");
  contact.set_queue(3, Error{ErrorKind::unavailable, "queue_unwritable", "the disk is full", ""});
  EXPECT_EQ(read().queued_events, 3u);
  EXPECT_EQ(read().queue_reason, "queue_unwritable");
  contact.stopped();
  EXPECT_EQ(read().state, "stopped");
  EXPECT_EQ(exit_code(), 1);
}

TEST_F(ContactTest, TheLastContactIsKnownAfterARestart) {
  Millis last = 0;
  {
    Contact contact(config_, "boot-1");
    contact.reached("http://127.0.0.1:1");
    last = read().last_contact_at;
  }
  Contact contact(config_, "boot-2");
  EXPECT_EQ(read().state, "starting");
  EXPECT_EQ(read().last_contact_at, last);
}

TEST_F(ContactTest, ADamagedFileIsNamedAndWrittenAgain) {
  std::ofstream(config_.state_dir + "/status.json") << "{\"state\":";
  EXPECT_EQ(read_contact_status(config_.state_dir).error().reason, "status_damaged");
  Contact contact(config_, "boot-1");
  EXPECT_EQ(read().state, "starting");
}

TEST_F(ContactTest, AKilledAgentIsNotRunning) {
  ContactStatus status;
  status.state = "connected";
  status.pid = 0;
  EXPECT_EQ(contact_exit_code(status), 1);
  EXPECT_NE(contact_text(status).find("state: stopped"), std::string::npos);
  // Its number, but of another boot: somebody else's.
  status.pid = ::getpid();
  status.boot_id = real_clock().boot_id();
  EXPECT_TRUE(writer_runs(status));
  status.boot_id = "another-boot";
  EXPECT_FALSE(writer_runs(status));
  EXPECT_EQ(contact_exit_code(status), 1);
}

}  // namespace
}  // namespace rolesync::agent
