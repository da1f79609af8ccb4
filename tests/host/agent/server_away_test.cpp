// SPDX-License-Identifier: Apache-2.0
// A whole agent whose server is away, wrong or hostile: it never ends, never spins, goes on
// watching what is here, and says why it has no contact.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "host/agent/agent.hpp"
#include "host/agent/contact.hpp"
#include "host/agent/credential.hpp"
#include "host/values/json.hpp"
#include "server/http/certificates.hpp"
#include "tests/host/agent/stand_in_server.hpp"
#include "tests/host/agent/wrong_server.hpp"
#include "tests/place.hpp"

namespace rolesync::agent {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::chrono::seconds kPatience{60};

std::string answer(const std::string& head, const std::string& body) {
  return "HTTP/1.1 " + head + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

// Answers every request of a connection with this.
WrongServer::Behaviour always(const std::string& text) {
  return [text](ScriptedConnection& connection) {
    while (!connection.read_head().empty()) {
      if (!connection.send(text)) return;
    }
  };
}

class ServerAway : public ::testing::Test {
 protected:
  ServerAway() {
    std::string pattern = "/tmp/rolesync-away-XXXXXX";
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp");
    directory_ = pattern;
    fs::create_directories(directory_ + "/state");
    config_.node_id = "n1";
    config_.state_dir = directory_ + "/state";
    config_.credential_file = directory_ + "/state/credential";
    config_.plugin_dirs = {build_directory() + "/plugins/deployer",
                           build_directory() + "/plugins/detector",
                           build_directory() + "/plugins/restart_strategy"};
    config_.drop_in_dirs = {};
    config_.plugin_host = build_directory() + "/bin/rolesync-plugin-host";
    config_.limits.allowed_roots = {directory_ + "/root"};
    config_.first_interval = config_.answer_limit = std::chrono::seconds(1);
    EXPECT_TRUE(Credential::replace(config_, "secret-of-n1").ok());
  }
  ~ServerAway() override {
    agent_.reset();
    fs::remove_all(directory_);
  }
  void start(const std::vector<std::string>& urls) {
    config_.server_urls = urls;
    auto agent = Agent::start(config_);
    ASSERT_TRUE(agent.ok()) << agent.error().text();
    agent_ = std::move(*agent);
  }
  ContactStatus status() const {
    const auto read = read_contact_status(config_.state_dir);
    return read && *read ? **read : ContactStatus{};
  }
  bool eventually(const std::function<bool()>& condition) const {
    const auto end = Clock::now() + kPatience;
    while (!condition()) {
      if (Clock::now() > end) return false;
      std::this_thread::sleep_for(milliseconds(10));
    }
    return true;
  }
  // Lets it try four times. Pauses are at least a quarter, a half and one second, whatever the
  // load: less means that it does not hold back.
  void expect_patience(const std::string& state, const std::string& reason) {
    const auto begun = Clock::now();
    ASSERT_TRUE(eventually([&] { return status().failed_attempts >= 4; }))
        << status().state << " " << status().failed_attempts;
    EXPECT_GE(Clock::now() - begun, milliseconds(1700));
    EXPECT_EQ(status().state, state) << status().message;
    if (!reason.empty()) EXPECT_EQ(status().reason, reason) << status().message;
    EXPECT_FALSE(status().message.empty());
    EXPECT_GT(status().next_attempt_at, 0);
  }

  std::string directory_;
  AgentConfig config_;
  std::unique_ptr<Agent> agent_;
};

struct Wrong {
  const char* name;
  WrongServer::Behaviour behaviour;
  const char* state;
  const char* reason;
};

void PrintTo(const Wrong& wrong, std::ostream* out) {
  *out << wrong.name;
}

class WrongAnswers : public ServerAway, public ::testing::WithParamInterface<Wrong> {};

TEST_P(WrongAnswers, AreToleratedWithPatience) {
  WrongServer server(GetParam().behaviour);
  start({server.url()});
  expect_patience(GetParam().state, GetParam().reason);
  // A connection per attempt, and one that may have begun since.
  EXPECT_LE(server.accepted(), static_cast<int>(status().failed_attempts) + 2);
  agent_.reset();  // before the server, whose connections it may be waiting on
  EXPECT_EQ(status().state, "stopped");
}

INSTANTIATE_TEST_SUITE_P(
    All, WrongAnswers,
    ::testing::Values(
        Wrong{"Silence", [](ScriptedConnection& c) { c.read_all(); }, "server_away",
              "server_silent"},
        Wrong{"ClosesAtOnce", [](ScriptedConnection&) {}, "server_away", "server_unreachable"},
        Wrong{"NotHttp", always("SSH-2.0-OpenSSH_9.2\r\n\r\n"), "server_away", "bad_answer"},
        Wrong{"WrongJson", always(answer("200 OK\r\nContent-Type: application/json", "{\"comm")),
              "server_away", "protocol_error"},
        Wrong{"OtherJson",
              always(answer("200 OK\r\nContent-Type: application/json", "{\"ok\":true}")),
              "server_away", "protocol_error"},
        Wrong{"WrongContentType",
              always(answer("200 OK\r\nContent-Type: text/html", "{\"commands\":[]}")),
              "server_away", "protocol_error"},
        Wrong{"HugeBody",
              always("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                     "Content-Length: 100000000000\r\n\r\n{"),
              "server_away", "answer_too_large"},
        Wrong{"ServerError", always(answer("500 Internal Server Error", "oops")), "server_away",
              "http_500"},
        Wrong{"BadGateway", always(answer("502 Bad Gateway", "<html>")), "server_away", "http_502"},
        Wrong{"NotFound", always(answer("404 Not Found", "<html>")), "server_away", "http_404"},
        Wrong{"Unauthenticated",
              always(answer("401 Unauthorized\r\nContent-Type: application/problem+json",
                            R"({"reason":"invalid_token","detail":"no","status":401})")),
              "refused", "invalid_token"},
        Wrong{"Revoked",
              always(answer("401 Unauthorized\r\nContent-Type: application/problem+json",
                            R"({"reason":"node_revoked","detail":"no","status":401})")),
              "revoked", "node_revoked"},
        Wrong{"Drips",
              [](ScriptedConnection& c) {
                c.read_head();
                while (c.send("H")) std::this_thread::sleep_for(milliseconds(100));
              },
              "server_away", "server_silent"},
        Wrong{"ClosesWithinTheAnswer",
              [](ScriptedConnection& c) {
                c.read_head();
                c.send(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    "Content-Length: 100\r\n\r\n{\"commands\":");
              },
              "server_away", "server_unreachable"}),
    [](const auto& each) { return std::string(each.param.name); });

TEST_F(ServerAway, NobodyListens) {
  std::string url;
  {
    WrongServer server([](ScriptedConnection&) {});
    url = server.url();
  }
  start({url});
  expect_patience("server_away", "server_unreachable");
}

TEST_F(ServerAway, ItsNameIsUnknown) {
  config_.certificate_sha256 = std::string(64, 'a');
  start({"https://no-such-host.invalid:8770"});
  expect_patience("server_away", "");  // not known, or not resolved in time
}

// A server (or what stands between) that says at once, again and again, that there is nothing.
TEST_F(ServerAway, AnswersWithoutEndAreAskedForAFewTimesASecond) {
  std::atomic<int> requests = 0;
  WrongServer counting([&](ScriptedConnection& connection) {
    // A body may come apart from its head: only heads count.
    while (connection.read_head().find("POST ") != std::string::npos) {
      ++requests;
      if (!connection.send("HTTP/1.1 204 No Content\r\n\r\n")) return;
    }
  });
  const auto begun = Clock::now();
  start({counting.url()});
  ASSERT_TRUE(eventually([&] { return requests >= 40; }));
  // The first twenty are free, then four a second.
  EXPECT_GE(Clock::now() - begun, milliseconds(4000));
  agent_.reset();
}

TEST_F(ServerAway, RetryAfterIsObeyed) {
  std::atomic<int> requests = 0;
  WrongServer server([&](ScriptedConnection& connection) {
    // A body may come apart from its head: only heads count.
    while (connection.read_head().find("POST ") != std::string::npos) {
      ++requests;
      if (!connection.send("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\n"
                           "Content-Length: 0\r\n\r\n")) {
        return;
      }
    }
  });
  const auto begun = Clock::now();
  start({server.url()});
  ASSERT_TRUE(eventually([&] { return requests >= 3; }));
  EXPECT_GE(Clock::now() - begun, milliseconds(6000));
  agent_.reset();
}

TEST_F(ServerAway, AnAbsurdRetryAfterHoldsNoThreadWhenTheAgentEnds) {
  WrongServer server(
      always("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 4000000000\r\n"
             "Content-Length: 0\r\n\r\n"));
  start({server.url()});
  ASSERT_TRUE(eventually([&] { return status().failed_attempts >= 1; }));
  const auto begun = Clock::now();
  agent_.reset();
  EXPECT_LT(Clock::now() - begun, kPatience);
}

TEST_F(ServerAway, TheNextServerOfTheListIsTaken) {
  WrongServer wrong(always(answer("500 Internal Server Error", "")));
  StandInServer right(directory_ + "/server");
  right.start();
  start({wrong.url(), right.url()});
  EXPECT_FALSE(right.heartbeat([](const Json&) { return true; }).is_null());
  EXPECT_TRUE(eventually([&] { return status().state == "connected"; }));
  EXPECT_EQ(status().server, right.url());
  EXPECT_GE(wrong.accepted(), 1);
  // And back again when that one goes and the other has come to reason.
  right.stop();
  EXPECT_TRUE(eventually([&] { return status().state == "server_away"; }));
  right.start();
  EXPECT_TRUE(eventually([&] { return status().state == "connected"; }));
  agent_.reset();
}

// What a server's certificate proves, and that nothing is sent to one that proves nothing.
TEST_F(ServerAway, AServerThatCannotProveItselfGetsNothing) {
  const auto made = http::make_certificates(directory_ + "/tls", {"127.0.0.1"});
  const auto other = http::make_certificates(directory_ + "/other", {"127.0.0.1"});
  ASSERT_TRUE(made.ok() && other.ok());
  http::Router router([](const http::Request&) { return http::Principal{}; });
  http::FrontOptions options;
  options.certificate_file = made->certificate;
  options.key_file = made->key;
  http::Front front(options, router);
  ASSERT_TRUE(front.start().ok());

  config_.certificate_sha256 = *http::certificate_fingerprint(other->certificate);
  start({front.url()});
  expect_patience("server_unverified", "certificate_mismatch");
  agent_.reset();
  config_.certificate_sha256.clear();
  config_.ca_file = other->ca_certificate;
  start({front.url()});
  expect_patience("server_unverified", "certificate_untrusted");
  agent_.reset();
  EXPECT_EQ(front.counts().requests, 0u);
}

TEST_F(ServerAway, AQueueOnABadDiskDoesNotKeepTheAgentFromItsServer) {
  std::ofstream(config_.state_dir + "/queue") << "a file, where the directory belongs";
  StandInServer server(directory_ + "/server");
  server.start();
  start({server.url()});
  EXPECT_TRUE(eventually([&] { return status().state == "connected"; }));
  EXPECT_TRUE(eventually([&] { return status().queue_reason == "queue_unwritable"; }))
      << status().queue_reason;
  agent_.reset();
}

// The server forgets that the node was revoked only by a new join, which a running agent notices.
TEST_F(ServerAway, ANewJoinIsNoticedByARunningAgent) {
  StandInServer server(directory_ + "/server");
  server.start();
  ASSERT_TRUE(Credential::replace(config_, "an old one").ok());
  start({server.url()});
  ASSERT_TRUE(eventually([&] { return status().state == "refused"; })) << status().state;
  ASSERT_TRUE(Credential::replace(config_, "secret-of-n1").ok());
  EXPECT_TRUE(eventually([&] { return status().state == "connected"; })) << status().message;
  agent_.reset();
}

}  // namespace
}  // namespace rolesync::agent
