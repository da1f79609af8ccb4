// SPDX-License-Identifier: Apache-2.0
#include "host/plugin_check/calls.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "host/plugin/library.hpp"
#include "host/plugin/status_codes.hpp"
#include "host/role/role.hpp"
#include "host/values/hash.hpp"

namespace rolesync::plugin_check {
namespace {

namespace fs = std::filesystem;

Json value_for(const Json& rule) {
  if (const auto found = rule.find("default"); found != rule.end()) return *found;
  if (const auto list = rule.find("enum"); list != rule.end()) return list->at(0);
  const auto type = rule.value("type", "string");
  if (type == "boolean") return false;
  if (type == "string") return "true";  // also the name of a program that does nothing
  if (rule.contains("minimum")) return rule["minimum"];
  if (rule.contains("maximum")) return rule["maximum"];
  return 1;
}

Json sample_role(const fs::path& scratch, const Json& options) {
  Role role;
  role.name = "shop";
  role.display_name = "Shop";
  role.source_paths = {"shop"};
  role.target_path = scratch / "target";
  role.systemd_service = "shop";
  role.health_check_port = 8080;
  role.health_check_path = "/healthz";
  fs::create_directories(scratch / "target");
  Json object = role_to_json(role);
  object["restart_options"] = options;
  return object;
}

Json fetch_request(const fs::path& scratch, const Json& offer) {
  const std::string blob = git_blob_id("hello\n");
  fs::create_directories(scratch / "staging");
  std::ofstream(scratch / "wanted", std::ios::binary) << blob << '\0';
  return {{"offer", offer},
          {"offer_id", "offer-1"},
          {"staging", (scratch / "staging").string()},
          {"basis", ""},
          {"list_file", (scratch / "wanted").string()},
          {"files", 1},
          {"bytes", 6}};
}

}  // namespace

Result<std::unique_ptr<LiveInstance>> LiveInstance::make(std::shared_ptr<const rs_plugin> library,
                                                         const rs_host* host,
                                                         const plugin::Provided& provided) {
  void* instance = nullptr;
  std::string text;
  const rs_sink sink = plugin::sink_into(text);
  const std::int32_t status =
      library->create(host, provided.kind.c_str(), provided.id.c_str(), "{}", 2, &instance, &sink);
  if (status != RS_OK) return plugin::error_from_status(status, text);
  if (!instance) {
    return Error{ErrorKind::failed, "create_failed", "create reported success, but no instance"};
  }
  return std::unique_ptr<LiveInstance>(new LiveInstance(std::move(library), instance));
}

LiveInstance::~LiveInstance() {
  library_->destroy(instance_);
}

Answer LiveInstance::call(const std::string& method, std::string_view request) {
  Answer answer;
  const rs_sink sink = plugin::sink_into(answer.text);
  answer.status = library_->call(instance_, method.c_str(), request.data(), request.size(), &sink);
  return answer;
}

std::vector<Call> sample_calls(const plugin::Provided& provided, const fs::path& scratch) {
  std::vector<Call> calls;
  const auto add = [&](const char* method, const Json& request) {
    calls.push_back({method, to_text(request)});
  };
  if (provided.kind == "role") {
    add("spec", Json::object());
  } else if (provided.kind == "deployer") {
    fs::create_directories(scratch / "offer");
    add("offer", {{"content_id", "rs1:" + std::string(64, 'a')}, {"files", 1}, {"bytes", 6}});
    add("serve",
        {{"offer_id", "offer-1"}, {"directory", (scratch / "offer").string()}, {"stream", "s1"}});
    add("fetch", fetch_request(scratch, Json::object()));
  } else {
    const Json options = sample_options(provided);
    const Json role = sample_role(scratch, options);
    if (provided.kind == "detector") {
      const Json service = {{"state", "running"}, {"started_at", nullptr}, {"detail", ""}};
      add("detect",
          {{"role", role},
           {"facts",
            {{"path_exists", true}, {"service", service}, {"listening_ports", {22, 8080}}}}});
    } else {
      for (const char* method : {"status", "start", "restart", "stop"})
        add(method, {{"role", role}, {"options", options}});
    }
  }
  return calls;
}

Json sample_options(const plugin::Provided& provided) {
  Json options = Json::object();
  const auto schema = parse_json(provided.options_schema);
  if (!schema || !schema->is_object()) return options;
  for (const auto& [name, rule] : schema->items()) {
    if (!rule.is_object() || !(rule.value("required", false) || rule.contains("default"))) continue;
    const Json value = value_for(rule);
    options[name] = value.is_string() ? value : Json(to_text(value));  // they travel as text
  }
  return options;
}

Outcome with_each(Subject& subject, StandInHost::Mood mood, const Use& use) {
  const auto library = subject.library();
  if (!library) return failed(library.error().message);
  const auto descriptor = subject.descriptor();
  if (!descriptor) return failed(descriptor.error().message);
  for (const plugin::Provided& provided : descriptor->provides) {
    StandInHost host(provided, mood);
    auto instance = LiveInstance::make(*library, host.raw(), provided);
    if (!instance) return failed(named(provided) + ": " + instance.error().message);
    Outcome outcome = use(provided, **instance, host);
    if (outcome.state != Outcome::State::passed) return outcome;
  }
  return passed();
}

std::string named(const plugin::Provided& provided, const std::string& method) {
  return provided.kind + " " + provided.id + (method.empty() ? "" : ", " + method);
}

std::string form_fault(const Answer& answer) {
  if (answer.status < RS_OK || answer.status > RS_FAILED) {
    return "answers status " + std::to_string(answer.status) + ", which does not exist";
  }
  const auto parsed = parse_json(answer.text);
  if (!parsed) return "answers text that is no JSON: " + parsed.error().message;
  if (answer.status == RS_OK) return "";
  for (const char* field : {"reason", "message"}) {
    const auto found = parsed->is_object() ? parsed->find(field) : parsed->end();
    if (found == parsed->end() || !found->is_string() ||
        found->get_ref<const std::string&>().empty())
      return "reports an error without a " + std::string(field);
  }
  return "";
}

}  // namespace rolesync::plugin_check
