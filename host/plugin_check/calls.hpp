// SPDX-License-Identifier: Apache-2.0
// Instances of the checked plugin, and the calls that a host would make of each kind. One thread
// per instance.
#pragma once
#include <rolesync/abi.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/plugin_check/check.hpp"
#include "host/plugin_check/stand_in_host.hpp"
#include "host/plugin_check/subject.hpp"

namespace rolesync::plugin_check {

struct Answer {
  std::int32_t status = RS_FAILED;
  std::string text;
};

class LiveInstance {
 public:
  // Errors: what create reported, or that it made none.
  static Result<std::unique_ptr<LiveInstance>> make(std::shared_ptr<const rs_plugin> library,
                                                    const rs_host* host,
                                                    const plugin::Provided& provided);
  ~LiveInstance();
  LiveInstance(const LiveInstance&) = delete;
  LiveInstance& operator=(const LiveInstance&) = delete;
  Answer call(const std::string& method, std::string_view request);

 private:
  LiveInstance(std::shared_ptr<const rs_plugin> library, void* instance)
      : library_(std::move(library)), instance_(instance) {}
  const std::shared_ptr<const rs_plugin> library_;
  void* const instance_;
};

struct Call {
  std::string method;
  std::string request;  // JSON text
};

// Every method of that kind with a sound request; paths are in `scratch`.
std::vector<Call> sample_calls(const plugin::Provided& provided,
                               const std::filesystem::path& scratch);

// Options that the schema accepts: defaults, and something for what is required.
Json sample_options(const plugin::Provided& provided);

// Does something with an instance of everything the plugin provides, in that mood of the host,
// until the first outcome that did not pass.
using Use = std::function<Outcome(const plugin::Provided&, LiveInstance&, StandInHost&)>;
Outcome with_each(Subject& subject, StandInHost::Mood mood, const Use& use);

// "detector alive_file, detect"
std::string named(const plugin::Provided& provided, const std::string& method = "");

// What is wrong with the form of an answer, whatever it says: not JSON, an unknown status, an error
// without reason. Empty: nothing.
std::string form_fault(const Answer& answer);

}  // namespace rolesync::plugin_check
