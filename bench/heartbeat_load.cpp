// SPDX-License-Identifier: Apache-2.0
// heartbeat_load: heartbeats of many nodes, as fast as the server answers, with bodies that were
// made before the clock starts, so that the load costs little itself. Connections, handshakes and
// requests are real (tests/simulated_fleet). One thread. Prints `begin` and `end` as JSON lines;
// run by bench/server, which reads the server's CPU clock at both.
#include <sys/epoll.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "host/values/hash.hpp"
#include "host/values/json.hpp"
#include "tests/simulated_fleet/connection.hpp"

namespace {

using namespace rolesync;
using rolesync::simulated::Connection;
using rolesync::simulated::Endpoint;
using Clock = std::chrono::steady_clock;

struct Options {
  std::string url, ca_file, credentials_file;
  std::string body = "changed";
  int nodes = 512, ports = 12, seconds = 10, warm_seconds = 3;
};

constexpr const char* kRoles[] = {"backend",    "browser-svc", "code-source", "frontend",
                                  "npu-worker", "slm-agent",   "slm-server"};
constexpr const char* kChanging = "frontend";

// A role as a real agent reports it: deployed, proven, active or not.
Json role_entry(const std::string& role, int node, bool active) {
  const std::string id = sha256_hex(role + std::to_string(node % 3));
  return {{"path_exists", true},
          {"service_running", active},
          {"ports", active ? Json::array({5173}) : Json::array()},
          {"state", active ? "active" : "inactive"},
          {"health", active ? "healthy" : "failing"},
          {"reason", active ? "" : "service_not_running"},
          {"detail", ""},
          {"evidence", {{"path", true}, {"service", active}, {"port", active}}},
          {"running", "current"},
          {"restart_pending", false},
          {"error", ""},
          {"version", id.substr(0, 40)},
          {"content_id", "rs1:" + id},
          {"role_revision", "rr1:" + id},
          {"verified_at", "2026-01-01T00:00:" + std::to_string(10 + node % 50) + ".000Z"},
          {"drift", Json::array()},
          {"drift_count", 0}};
}

std::string ports_text(int count, int node, bool active) {
  Json list = Json::array();
  for (int i = 0; i < count - 1; ++i) {
    list.push_back({{"port", 20 + i * 7},
                    {"address", i % 2 ? "0.0.0.0" : "127.0.0.1"},
                    {"process", "service-" + std::to_string(i)},
                    {"pid", 400 + (node * 31 + i * 7) % 30'000}});
  }
  if (active) {
    list.push_back({{"port", 5173}, {"address", "0.0.0.0"}, {"process", "node"}, {"pid", 812}});
  }
  return to_text(list);
}

std::string plugins_text() {
  Json list = Json::array();
  for (const char* role : kRoles) {
    list.push_back({{"name", role},
                    {"version", "1.0.0"},
                    {"sha256", sha256_hex(role)},
                    {"state", "ready"},
                    {"reason", ""},
                    {"detail", ""},
                    {"path", "/usr/lib/rolesync/plugins/role/" + std::string(role) + ".so"},
                    {"abi", "1.0"},
                    {"isolated", false},
                    {"calls", 12},
                    {"faults", 0},
                    {"last_fault", nullptr},
                    {"provides", {{{"kind", "role"}, {"id", role}, {"options", Json::object()}}}}});
  }
  return to_text(list);
}

// The end of a body, from after the sequence, for each of the two states a node is in by turns.
struct Bodies {
  std::string first, turns[2];
};

std::string hash_of(const std::string& part, const std::string& text) {
  return ",\"" + part + "_hash\":\"" + sha256_hex(text) + "\"";
}

Bodies make_bodies(const Options& options, int node) {
  std::string reports[2], changes[2], ports[2];
  for (const bool active : {false, true}) {
    Json report = Json::object();
    for (const char* role : kRoles) {
      report[role] = role_entry(role, node, active || std::string(role) != kChanging);
    }
    reports[active] = to_text(report);
    changes[active] = to_text({{kChanging, report[kChanging]}});
    ports[active] = ports_text(options.ports, node, active);
  }
  const std::string plugins = plugins_text();
  const std::string os = to_text({{"system", "Linux"}, {"release", "6.1"}, {"hostname", "n"}});
  const auto whole = [&](bool active) {
    return ",\"role_report\":" + reports[active] + ",\"listening_ports\":" + ports[active] +
           ",\"plugins\":" + plugins + ",\"os_info\":" + os + "}";
  };
  Bodies bodies;
  bodies.first = whole(true);
  for (const bool active : {false, true}) {
    const std::string rest = hash_of("plugins", plugins) + hash_of("os_info", os) + "}";
    if (options.body == "whole") {
      bodies.turns[active] = whole(active);
    } else if (options.body == "quiet") {
      bodies.turns[active] =
          hash_of("role_report", reports[1]) + hash_of("listening_ports", ports[1]) + rest;
    } else {
      bodies.turns[active] = ",\"role_report_changes\":" + changes[active] +
                             hash_of("role_report", reports[active]) +
                             ",\"listening_ports\":" + ports[active] + rest;
    }
  }
  return bodies;
}

struct Node {
  Node(const Endpoint& endpoint, int epoll, std::uint64_t id, std::string name_,
       std::string credential_, Bodies bodies_)
      : connection(endpoint, epoll, id),
        name(std::move(name_)),
        credential(std::move(credential_)),
        bodies(std::move(bodies_)) {}
  Connection connection;
  std::string name, credential, etag;
  Bodies bodies;
  std::uint64_t sequence = 0;
  bool active = true;
  Clock::time_point asked;
};

class Load {
 public:
  explicit Load(Options options) : options_(std::move(options)), epoll_(::epoll_create1(0)) {}

  Status prepare() {
    auto endpoint = Endpoint::parse({options_.url}, options_.ca_file);
    if (!endpoint) return endpoint.error();
    endpoint_ = std::move(*endpoint);
    std::ifstream in(options_.credentials_file);
    for (std::string name, secret;
         static_cast<int>(nodes_.size()) < options_.nodes && in >> name >> secret;) {
      const int index = static_cast<int>(nodes_.size());
      nodes_.push_back(std::make_unique<Node>(endpoint_, epoll_, index, name, secret,
                                              make_bodies(options_, index)));
    }
    if (nodes_.empty()) return Error{ErrorKind::failed, "load", "there are no credentials"};
    return {};
  }

  void run() {
    for (const auto& node : nodes_) ask(*node);
    drive(std::chrono::seconds(options_.warm_seconds));
    latencies_.clear();
    refused_ = 0;
    const double cpu = cpu_seconds();
    const auto begin = Clock::now();
    say({{"event", "begin"}});
    drive(std::chrono::seconds(options_.seconds));
    const std::chrono::duration<double> taken = Clock::now() - begin;
    std::sort(latencies_.begin(), latencies_.end());
    say({{"event", "end"},
         {"heartbeats", latencies_.size()},
         {"seconds", taken.count()},
         {"cpu_seconds", cpu_seconds() - cpu},
         {"body_bytes", nodes_.front()->bodies.turns[1].size()},
         {"p50", at(0.5)},
         {"p99", at(0.99)},
         {"refused", refused_},
         {"lost", lost_}});
  }

 private:
  static double cpu_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
  }
  static void say(const Json& line) {
    std::printf("%s\n", to_text(line).c_str());
    std::fflush(stdout);
  }
  double at(double share) const {
    if (latencies_.empty()) return 0;
    return latencies_[static_cast<std::size_t>(share * static_cast<double>(latencies_.size() - 1))];
  }

  void ask(Node& node) {
    std::string body = "{\"sequence\":" + std::to_string(++node.sequence) +
                       ",\"boot_id\":\"boot-1-" + node.name +
                       "\",\"agent_version\":\"0.1.0\",\"cpu_percent\":1.5,\"memory_percent\":40.1,"
                       "\"disk_percent\":61.0,\"acknowledged\":[],\"definitions_etag\":\"" +
                       node.etag + "\"";
    body += node.sequence == 1 ? node.bodies.first : node.bodies.turns[node.active];
    node.asked = Clock::now();
    const bool sent = node.connection.send(
        "POST /api/nodes/" + node.name + "/heartbeat?wait=0 HTTP/1.1\r\nHost: " + endpoint_.host +
        "\r\nAuthorization: Bearer " + node.credential +
        "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
        "\r\n\r\n" + body);
    if (!sent) ++lost_;
  }

  void take(Node& node) {
    const auto answer = node.connection.take_answer();
    latencies_.push_back(std::chrono::duration<double>(Clock::now() - node.asked).count());
    if (answer.status >= 300) ++refused_;
    if (answer.body.find("\"role_report\"") != std::string::npos) ++refused_;  // asked again
    constexpr std::string_view field = "\"definitions_etag\":\"";
    const auto found = answer.body.find(field);
    if (found != std::string::npos) {
      const auto begin = found + field.size();
      node.etag = answer.body.substr(begin, answer.body.find('"', begin) - begin);
    }
    node.active = !node.active;
    ask(node);
  }

  void drive(Clock::duration time) {
    const auto until = Clock::now() + time;
    std::array<epoll_event, 256> events{};
    while (Clock::now() < until) {
      const int n = ::epoll_wait(epoll_, events.data(), events.size(), 100);
      for (int i = 0; i < n; ++i) {
        Node& node = *nodes_[events[i].data.u64];
        switch (node.connection.on_ready()) {
          case Connection::Outcome::answered:
            take(node);
            break;
          case Connection::Outcome::lost:
            ++lost_;
            break;
          case Connection::Outcome::pending:
            break;
        }
      }
    }
  }

  const Options options_;
  const int epoll_;
  Endpoint endpoint_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<double> latencies_;
  std::size_t refused_ = 0, lost_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Heartbeats of many nodes, as fast as they are answered");
  app.add_option("--url", options.url)->required();
  app.add_option("--ca", options.ca_file);
  app.add_option("--credentials", options.credentials_file, "of simulated_fleet")->required();
  app.add_option("--nodes", options.nodes, "each has one heartbeat under way");
  app.add_option("--ports", options.ports, "listening ports of a node");
  app.add_option("--body", options.body, "quiet, changed (a role and its port) or whole");
  app.add_option("--seconds", options.seconds);
  app.add_option("--warm-seconds", options.warm_seconds);
  CLI11_PARSE(app, argc, argv);
  Load load(options);
  if (Status ready = load.prepare(); !ready) {
    std::fprintf(stderr, "heartbeat_load: %s\n", ready.error().text().c_str());
    return 1;
  }
  load.run();
  return 0;
}
