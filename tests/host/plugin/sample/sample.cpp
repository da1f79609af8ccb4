// SPDX-License-Identifier: Apache-2.0
// A plugin for the registry's tests; built several times with another version and answer.
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <rolesync/plugin.hpp>
#include <thread>
#include <utility>

namespace {

using rolesync::Code;
using rolesync::Error;
using rolesync::Json;

std::atomic<int> running{0};

class Sample : public rolesync::Instance {
 public:
  Json call(std::string_view method, const Json& request) override {
    if (method == "answer") return SAMPLE_ANSWER;
    if (method == "echo") return request;
    if (method == "pid") return getpid();
    if (method == "exists") return host().path_exists(request.at("path"));
    if (method == "undeclared") return host().port_listening(80);
    if (method == "refuse") {
      throw Error(static_cast<Code>(request.at("code").get<int>()), "because", "no", "do it");
    }
    if (method == "crash") std::abort();
    if (method == "leave") std::exit(0);
    if (method == "print") return std::puts("{\"result\": 666}"), std::fflush(stdout), "printed";
    if (method == "hang") {
      for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
    }
    if (method == "until_cancelled") {
      while (!host().cancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      throw Error(Code::cancelled, "cancelled", "stopped as asked");
    }
    if (method == "later") return later(request.at("answers"));
    if (method == "together") return together(request.at("wanted"));
    throw Error(Code::unsupported, "method_unknown", "no method " + std::string(method));
  }

 private:
  int asked_ = 0;
  // Says `transient` so many times, then the number of calls it took.
  Json later(int answers) {
    if (++asked_ <= answers) throw Error(Code::transient, "not_yet", "ask again");
    return std::exchange(asked_, 0);
  }

  // True when as many calls as wanted were inside at the same moment; false after a while.
  static bool together(int wanted) {
    ++running;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    bool met = false;
    while (!met && std::chrono::steady_clock::now() < deadline) {
      met = running >= wanted;
      std::this_thread::yield();
    }
    if (met) std::this_thread::sleep_for(std::chrono::milliseconds(50));  // let the others see it
    --running;
    return met;
  }
};

rolesync::Export sample(const char* id) {
  return rolesync::Export("detector", id, []() -> std::unique_ptr<rolesync::Instance> {
    return std::make_unique<Sample>();
  });
}

}  // namespace

ROLESYNC_PLUGIN("sample", SAMPLE_VERSION,
                sample("sample")
                    .summary("for tests")
                    .needs({"fs.exists", "job.cancelled"})
                    .options(R"({"level": {"type": "integer", "minimum": 1, "maximum": 9},
                                  "often": {"type": "integer", "default": 3},
                                  "greeting": {"type": "string", "default": "hello"}})")
                    .timeout("hang", 1),
                sample("sample_parallel").parallel());
