// SPDX-License-Identifier: Apache-2.0
// Which heads are let through. Most of the refused ones are ways to smuggle a second request past
// a proxy that reads the bytes differently.
#include "server/http/head.hpp"

#include <gtest/gtest.h>

#include "host/client/chunked.hpp"
#include "server/http/uri.hpp"

namespace rolesync::http {
namespace {

int status_of_head(const std::string& bytes) {
  auto found = find_head(bytes, {});
  if (auto* refused = std::get_if<Response>(&found)) return refused->status;
  const auto end = std::get<std::optional<std::size_t>>(found);
  if (!end) return 0;
  auto parsed = parse_head(std::string_view(bytes).substr(0, *end), {});
  if (auto* refused = std::get_if<Response>(&parsed)) return refused->status;
  return 200;
}

Head head_of(const std::string& bytes) {
  return std::get<Head>(parse_head(bytes, {}));
}

TEST(HeadTest, ReadsARequest) {
  const Head head = head_of(
      "POST /api/roles/a%20b?x=1&y=a%2Bb+c&x=2 HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n"
      "Accept: a\r\nAccept: b\r\nExpect: 100-continue\r\nX-Request-Id: abc\r\n\r\n");
  EXPECT_EQ(head.request.method, "POST");
  EXPECT_EQ(head.request.path, "/api/roles/a%20b");
  EXPECT_EQ(head.request.query.at("x"), "2");
  EXPECT_EQ(head.request.query.at("y"), "a+b c");
  EXPECT_EQ(head.request.headers.at("accept"), "a, b");
  EXPECT_EQ(head.request.id, "abc");
  EXPECT_EQ(head.length, 12u);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_TRUE(head.expects_continue);
}

TEST(HeadTest, ConnectionHandling) {
  EXPECT_FALSE(head_of("GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n").keep_alive);
  EXPECT_FALSE(head_of("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_EQ(head_of("GET http://h:1/a?b HTTP/1.1\r\nHost: h\r\n\r\n").request.path, "/a");
}

struct Case {
  const char* what;
  std::string bytes;
  int status;
};

class RefusedHeads : public ::testing::TestWithParam<Case> {};

TEST_P(RefusedHeads, AreAnsweredWith) {
  EXPECT_EQ(status_of_head(GetParam().bytes), GetParam().status) << GetParam().what;
}

std::string post(const std::string& fields) {
  return "POST / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
}

std::string many_fields(int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += "X-" + std::to_string(i) + ": 1\r\n";
  return out;
}

INSTANTIATE_TEST_SUITE_P(
    Heads, RefusedHeads,
    ::testing::Values(
        Case{"fine", post("Content-Length: 0\r\n"), 200},
        Case{"both lengths", post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400},
        Case{"two lengths", post("Content-Length: 3\r\nContent-Length: 4\r\n"), 400},
        Case{"two equal lengths", post("Content-Length: 3\r\nContent-Length: 3\r\n"), 400},
        Case{"list of lengths", post("Content-Length: 3, 3\r\n"), 400},
        Case{"signed length", post("Content-Length: +3\r\n"), 400},
        Case{"negative length", post("Content-Length: -1\r\n"), 400},
        Case{"hex length", post("Content-Length: 0x3\r\n"), 400},
        Case{"huge length", post("Content-Length: 99999999999999999999\r\n"), 400},
        Case{"empty length", post("Content-Length: \r\n"), 400}, Case{"no length", post(""), 411},
        Case{"unknown coding", post("Transfer-Encoding: gzip, chunked\r\n"), 501},
        Case{"hidden coding", post("Transfer-Encoding: xchunked\r\n"), 501},
        Case{"two codings", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n"), 400},
        Case{"space before colon", post("Content-Length : 3\r\n"), 400},
        Case{"folded line", post("X: a\r\n b\r\nContent-Length: 0\r\n"), 400},
        Case{"bare LF", "GET / HTTP/1.1\nHost: h\n\n", 400},
        Case{"bare LF in the middle", "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400},
        Case{"bare CR", post("X: a\rContent-Length: 3\r\n"), 400},
        Case{"NUL", post(std::string("X: a\0b\r\n", 8)), 400},
        Case{"no colon", post("Garbage\r\n"), 400}, Case{"empty name", post(": x\r\n"), 400},
        Case{"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        Case{"no host", "GET / HTTP/1.1\r\n\r\n", 400},
        Case{"chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        Case{"version", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
        Case{"no version", "GET /\r\nHost: h\r\n\r\n", 400}, Case{"not http", "hello\r\n\r\n", 400},
        Case{"TLS hello", std::string("\x16\x03\x01\x02\x00\x01\r\n\r\n", 10), 400},
        Case{"bad escape", "GET /?a=%g1 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Case{"NUL escape in query", "GET /?a=%00 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Case{"relative target", "GET a HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Case{"authority target", "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        Case{"other expectation", post("Content-Length: 1\r\nExpect: x\r\n"), 400},
        Case{"100 fields are fine", "GET / HTTP/1.1\r\nHost: h\r\n" + many_fields(99) + "\r\n",
             200},
        Case{"101 fields", "GET / HTTP/1.1\r\nHost: h\r\n" + many_fields(100) + "\r\n", 431},
        Case{"long value", post("X: " + std::string(9'000, 'a') + "\r\n"), 431},
        Case{"long name", post(std::string(300, 'a') + ": 1\r\n"), 431},
        Case{"long head, no end yet", post("X: " + std::string(40'000, 'a')), 431},
        Case{"long target", "GET /" + std::string(9'000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n",
             414},
        Case{"endless target", "GET /" + std::string(40'000, 'a'), 414},
        Case{"more to come", "GET / HTTP/1.1\r\nHost: h\r\n", 0}));

TEST(HeadTest, EncodedWordsCannotSmuggleALineBreak) {
  EXPECT_EQ(status_of_head("GET / HTTP/1.1\r\nHost: h\r\nX: =?UTF-8?B?YQ0KWTogYg==?=\r\n\r\n"),
            400);
}

TEST(UriTest, Queries) {
  EXPECT_EQ(parse_query("")->size(), 0u);
  EXPECT_EQ(parse_query("a&b=&=c&&d=%e4%bd%a0")->at("d"), "\xe4\xbd\xa0");
  EXPECT_FALSE(parse_query("a=%4"));
  EXPECT_EQ(percent_decode("%41%20+"), "A +");
}

Result<std::string> dechunk(std::string in, std::size_t max = 1000, std::size_t piece = 1000) {
  ChunkedDecoder decoder;
  std::string buffer, out;
  for (std::size_t i = 0; i < in.size(); i += piece) {
    buffer += in.substr(i, piece);
    Result<bool> done = decoder.feed(buffer, out, max);
    if (!done) return done.error();
    if (*done) return out + "|" + buffer + in.substr(std::min(in.size(), i + piece));
  }
  return std::string("incomplete");
}

TEST(ChunkedTest, DecodesInPiecesOfAnySize) {
  const std::string body = "3\r\nabc\r\nA;x=\"y\"\r\n0123456789\r\n0\r\nT: v\r\n\r\nnext";
  for (std::size_t piece = 1; piece < body.size(); ++piece) {
    EXPECT_EQ(*dechunk(body, 1000, piece), "abc0123456789|next") << piece;
  }
}

TEST(ChunkedTest, RefusesWhatIsNotAChunk) {
  EXPECT_EQ(dechunk("xyz\r\n").error().reason, "bad_chunk");
  EXPECT_EQ(dechunk("-1\r\n").error().reason, "bad_chunk");
  EXPECT_EQ(dechunk("\r\n").error().reason, "bad_chunk");
  EXPECT_EQ(dechunk("3\r\nabcd\r\n").error().reason, "bad_chunk");
  EXPECT_EQ(dechunk("ffffffffffffffffff\r\n").error().reason, "bad_chunk");
  EXPECT_EQ(dechunk("3;" + std::string(5000, 'x')).error().reason, "bad_chunk");
  EXPECT_EQ(dechunk("0\r\nX: " + std::string(9000, 'x')).error().reason, "bad_chunk");
  EXPECT_EQ(dechunk("fffffffffffffff\r\n").error().kind, ErrorKind::too_large);
  EXPECT_EQ(dechunk("5\r\nabcde\r\n6\r\nabcdef\r\n0\r\n\r\n", 10).error().kind,
            ErrorKind::too_large);
  EXPECT_EQ(*dechunk("3\r\nab"), "incomplete");
}

}  // namespace
}  // namespace rolesync::http
