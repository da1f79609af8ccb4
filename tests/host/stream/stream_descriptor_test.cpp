// SPDX-License-Identifier: Apache-2.0
// Streams over a local socket pair; the same over HTTP and TLS is in tests/server/http.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "host/stream/channel_stream.hpp"

namespace rolesync {
namespace {

using std::chrono::milliseconds;

struct Pair {
  std::unique_ptr<Stream> stream;
  int other = -1;

  explicit Pair(std::string early = {}) {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    stream = make_stream(Channel::plain(fds[0]), std::move(early));
    other = fds[1];
  }
  ~Pair() {
    if (other >= 0) ::close(other);
  }
};

std::string read_from(int descriptor, std::size_t size) {
  std::string out;
  char piece[1000];
  while (out.size() < size) {
    const ssize_t n = ::read(descriptor, piece, std::min(sizeof piece, size - out.size()));
    if (n <= 0) break;
    out.append(piece, static_cast<std::size_t>(n));
  }
  return out;
}

TEST(ChannelStreamTest, EarlyBytesComeFirstAndThenTheSocketsOwn) {
  Pair pair("early ");
  EXPECT_EQ(pair.stream->plain_descriptor(), -1);
  ASSERT_EQ(::write(pair.other, "late", 4), 4);
  char piece[100];
  EXPECT_EQ(*pair.stream->read(piece, 3), 3u);
  EXPECT_EQ(*pair.stream->read(piece, sizeof piece), 3u);
  EXPECT_GE(pair.stream->plain_descriptor(), 0);
  EXPECT_EQ(*pair.stream->read(piece, sizeof piece), 4u);
  ::shutdown(pair.other, SHUT_WR);
  EXPECT_EQ(*pair.stream->read(piece, sizeof piece), 0u);
}

TEST(ChannelStreamTest, WriteToAnEndedSideIsAnErrorNotASignal) {
  Pair pair;
  ::close(std::exchange(pair.other, -1));
  Status written = pair.stream->write("x");
  if (written) written = pair.stream->write("x");
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().reason, "stream_lost");
}

TEST(ChannelStreamTest, FullPeerStallsTheWriter) {
  Pair pair;
  pair.stream->set_stall_limit(milliseconds(30));
  const Status written = pair.stream->write(std::string(8 << 20, 'x'));
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().reason, "stream_stalled");
}

TEST(StreamDescriptorTest, PlainStreamIsItsOwnDescriptor) {
  Pair pair;
  const int own = pair.stream->plain_descriptor();
  StreamDescriptor descriptor(std::move(pair.stream));
  EXPECT_EQ(descriptor.get(), own);
}

TEST(StreamDescriptorTest, StreamWithBufferedBytesIsPumped) {
  Pair pair("hello ");
  {
    StreamDescriptor descriptor(std::move(pair.stream));
    ASSERT_EQ(::write(pair.other, "world", 5), 5);
    EXPECT_EQ(read_from(descriptor.get(), 11), "hello world");
    ASSERT_EQ(::write(descriptor.get(), "answer", 6), 6);
  }
  EXPECT_EQ(read_from(pair.other, 100), "answer");  // written out before it went
}

TEST(StreamDescriptorTest, GoesAwayWhileThePeerIsSilent) {
  Pair pair("x");
  { StreamDescriptor descriptor(std::move(pair.stream)); }
  EXPECT_EQ(read_from(pair.other, 100), "");
}

TEST(StreamDescriptorTest, EndOfEitherSideReachesTheOther) {
  Pair pair("x");
  StreamDescriptor descriptor(std::move(pair.stream));
  ::shutdown(pair.other, SHUT_WR);
  EXPECT_EQ(read_from(descriptor.get(), 100), "x");
  ::shutdown(descriptor.get(), SHUT_WR);
  EXPECT_EQ(read_from(pair.other, 100), "");
}

}  // namespace
}  // namespace rolesync
