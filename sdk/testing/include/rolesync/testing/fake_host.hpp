// SPDX-License-Identifier: Apache-2.0
// A host for tests of plugins: no root, no fleet, no system. Set up what the node looks like, call
// the plugin, look at what it asked for. A service can be replaced by one of the test's own.
// One thread at a time, except that a plugin may call from any thread of its call.
#pragma once
#include <rolesync/abi.h>
#include <rolesync/host.hpp>

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace rolesync::testing {

struct Asked {
  std::string service;
  std::string request;  // JSON text
};

class FakeHost {
 public:
  // Answers a request, or throws rolesync::Error. The test includes <nlohmann/json.hpp> for it.
  using Handler = std::function<Json(const Json& request)>;

  FakeHost();
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  // What this node looks like.
  std::set<std::string> paths;
  std::map<std::string, UnitStatus> units;
  std::set<int> ports;
  std::map<std::string, Values> state;               // what the plugin remembers
  std::map<std::string, std::string> private_files;  // by the path it was given
  bool cancelled = false;

  void add_unit(const std::string& name, const std::string& active_state);
  void on(const std::string& service, Handler handler);
  // What process.run answers from now on; Host::run is all a plugin has to run programs.
  void programs_answer(ProgramResult result);

  // What was asked, in order; of one service. See matchers.hpp.
  const std::vector<Asked>& asked() const { return asked_; }
  std::vector<Json> asked(const std::string& service) const;
  const std::vector<std::string>& log() const { return log_; }

  // Refuses every service that is not in the list, as a real host does.
  void allow_only(std::vector<std::string> services);
  const rs_host* raw() const { return &host_; }

 private:
  Json serve(const std::string& service, const Json& request);
  Json unit(const std::string& name, const char* active_state);
  static void write_log(void* self, int32_t level, const char* text, size_t size);
  static int32_t call(void* self, const char* service, const char* json, size_t size,
                      const rs_sink* out);

  rs_host host_;
  std::mutex mutex_;
  std::map<std::string, Handler> handlers_;
  std::vector<Asked> asked_;
  std::vector<std::string> log_;
  std::set<std::string> allowed_;
  bool restricted_ = false;
};

}  // namespace rolesync::testing
