// SPDX-License-Identifier: Apache-2.0
// The child's half of probe.hpp, apart so that rolesync-plugin-host stays small.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "host/plugin/library.hpp"
#include "host/plugin/private_wire.hpp"
#include "host/plugin/probe.hpp"
#include "host/plugin/process_state.hpp"
#include "host/plugin/status_codes.hpp"
#include "host/plugin/wire.hpp"

namespace rolesync::plugin {
namespace {

void log_nothing(void*, std::int32_t, const char*, std::size_t) {}

std::int32_t no_service(void*, const char*, const char*, std::size_t, const rs_sink* out) {
  const std::string text =
      error_text({ErrorKind::failed, "outside_a_call", "services are there during a call only"});
  out->write(out->ctx, text.data(), text.size());
  return RS_FAILED;
}

std::string text_of(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

Status make_one(const rs_plugin& plugin, const std::string& kind, const std::string& id) {
  static const rs_host host{sizeof(rs_host), RS_ABI_MAJOR, RS_ABI_MINOR,
                            nullptr,         &log_nothing, &no_service};
  void* instance = nullptr;
  std::string text;
  const rs_sink sink = sink_into(text);
  const std::int32_t status =
      plugin.create(&host, kind.c_str(), id.c_str(), "{}", 2, &instance, &sink);
  if (status == RS_TRANSIENT) return {};  // may work later: the first call will tell
  if (status == RS_OK && instance) {
    plugin.destroy(instance);
    return {};
  }
  return Error{ErrorKind::invalid, "create_failed",
               "no instance of " + kind + " " + id + " can be made: " +
                   (status == RS_OK ? "it is null" : error_from_status(status, text).message)};
}

// A descriptor that is wrong is left to the one who asked: he says where.
Status make_all(const rs_plugin& plugin, const std::string& descriptor) {
  const Result<Json> parsed = parse_json(descriptor, {.max_bytes = 256 << 10});
  if (!parsed || !parsed->is_object()) return {};
  const auto provides = parsed->find("provides");
  if (provides == parsed->end() || !provides->is_array()) return {};
  for (const Json& entry : *provides) {
    if (!entry.is_object()) continue;
    const std::string kind = text_of(entry, "kind"), id = text_of(entry, "id");
    if (kind.empty() || id.empty()) continue;
    if (Status made = make_one(plugin, kind, id); !made) return made;
  }
  return {};
}

Json answer_of(const std::filesystem::path& file) {
  const ProcessState before = ProcessState::now();
  const std::size_t threads = count_threads();
  const auto library = load_library(file);
  if (!library) return {{"refused", error_to_json(library.error())}};
  const Result<std::string> text = describe(**library);
  if (!text) return {{"refused", error_to_json(text.error())}};
  if (Status made = make_all(**library, *text); !made) {
    return {{"refused", error_to_json(made.error())}};
  }
  Json answer{
      {"descriptor", *text},
      {"abi", std::to_string((*library)->abi_major) + "." + std::to_string((*library)->abi_minor)}};
  if (const std::string changed = before.difference(ProcessState::now()); !changed.empty()) {
    answer["objection"] = "changes_process";
    answer["objection_text"] = "loading the library changes " + changed;
  } else if (has_more_threads_than(threads)) {
    answer["objection"] = "leaves_thread";
    answer["objection_text"] = "a thread of the library runs on after its instances are gone";
  }
  return answer;
}

}  // namespace

int run_probe(const std::filesystem::path& file) {
  const PrivateWire wire = take_private_wire();
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  const bool told = write_line(wire.out.get(), answer_of(file), patience).ok();
  std::_Exit(told ? 0 : 1);  // its static destructors are its own affair
}

}  // namespace rolesync::plugin
