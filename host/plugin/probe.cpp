// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/probe.hpp"

#include <nlohmann/json.hpp>

#include "host/plugin/status_codes.hpp"
#include "host/process/child.hpp"

namespace rolesync::plugin {
namespace {

Error crashed(const ChildResult& result) {
  return {ErrorKind::failed, "probe_crashed",
          "loading the library ended the process that tried it: " + result.explain(),
          "look at its static initialisers, describe and create"};
}

std::string text_of(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

}  // namespace

Result<Probed> probe(const std::filesystem::path& plugin_host_program,
                     const std::filesystem::path& file, std::chrono::milliseconds limit) {
  ChildSpec spec;
  spec.argv = {plugin_host_program.string(), "--probe", file.string()};
  spec.time_limit = limit;
  spec.term_grace = std::chrono::milliseconds(200);
  spec.output_cap = 1 << 20;
  const Result<ChildResult> result = run_child(spec);
  if (!result) {
    return Error{ErrorKind::unavailable, "plugin_host_missing",
                 "plugins cannot be probed: " + result.error().message,
                 "install rolesync-plugin-host beside this program"};
  }
  if (result->timed_out) {
    return Error{
        ErrorKind::timeout, "probe_timeout",
        "the library did not describe itself within " + std::to_string(limit.count() / 1000) + " s",
        "loading and describing must not wait for anything"};
  }
  if (result->signal != 0) return crashed(*result);
  const Result<Json> answer = parse_json(result->output, {.max_bytes = 1 << 20});
  if (!answer || !answer->is_object()) {
    if (result->exit_code != 0) return crashed(*result);
    return Error{ErrorKind::failed, "probe_silent",
                 "the library ended the process that tried it without an answer",
                 "a plugin must not call exit"};
  }
  if (const auto refused = answer->find("refused"); refused != answer->end()) {
    return error_from_json(*refused);
  }
  if (!answer->contains("descriptor")) {
    return Error{ErrorKind::failed, "probe_silent", "the probe's answer holds no descriptor"};
  }
  return Probed{text_of(*answer, "descriptor"), text_of(*answer, "abi"),
                text_of(*answer, "objection"), text_of(*answer, "objection_text")};
}

}  // namespace rolesync::plugin
