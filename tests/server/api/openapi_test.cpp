// SPDX-License-Identifier: Apache-2.0
// openapi.yaml and the router say the same: every path and method, and who may call it.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>

#include "running_server.hpp"
#include "server/api/api.hpp"
#include "tests/place.hpp"

namespace rolesync {
namespace {

using Operations = std::map<std::string, std::string>;  // "GET /path" -> policy

// The file keeps to one layout: paths at two blanks, methods at four, x-policy at six.
Operations documented() {
  std::ifstream file(source_directory() + "/server/api/openapi.yaml");
  Operations operations;
  std::string path, operation;
  const std::regex path_line("  (/[^:]*):"), method_line("    (get|put|post|delete):"),
      policy_line("      x-policy: (.*)");
  std::smatch match;
  for (std::string line; std::getline(file, line);) {
    if (line == "components:") break;
    if (std::regex_match(line, match, path_line)) path = match[1];
    if (std::regex_match(line, match, method_line)) {
      operation = match[1];
      for (char& c : operation) c = static_cast<char>(std::toupper(c));
      operation += " " + path;
      operations[operation] = "";
    }
    if (std::regex_match(line, match, policy_line)) operations[operation] = match[1];
  }
  return operations;
}

TEST(OpenApi, DescribesExactlyWhatTheRouterAnswers) {
  http::Router router({});
  // Adding routes touches nothing of the engine; only calling them would.
  alignas(std::max_align_t) static char nothing[1];
  api::Api api{reinterpret_cast<rollout::Engine&>(nothing), {}};
  api::add_routes(router, api);
  Operations routed;
  for (const auto& route : router.routes()) {
    routed[route.method + " " + route.path] = route.policy.text();
  }
  const Operations described = documented();
  EXPECT_GT(described.size(), 30u);
  for (const auto& [operation, policy] : described) {
    ASSERT_TRUE(routed.contains(operation)) << operation << " is described but not there";
    EXPECT_EQ(routed[operation], policy) << operation;
  }
  for (const auto& [operation, policy] : routed) {
    EXPECT_TRUE(described.contains(operation)) << operation << " is not described";
  }
}

TEST(OpenApi, IsServed) {
  RunningServer server;
  const Reply reply = server.raw("GET", "/api/openapi.yaml", "");
  EXPECT_EQ(reply.status, 200);
  EXPECT_NE(reply.body.get<std::string>().find("openapi: 3.1.0"), std::string::npos);
}

// Strict enough for the page itself: nothing in it is inline, nothing comes from elsewhere.
TEST(OpenApi, HasAViewerThatNeedsNothingFromElsewhere) {
  RunningServer server;
  const Reply page = server.raw("GET", "/api/docs", "");
  ASSERT_EQ(page.status, 200);
  EXPECT_NE(page.headers.at("content-security-policy").find("default-src 'none'"),
            std::string::npos);
  const std::string html = page.body.get<std::string>();
  EXPECT_FALSE(
      std::regex_search(html, std::regex("<script(?![^>]* src=)|<style| style=| on[a-z]+=")));
  const std::regex link("(?:src|href)=\"([^\"]*)\"");
  std::size_t links = 0;
  for (std::sregex_iterator it(html.begin(), html.end(), link), end; it != end; ++it, ++links) {
    EXPECT_EQ(server.raw("GET", (*it)[1], "").status, 200) << (*it)[1];
  }
  EXPECT_GE(links, 3u);
  EXPECT_EQ(server.raw("GET", "/api/docs/../secret", "").status, 404);
}

}  // namespace
}  // namespace rolesync
