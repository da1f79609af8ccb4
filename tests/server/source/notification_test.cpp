// SPDX-License-Identifier: Apache-2.0
#include "server/source/notification.hpp"

#include <gmock/gmock.h>

#include "host/values/hash.hpp"

namespace rolesync::source {
namespace {

constexpr Millis now = 1'800'000'000'000;
const std::string commit(40, 'c');
const std::string none(40, '0');

std::map<std::string, std::string> signed_headers(const std::string& key, const std::string& body,
                                                  Millis at = now) {
  const std::string time = std::to_string(at / 1000), nonce(32, 'a');
  return {
      {"x-rolesync-source", "main"},
      {"x-rolesync-timestamp", time},
      {"x-rolesync-nonce", nonce},
      {"x-rolesync-signature", "sha256=" + hmac_sha256_hex(key, time + "." + nonce + "." + body)}};
}

Status verify(const std::map<std::string, std::string>& headers, const std::string& body,
              const std::string& key) {
  const auto read = notify_headers(headers);
  if (!read) return read.error();
  return verify_notification(*read, body, key, now);
}

TEST(Notification, IsAcceptedWithTheRightKeyOnly) {
  const auto headers = signed_headers("key", "body");
  EXPECT_TRUE(verify(headers, "body", "key").ok());
  EXPECT_TRUE(verify(headers, "body", "key\n").ok());
  EXPECT_EQ(verify(headers, "body", "other").error().reason, "signature_wrong");
  EXPECT_EQ(verify(headers, "other", "key").error().reason, "signature_wrong");
  EXPECT_EQ(verify(signed_headers("", "body"), "body", "").error().reason, "signature_wrong");
  auto changed = headers;
  changed["x-rolesync-nonce"] = std::string(32, 'b');
  EXPECT_EQ(verify(changed, "body", "key").error().kind, ErrorKind::unauthenticated);
}

TEST(Notification, IsAcceptedForFiveMinutes) {
  for (const Millis off : {-299'000, 0, 299'000}) {
    EXPECT_TRUE(verify(signed_headers("k", "b", now + off), "b", "k").ok()) << off;
  }
  for (const Millis off : {-301'000, 301'000}) {
    EXPECT_EQ(verify(signed_headers("k", "b", now + off), "b", "k").error().reason,
              "timestamp_outside_window");
  }
}

TEST(Notification, BadHeadersAreRefused) {
  const auto reason = [](const char* name, const std::string& value) {
    auto headers = signed_headers("k", "b");
    headers[name] = value;
    const auto read = notify_headers(headers);
    return read.ok() ? "" : read.error().reason;
  };
  EXPECT_EQ(notify_headers({}).error().reason, "signature_missing");
  EXPECT_EQ(reason("x-rolesync-source", "../x"), "notify_header_invalid");
  for (const char* time : {"", "12a", "-5", " 5", "99999999999999999999"}) {
    EXPECT_EQ(reason("x-rolesync-timestamp", time), "notify_header_invalid") << time;
  }
  EXPECT_EQ(reason("x-rolesync-nonce", "abc"), "notify_header_invalid");
  EXPECT_EQ(reason("x-rolesync-nonce", std::string(32, 'G')), "notify_header_invalid");
  EXPECT_EQ(reason("x-rolesync-signature", "sha256=abc"), "notify_header_invalid");
  EXPECT_EQ(reason("x-rolesync-signature", std::string(71, 'a')), "notify_header_invalid");
}

std::string body_with(const std::string& ref, const std::string& from, const std::string& to,
                      const std::string& rest = "") {
  return R"({"ref":")" + ref + R"(","old":")" + from + R"(","new":")" + to + "\"" + rest + "}";
}

TEST(Notification, IsRead) {
  const auto read = parse_notification(
      body_with("refs/heads/feature/x", none, commit,
                R"(,"forced":true,"repository":"/r","message":"a \"b\"\n","author":"A"})")
          .substr(0));
  EXPECT_FALSE(read.ok());  // a brace too many
  const auto good = parse_notification(
      body_with("refs/heads/feature/x", none, commit,
                R"(,"forced":true,"repository":"/r","message":"a \"b\"\n","author":"A")"));
  ASSERT_TRUE(good.ok()) << good.error().text();
  EXPECT_EQ(good->branch, "feature/x");
  EXPECT_EQ(good->old_commit, "");
  EXPECT_EQ(good->new_commit, commit);
  EXPECT_TRUE(good->forced);
  EXPECT_EQ(good->message, "a \"b\"\n");
  const auto tag = parse_notification(body_with("refs/tags/v1", commit, none));
  ASSERT_TRUE(tag.ok());
  EXPECT_FALSE(tag->branch);
  EXPECT_EQ(tag->new_commit, "");
}

TEST(Notification, StrangeBodiesAreRefused) {
  const std::string good = "refs/heads/main";
  for (const std::string& body :
       {std::string(), std::string("[]"), std::string("{}"), std::string("{"),
        body_with(good, commit, "HEAD"), body_with(good, commit, "--upload-pack=x"),
        body_with(good, commit.substr(1), commit), body_with("main", commit, commit),
        body_with("refs/heads/../x", commit, commit), body_with("refs/heads/-x y", commit, commit),
        body_with(good, commit, commit, R"(,"extra":1)"),
        body_with(good, commit, commit, R"(,"forced":"no")"),
        body_with(good, commit, commit, R"(,"message":5)"),
        body_with(good, commit, commit, R"(,"ref":"refs/heads/main")"),
        std::string(100'000, '[')}) {
    const auto read = parse_notification(body);
    ASSERT_FALSE(read.ok()) << body.substr(0, 200);
    EXPECT_EQ(read.error().reason, "notify_body_invalid");
    EXPECT_EQ(read.error().kind, ErrorKind::invalid);
  }
}

}  // namespace
}  // namespace rolesync::source
