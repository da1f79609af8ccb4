// SPDX-License-Identifier: Apache-2.0
// The host that a plugin meets in a check: it says yes to everything and does nothing. It can also
// be one that refuses, that has cancelled, or that talks nonsense. Any thread.
#pragma once
#include <rolesync/abi.h>

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "host/plugin/registry.hpp"
#include "host/values/json.hpp"
#include "host/values/result.hpp"

namespace rolesync::plugin_check {

class StandInHost {
 public:
  enum class Mood { willing, refusing, cancelling, nonsensical };

  explicit StandInHost(const plugin::Provided& provided, Mood mood = Mood::willing);
  StandInHost(const StandInHost&) = delete;
  StandInHost& operator=(const StandInHost&) = delete;

  const rs_host* raw() const { return &host_; }
  // Services that were called, but are not in the descriptor's needs.
  std::set<std::string> undeclared() const;

 private:
  static void log(void*, std::int32_t, const char*, std::size_t) {}
  static std::int32_t call(void* self, const char* service, const char* json, std::size_t size,
                           const rs_sink* out);
  std::int32_t answer(const std::string& service, std::string_view request, const rs_sink* out);
  Result<Json> willing_answer(const std::string& service, const Json& request);
  std::string nonsense();

  const rs_host host_;
  const std::set<std::string> needs_;
  const Mood mood_;
  mutable std::mutex mutex_;
  std::set<std::string> undeclared_;
  std::map<std::string, std::string> state_;  // JSON texts
  bool process_alive_ = false;
  std::size_t nonsense_said_ = 0;
};

}  // namespace rolesync::plugin_check
