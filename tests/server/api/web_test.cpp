// SPDX-License-Identifier: Apache-2.0
// What a browser meets: pages, a login that becomes a cookie, changes that need the session's
// header, and sessions that end with their token.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "running_server.hpp"
#include "server/api/api.hpp"

namespace rolesync {
namespace {

using ::testing::HasSubstr;
using Headers = std::map<std::string, std::string>;

struct Browser {
  explicit Browser(RunningServer& running) : server(running) {}

  Reply log_in(const std::string& token) {
    const Reply reply = send("POST", "/api/session", {{"token", token}});
    if (reply.status == 201) {
      const std::string set = header(reply, "set-cookie");
      cookie = set.substr(0, set.find(';'));
      csrf = reply.body.at("csrf_token");
    }
    return reply;
  }
  Reply send(const std::string& method, const std::string& path, const Json& body = Json(),
             bool with_csrf = true) {
    Headers headers;
    if (!cookie.empty()) headers["Cookie"] = cookie;
    if (with_csrf && !csrf.empty()) headers["X-CSRF-Token"] = csrf;
    return server.raw(method, path, body.is_null() ? "" : to_text(body), "", headers);
  }
  static std::string header(const Reply& reply, const std::string& name) {
    for (const auto& [key, value] : reply.headers) {
      if (strcasecmp(key.c_str(), name.c_str()) == 0) return value;
    }
    return "";
  }

  RunningServer& server;
  std::string cookie, csrf;
};

TEST(WebSession, ATokenBecomesACookie) {
  RunningServer server;
  Browser browser(server);
  EXPECT_EQ(browser.send("GET", "/api/session").status, 401);
  const Reply reply = browser.log_in(server.admin_token());
  ASSERT_EQ(reply.status, 201) << reply.body;
  const std::string cookie = Browser::header(reply, "set-cookie");
  EXPECT_THAT(cookie, HasSubstr("HttpOnly"));
  EXPECT_THAT(cookie, HasSubstr("SameSite=Strict"));
  EXPECT_EQ(cookie.find(server.admin_token()), std::string::npos);
  EXPECT_EQ(browser.send("GET", "/api/status").status, 200);
  const Reply who = browser.send("GET", "/api/session");
  EXPECT_EQ(who.body.at("csrf_token"), browser.csrf);
  EXPECT_THAT(who.body.at("scopes"), ::testing::Contains("admin"));
}

TEST(WebSession, AChangeNeedsTheHeader) {
  RunningServer server;
  Browser browser(server);
  browser.log_in(server.admin_token());
  const Json body = {{"node_id", "n1"}};
  const Reply forged = browser.send("POST", "/api/join-tokens", body, false);
  EXPECT_EQ(forged.status, 403);
  EXPECT_EQ(forged.reason(), "csrf_token_missing");
  EXPECT_EQ(browser.send("POST", "/api/join-tokens", body).status, 201);
  browser.csrf = std::string(64, '0');
  EXPECT_EQ(browser.send("POST", "/api/join-tokens", body).status, 403);
}

TEST(WebSession, LogoutEndsIt) {
  RunningServer server;
  Browser browser(server);
  browser.log_in(server.admin_token());
  const Reply out = browser.send("DELETE", "/api/session");
  EXPECT_EQ(out.status, 204);
  EXPECT_THAT(Browser::header(out, "set-cookie"), HasSubstr("Max-Age=0"));
  const Reply after = browser.send("GET", "/api/status");
  EXPECT_EQ(after.status, 401);
  EXPECT_EQ(after.reason(), "session_ended");
}

TEST(WebSession, SurvivesARestartAndKeepsTheTokensScopes) {
  RunningServer server;
  Browser browser(server);
  browser.log_in(server.new_token({"read"}));
  server.stop();
  server.start();
  EXPECT_EQ(browser.send("GET", "/api/status").status, 200);
  EXPECT_EQ(browser.send("POST", "/api/code-sync/pull", Json::object()).status, 403);
}

TEST(WebSession, AWrongTokenIsNamed) {
  RunningServer server;
  Browser browser(server);
  const Reply reply = browser.log_in("rs_" + std::string(64, '0'));
  EXPECT_EQ(reply.status, 401);
  EXPECT_EQ(reply.reason(), "invalid_token");
  EXPECT_EQ(browser.send("POST", "/api/session", Json::object()).status, 422);
}

TEST(WebPages, WithoutAUiThePageSaysHowToAddIt) {
  http::Router router({});
  ASSERT_TRUE(api::add_web_pages(router, {}));
  const auto get = [&](const std::string& path) {
    http::Request request{.method = "GET", .path = path};
    const auto matched = router.match(request);
    return std::get<http::Handler>(std::get<const http::Router::Route*>(matched)->handler)(request);
  };
  const http::Response page = get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.headers.at("Content-Type"), HasSubstr("text/html"));
  EXPECT_THAT(page.body, HasSubstr("script/build dev web"));
  EXPECT_EQ(get("/nothing/here").status, 404);
}

TEST(WebPages, ADirectoryWithoutAUiIsRefused) {
  http::Router router({});
  const Status refused = api::add_web_pages(router, "/nonexistent");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "directory_unreadable");
}

TEST(WebPages, AConfiguredDirectoryIsServed) {
  RunningServer server([](ServerConfig& config) {
    config.web_dir = config.state_dir.parent_path() / "ui";
    std::filesystem::create_directories(config.web_dir);
    std::ofstream(config.web_dir / "index.html") << "<p>ui</p>";
  });
  EXPECT_EQ(server.get("/").body, "<p>ui</p>");
  EXPECT_EQ(server.raw("GET", "/nodes/n1", "", "", {{"Accept", "text/html"}}).body, "<p>ui</p>");
  EXPECT_EQ(server.post("/nothing", Json::object()).status, 404);
  EXPECT_EQ(server.raw("GET", "/api/nope", "", "", {{"Accept", "text/html"}}).status, 404);
}

}  // namespace
}  // namespace rolesync
