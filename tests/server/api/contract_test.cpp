// SPDX-License-Identifier: Apache-2.0
// The check of every answer against openapi.yaml can fail: each kind of breach is found.
#include "contract.hpp"

#include <gtest/gtest.h>

namespace rolesync {
namespace {

using Headers = std::map<std::string, std::string>;
const Headers json = {{"content-type", "application/json"}};
const Headers problem = {{"content-type", "application/problem+json; charset=utf-8"}};

TEST(Contract, WhatFitsFits) {
  EXPECT_EQ(breach_of_contract("GET", "/api/nodes?limit=1", 200, json,
                               R"({"nodes": [], "next_page_token": null})"),
            "");
  EXPECT_EQ(breach_of_contract("GET", "/api/nodes", 401, problem,
                               R"({"type": "t", "title": "t", "status": 401, "reason": "r",
                                   "detail": "d", "request_id": "q"})"),
            "");
  EXPECT_EQ(breach_of_contract("DELETE", "/api/nodes/n1", 204, {}, ""), "");
  EXPECT_EQ(breach_of_contract("GET", "/not/in/the/file", 200, {}, "x"), "");
}

TEST(Contract, EachBreachIsFound) {
  const auto breached = [](const char* method, const char* path, int status, const Headers& headers,
                           const char* body) {
    EXPECT_NE(breach_of_contract(method, path, status, headers, body), "") << path << " " << body;
  };
  breached("GET", "/api/nodes", 200, json, R"({"nodes": []})");
  breached("GET", "/api/nodes", 200, json, R"({"nodes": [1], "next_page_token": null})");
  breached("GET", "/api/nodes", 200, json, R"({"nodes": [], "next_page_token": 1})");
  breached("GET", "/api/nodes", 200, json, "not json");
  breached("GET", "/api/nodes", 200, {{"content-type", "text/html"}}, "x");
  breached("GET", "/api/nodes", 202, json, "{}");
  breached("GET", "/api/nodes", 500, problem, R"({"reason": "r"})");
  breached("GET", "/api/nodes", 500, problem,
           R"({"type": "t", "title": "t", "status": 500, "reason": "r", "detail": "d"})");
  breached("DELETE", "/api/nodes/n1", 204, json, "{}");
}

}  // namespace
}  // namespace rolesync
