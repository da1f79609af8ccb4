// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/descriptor.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "host/plugin/options.hpp"
#include "host/values/names.hpp"

namespace rolesync::plugin {
namespace {

constexpr std::array<std::string_view, 4> kinds = {"role", "detector", "deployer",
                                                   "restart_strategy"};
constexpr std::array<std::string_view, 21> services = {
    "fs.exists",        "fs.write_private", "service.status", "service.start",
    "service.stop",     "service.restart",  "service.reload", "service.try_restart",
    "port.listening",   "process.run",      "process.start",  "process.status",
    "process.signal",   "state.get",        "state.put",      "stream.open",
    "stream.to_file",   "job.progress",     "job.cancelled",  "service.reload_or_restart",
    "service.instances"};
constexpr std::size_t longest_summary = 200;
constexpr int longest_timeout_seconds = 24 * 3600;

class Reader {
 public:
  explicit Reader(const Json& document) : document_(document) {}

  Result<Descriptor> read() {
    if (!document_.is_object()) {
      fault("", "must be an object");
      return refusal();
    }
    only_known(document_, "", {"name", "version", "provides"});
    result_.name = text(document_, "", "name");
    if (!is_plugin_id(result_.name)) fault("/name", "is not a plugin name");
    read_version();
    read_provides();
    if (!faults_.empty()) return refusal();
    return std::move(result_);
  }

 private:
  void fault(std::string pointer, std::string detail) {
    faults_.push_back({std::move(pointer), std::move(detail)});
  }

  Error refusal() {
    std::string message =
        "the descriptor is not valid: " + (faults_[0].pointer.empty() ? "it" : faults_[0].pointer) +
        " " + faults_[0].detail;
    return {ErrorKind::invalid, "invalid_descriptor", std::move(message),
            "build the plugin with the SDK's ROLESYNC_PLUGIN", std::move(faults_)};
  }

  void only_known(const Json& object, const std::string& where,
                  const std::set<std::string_view>& known) {
    for (const auto& [key, value] : object.items()) {
      if (known.count(key)) continue;
      fault(std::string(where).append("/").append(key), "is not a field of a descriptor");
    }
  }

  std::string text(const Json& object, const std::string& where, const char* field) {
    const auto it = object.find(field);
    if (it == object.end() || !it->is_string()) {
      fault(where + "/" + field, "must be a string");
      return "";
    }
    return it->get<std::string>();
  }

  void read_version() {
    result_.version_text = text(document_, "", "version");
    const auto version = Semver::parse(result_.version_text);
    if (version) {
      result_.version = *version;
    } else {
      fault("/version", "must be a semantic version such as 1.2.3");
    }
  }

  void read_provides() {
    const auto list = document_.find("provides");
    if (list == document_.end() || !list->is_array() || list->empty() || list->size() > 64) {
      return fault("/provides", "must be a list of 1 to 64 entries");
    }
    std::set<std::pair<std::string, std::string>> seen;
    for (std::size_t i = 0; i < list->size(); ++i) {
      const std::string where = "/provides/" + std::to_string(i);
      if (!(*list)[i].is_object()) {
        fault(where, "must be an object");
        continue;
      }
      Provided provided = read_provided((*list)[i], where);
      if (!seen.insert({provided.kind, provided.id}).second) {
        fault(where, "repeats " + provided.kind + " " + provided.id);
      }
      result_.provides.push_back(std::move(provided));
    }
  }

  Provided read_provided(const Json& entry, const std::string& where) {
    only_known(entry, where, {"kind", "id", "summary", "threads", "needs", "options", "timeouts"});
    Provided provided;
    provided.kind = text(entry, where, "kind");
    if (std::find(kinds.begin(), kinds.end(), provided.kind) == kinds.end()) {
      fault(where + "/kind", "must be role, detector, deployer or restart_strategy");
    }
    provided.id = text(entry, where, "id");
    const bool fits = provided.kind == "role" ? is_name(provided.id) : is_plugin_id(provided.id);
    if (!fits) fault(where + "/id", "is not an id");
    if (entry.contains("summary")) provided.summary = text(entry, where, "summary");
    if (provided.summary.size() > longest_summary) {
      fault(where + "/summary", "must be one short line");
    }
    read_threads(entry, where, provided);
    read_needs(entry, where, provided);
    read_options(entry, where, provided);
    read_timeouts(entry, where, provided);
    return provided;
  }

  void read_threads(const Json& entry, const std::string& where, Provided& provided) {
    const auto threads = entry.find("threads");
    if (threads == entry.end() || *threads == "one") return;
    provided.parallel = *threads == "parallel";
    if (!provided.parallel) fault(where + "/threads", "must be one or parallel");
  }

  void read_needs(const Json& entry, const std::string& where, Provided& provided) {
    const auto needs = entry.find("needs");
    if (needs == entry.end()) return;
    if (!needs->is_array()) return fault(where + "/needs", "must be a list of services");
    for (std::size_t i = 0; i < needs->size(); ++i) {
      const Json& need = (*needs)[i];
      const std::string pointer = where + "/needs/" + std::to_string(i);
      if (!need.is_string()) {
        fault(pointer, "must be a string");
      } else if (!is_known_service(need.get_ref<const std::string&>())) {
        fault(pointer, "\"" + need.get<std::string>() + "\" is not a service of this host");
      } else {
        provided.needs.push_back(need.get<std::string>());
      }
    }
  }

  void read_options(const Json& entry, const std::string& where, Provided& provided) {
    provided.options_schema = "{}";
    const auto options = entry.find("options");
    if (options == entry.end()) return;
    const Status status = check_options_schema(*options);
    if (!status) {
      for (const FieldError& field : status.error().fields) {
        fault(where + "/options" + field.pointer, field.detail);
      }
    }
    provided.options_schema = to_text(*options);
  }

  void read_timeouts(const Json& entry, const std::string& where, Provided& provided) {
    const auto timeouts = entry.find("timeouts");
    if (timeouts == entry.end()) return;
    if (!timeouts->is_object()) return fault(where + "/timeouts", "must be an object");
    for (const auto& [method, seconds] : timeouts->items()) {
      if (!seconds.is_number_integer() || seconds < 1 || seconds > longest_timeout_seconds) {
        fault(std::string(where).append("/timeouts/").append(method),
              "must be a number of seconds from 1 to 86400");
      } else {
        provided.timeouts[method] = seconds.get<int>();
      }
    }
  }

  const Json& document_;
  Descriptor result_;
  std::vector<FieldError> faults_;
};

}  // namespace

bool is_known_service(std::string_view name) {
  return std::find(services.begin(), services.end(), name) != services.end();
}

Result<Descriptor> parse_descriptor(std::string_view text) {
  const Result<Json> document = parse_json(text, {.max_bytes = 256 << 10});
  if (!document) {
    return Error{ErrorKind::invalid, "invalid_descriptor",
                 "the descriptor cannot be read: " + document.error().message,
                 "build the plugin with the SDK's ROLESYNC_PLUGIN"};
  }
  return Reader(*document).read();
}

}  // namespace rolesync::plugin
