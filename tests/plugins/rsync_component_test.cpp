// SPDX-License-Identifier: Apache-2.0
// Both halves of the rsync deployer with the real rsync and the real bridge, over a socket pair as
// agent and server have one between them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "host/process/unique_fd.hpp"
#include "tests/place.hpp"
#include "tests/plugins/built_plugin.hpp"
#include "tests/plugins/real_host.hpp"

namespace rolesync::testing {
namespace {

namespace fs = std::filesystem;
using Request = Json;

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string random_bytes(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

// Host services as agent and server provide them: real processes, one stream.
class RealProcesses {
 public:
  RealProcesses(FakeHost& host, fs::path directory) {
    host.on("process.run", [this](const Request& request) { return run(request); });
    host.on("fs.write_private", [directory](const Request& request) -> Request {
      const fs::path path = directory / request.at("name").get<std::string>();
      write_file(path, request.at("text"));
      return {{"path", path.string()}};
    });
    host.on("stream.open", [](const Request&) -> Request { return {{"stream", "s"}}; });
  }

  UniqueFd stream;
  int runs = 0;

 private:
  Request run(const Request& request) {
    ++runs;
    auto argv = request.at("argv").get<std::vector<std::string>>();
    for (std::string& word : argv) {
      if (word == "@connect") {
        word = build_directory() + "/bin/rolesync-plugin-host --bridge 3";
      }
    }
    const Started result = run_program(argv, request.contains("attach") ? stream.get() : -1,
                                       request.contains("connect") ? stream.get() : -1);
    stream.reset();  // used up
    return {{"exit_code", result.exit_code},
            {"signal", result.signal},
            {"timed_out", result.timed_out},
            {"output", result.output},
            {"errors", result.errors}};
  }
};

class RsyncComponent : public ::testing::Test {
 protected:
  RsyncComponent() {
    std::string name = fs::temp_directory_path() / "rolesync-rsync-XXXXXX";
    root_ = ::mkdtemp(name.data());
    for (const char* directory : {"offer", "staging", "basis", "server", "node"}) {
      fs::create_directory(root_ / directory);
    }
  }
  ~RsyncComponent() override { fs::remove_all(root_); }

  std::string offer_blob(const std::string& content) {
    const std::string id = blob_id(content);
    write_file(root_ / "offer" / id, content);
    ::chmod((root_ / "offer" / id).c_str(), 0600);
    return id;
  }

  Request fetch_request(const std::vector<std::string>& ids, std::uint64_t bytes = 0) {
    std::string list;
    for (const std::string& id : ids) list += id + '\0';
    write_file(root_ / "list", list);
    return {{"offer", {{"module", "m"}}},
            {"offer_id", "o"},
            {"staging", root_ / "staging"},
            {"basis", root_ / "basis"},
            {"list_file", root_ / "list"},
            {"files", ids.size()},
            {"bytes", bytes}};
  }

  // Runs both halves at once; throws what the node's half throws.
  Request transfer(const Request& fetch) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    FakeHost server_host, node_host;
    RealProcesses server(server_host, root_ / "server"), node(node_host, root_ / "node");
    server.stream.reset(ends[0]);
    node.stream.reset(ends[1]);
    const auto plugin = built_plugin("deployer", "rsync_component");
    const PluginInstance serving = plugin.create("deployer", "rsync_component", server_host);
    const PluginInstance fetching = plugin.create("deployer", "rsync_component", node_host);
    std::thread server_thread([&] {
      try {
        serving.call("serve", {{"offer_id", "o"}, {"directory", directory_}, {"stream", "s"}});
        served_ = "done";
      } catch (const Error& error) {
        served_ = error.reason();
      }
      server.stream.reset();  // the host closes what the call leaves
    });
    struct Join {
      RealProcesses& node;
      std::thread& thread;
      ~Join() {
        node.stream.reset();
        thread.join();
      }
    } join{node, server_thread};
    return fetching.call("fetch", fetch);
  }

  fs::path root_;
  std::string served_;
  fs::path directory_ = "";
  void SetUp() override { directory_ = root_ / "offer"; }
};

TEST_F(RsyncComponent, BringsEveryWantedBlobAndNothingElse) {
  const std::vector<std::string> ids = {offer_blob("hello\n"), offer_blob(""),
                                        offer_blob(random_bytes(300'000, 1))};
  offer_blob("not wanted");
  EXPECT_EQ(transfer(fetch_request(ids)).at("files"), 3);
  EXPECT_EQ(served_, "done");
  std::vector<std::string> staged;
  for (const auto& entry : fs::directory_iterator(root_ / "staging")) {
    staged.push_back(entry.path().filename());
    EXPECT_EQ(blob_id(read_file(entry.path())), staged.back());
  }
  EXPECT_THAT(staged, ::testing::UnorderedElementsAreArray(ids));
}

TEST_F(RsyncComponent, ManyFilesArriveWhole) {
  std::vector<std::string> ids;
  for (int i = 0; i < 500; ++i) ids.push_back(offer_blob("file " + std::to_string(i)));
  EXPECT_EQ(transfer(fetch_request(ids)).at("files"), 500);
  for (const std::string& id : ids) {
    EXPECT_EQ(blob_id(read_file(root_ / "staging" / id)), id);
  }
}

TEST_F(RsyncComponent, AnEmptyListStartsNothing) {
  FakeHost host;
  RealProcesses processes(host, root_ / "node");
  const auto instance =
      built_plugin("deployer", "rsync_component").create("deployer", "rsync_component", host);
  EXPECT_EQ(instance.call("fetch", fetch_request({})).at("files"), 0);
  EXPECT_TRUE(host.asked().empty());
}

TEST_F(RsyncComponent, ALargeFileThatChangedALittleTravelsAsADelta) {
  std::string content = random_bytes(8'000'000, 2);
  const std::string old = content;
  content[4'000'000] ^= 1;
  const std::string id = offer_blob(content);
  write_file(root_ / "basis" / id, old);  // same name, same size, other bytes

  // Count what crosses: the node's traffic goes through a pump of the test's own.
  int node_side[2], server_side[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, node_side), 0);
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, server_side), 0);
  std::atomic<std::size_t> bytes{0};
  const auto pump = [&](int from, int to) {
    char buffer[65'536];
    ssize_t count;
    while ((count = ::read(from, buffer, sizeof buffer)) > 0) {
      bytes += static_cast<std::size_t>(count);
      if (::send(to, buffer, static_cast<std::size_t>(count), MSG_NOSIGNAL) != count) break;
    }
    ::shutdown(to, SHUT_WR);
  };
  std::thread up(pump, node_side[1], server_side[1]), down(pump, server_side[1], node_side[1]);
  FakeHost server_host, node_host;
  RealProcesses server(server_host, root_ / "server"), node(node_host, root_ / "node");
  server.stream.reset(server_side[0]);
  node.stream.reset(node_side[0]);
  const auto plugin = built_plugin("deployer", "rsync_component");
  const auto serving = plugin.create("deployer", "rsync_component", server_host);
  const auto fetching = plugin.create("deployer", "rsync_component", node_host);
  std::thread server_thread([&] {
    serving.call("serve", {{"offer_id", "o"}, {"directory", directory_}, {"stream", "s"}});
  });
  fetching.call("fetch", fetch_request({id}, content.size()));
  server_thread.join();
  up.join();
  down.join();
  ::close(node_side[1]);
  ::close(server_side[1]);
  EXPECT_EQ(blob_id(read_file(root_ / "staging" / id)), id);
  EXPECT_LT(bytes, content.size() / 20);
}

TEST_F(RsyncComponent, ABlobThatIsNotOfferedIsAFailureOfItsOwn) {
  const std::string id = offer_blob("here");
  const std::string away(40, 'a');
  try {
    transfer(fetch_request({id, away}));
    FAIL() << "it was not there";
  } catch (const Error& error) {
    EXPECT_EQ(error.reason(), "blob_missing") << error.what();
  }
}

TEST_F(RsyncComponent, ACutConnectionIsTransient) {
  FakeHost host;
  RealProcesses processes(host, root_ / "node");
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  ::close(ends[1]);
  processes.stream.reset(ends[0]);
  const auto instance =
      built_plugin("deployer", "rsync_component").create("deployer", "rsync_component", host);
  try {
    instance.call("fetch", fetch_request({std::string(40, 'a')}));
    FAIL() << "there was nobody";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::transient);
    EXPECT_EQ(error.reason(), "transfer_interrupted") << error.what();
  }
}

TEST_F(RsyncComponent, OnlyBlobIdsAreAskedFor) {
  write_file(root_ / "outside", "outside");
  for (const std::string& name : {std::string("../outside"), (root_ / "outside").string(),
                                  std::string("--daemon"), std::string(40, 'A')}) {
    FakeHost host;
    const auto instance =
        built_plugin("deployer", "rsync_component").create("deployer", "rsync_component", host);
    EXPECT_THROW(instance.call("fetch", fetch_request({name})), Error) << name;
    EXPECT_TRUE(host.asked().empty());
  }
}

TEST_F(RsyncComponent, ADirectoryThatAConfigCannotNameIsRefused) {
  for (const char* name : {"with%20percent", "with#hash", "with\nnewline", "with\\slash"}) {
    directory_ = root_ / name;
    fs::create_directory(directory_);
    EXPECT_THROW(transfer(fetch_request({std::string(40, 'a')})), Error);
    EXPECT_EQ(served_, "invalid_directory") << name;
  }
  directory_ = root_ / "with blank";
  fs::rename(root_ / "offer", directory_);
  fs::create_directory(root_ / "offer");
  const std::string content = "in a directory with a blank";
  write_file(directory_ / blob_id(content), content);
  EXPECT_EQ(transfer(fetch_request({blob_id(content)})).at("files"), 1);
}

TEST_F(RsyncComponent, AnOfferOfAnotherKindIsNotGuessedAt) {
  FakeHost host;
  const auto instance =
      built_plugin("deployer", "rsync_component").create("deployer", "rsync_component", host);
  Request request = fetch_request({std::string(40, 'a')});
  request["offer"] = {{"module", "--rsync-path=sh"}};
  EXPECT_THROW(instance.call("fetch", request), Error);
  EXPECT_TRUE(host.asked().empty());
}

}  // namespace
}  // namespace rolesync::testing
