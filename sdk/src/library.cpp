// SPDX-License-Identifier: Apache-2.0
// The C++ side of the door: JSON text in and out, exceptions become statuses.
#include <nlohmann/json.hpp>
#include <rolesync/plugin.hpp>

namespace rolesync {
inline namespace sdk1 {
namespace {

void write(const rs_sink* out, const std::string& text) {
  out->write(out->ctx, text.data(), text.size());
}

std::string dump(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::int32_t report(const rs_sink* out, Code code, const std::string& reason,
                    const std::string& message, const std::string& hint) noexcept {
  try {
    write(out, dump({{"reason", reason}, {"message", message}, {"hint", hint}}));
  } catch (...) {  // out of memory: the status alone has to do
  }
  return static_cast<std::int32_t>(code);
}

// A document nested deeper than any request would overflow the stack when it is copied.
Json parse(const char* json, std::size_t size) {
  constexpr int deepest = 64;
  return Json::parse(json, json + size, [](int depth, Json::parse_event_t, Json&) {
    if (depth > deepest)
      throw Error(Code::invalid, "invalid_json", "the JSON is nested too deeply");
    return true;
  });
}

template <class Body>
std::int32_t guarded(const rs_sink* out, Body body) noexcept {
  try {
    body();
    return RS_OK;
  } catch (const Error& error) {
    return report(out, error.code(), error.reason(), error.what(), error.hint());
  } catch (const Json::exception& error) {
    return report(out, Code::invalid, "invalid_request", error.what(), "");
  } catch (const std::exception& error) {
    return report(out, Code::failed, "plugin_exception", error.what(), "");
  } catch (...) {
    return report(out, Code::failed, "plugin_exception", "the plugin threw an unknown type", "");
  }
}

}  // namespace

Json Export::describe() const {
  Json options;
  try {
    options = Json::parse(options_);
  } catch (const Json::exception& error) {
    throw Error(
        Code::invalid, "invalid_options",
        std::string("the options of ") + kind_ + " " + id_ + " are no JSON: " + error.what());
  }
  Json timeouts = Json::object();
  for (const auto& [method, seconds] : timeouts_) timeouts[method] = seconds;
  return {{"kind", kind_},       {"id", id_},
          {"summary", summary_}, {"threads", parallel_ ? "parallel" : "one"},
          {"needs", needs_},     {"options", std::move(options)},
          {"timeouts", timeouts}};
}

namespace detail {

std::int32_t describe(GetLibrary get_library, const rs_sink* out) noexcept {
  return guarded(out, [&] {
    const Library& library = get_library();
    Json provides = Json::array();
    for (const Export& item : library.provides) provides.push_back(item.describe());
    write(out, dump({{"name", library.name},
                     {"version", library.version},
                     {"provides", std::move(provides)}}));
  });
}

std::int32_t create(GetLibrary get_library, const rs_host* host, const char* kind, const char* id,
                    const char*, std::size_t, void** instance, const rs_sink* out) noexcept {
  return guarded(out, [&] {
    for (const Export& item : get_library().provides) {
      if (std::string_view(kind) != item.kind() || std::string_view(id) != item.id()) continue;
      std::unique_ptr<Instance> made = item.factory()();
      made->bind(Host(host));
      *instance = made.release();
      return;
    }
    throw Error(Code::not_found, "not_provided",
                std::string("this library provides no ") + kind + " named " + id);
  });
}

std::int32_t call(void* instance, const char* method, const char* json, std::size_t size,
                  const rs_sink* out) noexcept {
  return guarded(out, [&] {
    const Json request = parse(json, size);
    write(out, dump(static_cast<Instance*>(instance)->call(method, request)));
  });
}

void destroy(void* instance) noexcept {
  delete static_cast<Instance*>(instance);
}

}  // namespace detail
}  // namespace sdk1
}  // namespace rolesync
