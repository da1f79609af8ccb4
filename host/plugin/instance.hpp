// SPDX-License-Identifier: Apache-2.0
// One instance of a (kind, id): in this process, or in a child of its own. Called by one thread at
// a time, from changing threads.
#pragma once
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "host/plugin/call_context.hpp"

struct rs_plugin;

namespace rolesync::plugin {

class Instance {
 public:
  virtual ~Instance() = default;
  // Sets context.fault when the instance must not be used again.
  virtual Result<Json> call(std::string_view method, const Json& request, CallContext& context) = 0;
  // Between calls: it has grown too large to be kept.
  virtual bool must_go() { return false; }
};

// In this process. The library was probed before.
Result<std::unique_ptr<Instance>> make_inline_instance(std::shared_ptr<const rs_plugin> library,
                                                       const Provided& provided);

struct ChildProgram {
  std::filesystem::path path;  // rolesync-plugin-host
  ChildLimits limits;
};

// In a child `rolesync-plugin-host --serve <file>`, started at the first call.
std::unique_ptr<Instance> make_child_instance(ChildProgram program, std::filesystem::path file,
                                              Provided provided);

}  // namespace rolesync::plugin
