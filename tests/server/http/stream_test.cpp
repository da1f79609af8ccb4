// SPDX-License-Identifier: Apache-2.0
// Upgraded connections from client to server, plain and over TLS, down to a child process that
// uses the connection as its stdin and stdout.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <filesystem>
#include <future>

#include "front_fixture.hpp"
#include "server/http/certificates.hpp"
#include "server/http/streams.hpp"

namespace rolesync::http {
namespace {

std::string read_everything(Stream& stream) {
  std::string out;
  std::vector<char> piece(64 << 10);
  for (;;) {
    Result<std::size_t> n = stream.read(piece.data(), piece.size());
    if (!n) return out + "<" + n.error().reason + ">";
    if (*n == 0) return out;
    out.append(piece.data(), *n);
  }
}

void echo(std::unique_ptr<Stream> stream) {
  char piece[4096];
  for (;;) {
    Result<std::size_t> n = stream->read(piece, sizeof piece);
    if (!n || *n == 0) return;
    if (!stream->write({piece, *n})) return;
  }
}

// A real program with the descriptor as stdin and stdout.
pid_t run_on(int descriptor, const char* shell_line) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(descriptor, 0);
    ::dup2(descriptor, 1);
    ::execl("/bin/sh", "sh", "-c", shell_line, nullptr);
    ::_exit(127);
  }
  return pid;
}

int exit_code(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string some_bytes(std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>((i * 2654435761u) >> 13);
  return out;
}

class StreamTest : public FrontTest, public ::testing::WithParamInterface<bool> {
 protected:
  StreamTest() {
    router.on_upgrade("/api/nodes/{id}/streams/{stream_id}", Policy::node(),
                      [this](const Request& request) -> std::variant<Response, StreamOwner> {
                        auto owner = broker.claim(request.parameters.at("id"),
                                                  request.parameters.at("stream_id"));
                        if (!owner) return problem(owner.error());
                        return *owner;
                      });
    if (!GetParam()) return;
    char name[] = "/tmp/rolesync-tls-XXXXXX";
    directory = ::mkdtemp(name);
    auto files = make_certificates(directory, {"127.0.0.1"});
    EXPECT_TRUE(files.ok());
    options.certificate_file = files->certificate;
    options.key_file = files->key;
    fingerprint = *certificate_fingerprint(files->certificate);
  }
  ~StreamTest() override {
    front.reset();
    if (!directory.empty()) std::filesystem::remove_all(directory);
  }

  std::unique_ptr<Stream> open(StreamOwner owner) {
    node = client("n1");
    auto stream = node->open_stream("/api/nodes/n1/streams/" +
                                    broker.expect("n1", seconds(20), std::move(owner)));
    EXPECT_TRUE(stream.ok()) << stream.error().text();
    return stream.ok() ? std::move(*stream) : nullptr;
  }

  std::filesystem::path directory;
  StreamBroker broker;
  std::unique_ptr<HttpClient> node;
};

INSTANTIATE_TEST_SUITE_P(Transport, StreamTest, ::testing::Values(false, true),
                         [](const auto& which) { return which.param ? "tls" : "plain"; });

TEST_P(StreamTest, CarriesBytesBothWaysAtTheSameTime) {
  start();
  auto stream = open(echo);
  ASSERT_TRUE(stream);
  const std::string sent = some_bytes(5 << 20);
  std::thread writer([&] {
    EXPECT_TRUE(stream->write(sent).ok());
    stream->finish_writing();
  });
  const std::string got = read_everything(*stream);
  writer.join();
  EXPECT_EQ(got.size(), sent.size());
  EXPECT_TRUE(got == sent);
}

TEST_P(StreamTest, ServerMaySpeakFirstAndTheClientsDescriptorMissesNothing) {
  start();
  auto stream = open([](std::unique_ptr<Stream> s) {
    (void)s->write("greeting\n");
    EXPECT_EQ(read_everything(*s), "greeting\n");
  });
  ASSERT_TRUE(stream);
  if (!GetParam()) {
    EXPECT_GE(stream->plain_descriptor(), 0);
  }
  StreamDescriptor descriptor(std::move(stream));
  EXPECT_EQ(exit_code(run_on(descriptor.get(), "head -n 1")), 0);
}

TEST_P(StreamTest, AProgramUsesItAsStdinAndStdout) {
  start();
  std::promise<int> code;
  auto stream = open([&](std::unique_ptr<Stream> s) {
    StreamDescriptor descriptor(std::move(s));
    EXPECT_EQ(::fcntl(descriptor.get(), F_GETFL) & O_NONBLOCK, 0);
    code.set_value(exit_code(run_on(descriptor.get(), "exec cat")));
  });
  ASSERT_TRUE(stream);
  const std::string sent = some_bytes(3 << 20);
  std::thread writer([&] {
    EXPECT_TRUE(stream->write(sent).ok());
    stream->finish_writing();
  });
  const std::string got = read_everything(*stream);
  writer.join();
  EXPECT_TRUE(got == sent) << got.size();
  EXPECT_EQ(code.get_future().get(), 0);
}

TEST_P(StreamTest, WhatAProgramWroteBeforeItsEndArrivesWhole) {
  start();
  auto stream = open([](std::unique_ptr<Stream> s) {
    StreamDescriptor descriptor(std::move(s));
    exit_code(run_on(descriptor.get(), "head -c 2000000 /dev/zero"));
  });
  ASSERT_TRUE(stream);
  EXPECT_EQ(read_everything(*stream).size(), 2'000'000u);
}

TEST_P(StreamTest, OneDirectionMayRestWhileTheOtherMoves) {
  start();
  std::promise<void> done;
  auto stream = open([&](std::unique_ptr<Stream> s) {
    s->set_stall_limit(seconds(1));
    StreamDescriptor descriptor(std::move(s));
    EXPECT_EQ(exit_code(run_on(descriptor.get(),
                               "for i in 1 2 3 4 5 6 7 8; do sleep 0.2; echo $i; "
                               "done; read line; echo $line")),
              0);
    done.set_value();
  });
  ASSERT_TRUE(stream);
  std::string got;
  char piece[100];
  while (got.find("8\n") == std::string::npos) {
    Result<std::size_t> n = stream->read(piece, sizeof piece);
    ASSERT_TRUE(n.ok() && *n > 0);
    got.append(piece, *n);
  }
  EXPECT_TRUE(stream->write("end\n").ok());
  done.get_future().wait();
  EXPECT_EQ(read_everything(*stream), "end\n");
}

TEST_P(StreamTest, StallAndInterruptAreErrorsNotHangs) {
  start();
  std::promise<void> leave;
  auto left = leave.get_future().share();
  auto stream = open([left](std::unique_ptr<Stream>) { left.wait(); });
  ASSERT_TRUE(stream);
  stream->set_stall_limit(milliseconds(30));
  char byte = 0;
  auto n = stream->read(&byte, 1);
  ASSERT_FALSE(n.ok());
  EXPECT_EQ(n.error().reason, "stream_stalled");
  stream->set_stall_limit(seconds(60));
  std::thread breaker([&] { stream->interrupt(); });
  n = stream->read(&byte, 1);
  breaker.join();
  ASSERT_FALSE(n.ok());
  EXPECT_EQ(n.error().reason, "stream_lost");
  leave.set_value();
}

TEST_P(StreamTest, StoppingTheFrontBreaksStreams) {
  start();
  auto stream = open(echo);
  ASSERT_TRUE(stream);
  ASSERT_TRUE(eventually([&] { return front->counts().streams == 1; }));
  EXPECT_TRUE(front->stop().ok());
  const std::string got = read_everything(*stream);
  EXPECT_TRUE(got.empty() || got == "<stream_lost>") << got;
}

TEST_P(StreamTest, RefusalsKeepTheirReason) {
  options.limits.max_streams = 1;
  start();
  auto c = client("n1");
  auto unknown = c->open_stream("/api/nodes/n1/streams/str_nope");
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().reason, "stream_unknown");
  const std::string others = broker.expect("n2", seconds(20), echo);
  EXPECT_EQ(c->open_stream("/api/nodes/n1/streams/" + others).error().reason, "stream_unknown");
  EXPECT_EQ(client()->open_stream("/api/nodes/n1/streams/x").error().reason, "login_required");
  EXPECT_EQ(c->send({.path = "/api/nodes/n1/streams/x"})->status, 426);
  auto first = open(echo);
  ASSERT_TRUE(first);
  const std::string second = broker.expect("n1", seconds(20), echo);
  EXPECT_EQ(c->open_stream("/api/nodes/n1/streams/" + second).error().reason, "too_many_streams");
}

TEST(StreamBrokerTest, AnIdIsGoodOnceForOneNodeAndNotForEver) {
  StreamBroker broker;
  const std::string id = broker.expect("n1", seconds(20), echo);
  EXPECT_FALSE(broker.claim("n2", id).ok());
  EXPECT_TRUE(broker.claim("n1", id).ok());
  EXPECT_FALSE(broker.claim("n1", id).ok());
  std::promise<void> expired;
  const std::string late = broker.expect("n1", milliseconds(1), echo, [&] { expired.set_value(); });
  expired.get_future().wait();
  EXPECT_EQ(broker.claim("n1", late).error().reason, "stream_unknown");
  const std::string gone = broker.expect("n1", milliseconds(1), echo);
  EXPECT_TRUE(eventually([&] { return !broker.withdraw(gone); }));
}

TEST(StreamBrokerTest, WhoStillWaitsWhenItEndsIsTold) {
  std::atomic<int> told = 0;
  {
    StreamBroker broker;
    broker.expect("n1", seconds(600), echo, [&] { ++told; });
    const std::string withdrawn = broker.expect("n1", seconds(600), echo, [&] { ++told; });
    EXPECT_TRUE(broker.withdraw(withdrawn));
  }
  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace rolesync::http
