// SPDX-License-Identifier: Apache-2.0
// Write a plugin in C++ without seeing the C boundary. Derive from a kind (detector.hpp,
// deployer.hpp, restart_strategy.hpp; roles: role.hpp), list it in ROLESYNC_PLUGIN, build it with
// rolesync_add_plugin(). An instance is called by one thread at a time.
#pragma once
#include <rolesync/abi.h>
#include <rolesync/host.hpp>
#include <rolesync/types.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace rolesync {
inline namespace sdk1 {

// Every kind of plugin is this: named methods over JSON.
class Instance {
 public:
  virtual ~Instance() = default;
  // Throws Error{unsupported} for a method it does not know.
  virtual Json call(std::string_view method, const Json& request) = 0;
  const Host& host() const { return host_; }

  void bind(Host host) { host_ = host; }  // by the glue, before the first call

 private:
  Host host_;
};

// One thing a plugin provides: an entry of its descriptor and the way to make an instance.
class Export {
 public:
  using Factory = std::function<std::unique_ptr<Instance>()>;
  Export(const char* kind, const char* id, Factory make)
      : kind_(kind), id_(id), make_(std::move(make)) {}

  Export& summary(std::string text) { return summary_ = std::move(text), *this; }
  // Host services it calls; anything else is refused by the host.
  Export& needs(std::vector<std::string> services) { return needs_ = std::move(services), *this; }
  // JSON text: {"name": {"type": "string", "help": "...", "required": true}}; see the author guide.
  Export& options(std::string schema) { return options_ = std::move(schema), *this; }
  // Several instances may exist and be called at once.
  Export& parallel() { return parallel_ = true, *this; }
  // How long one call of `method` may take when the caller does not say.
  Export& timeout(const std::string& method, int seconds) {
    return timeouts_[method] = seconds, *this;
  }

  const char* kind() const { return kind_; }
  const char* id() const { return id_; }
  const Factory& factory() const { return make_; }
  Json describe() const;

 private:
  const char* kind_;
  const char* id_;
  Factory make_;
  std::string summary_, options_ = "{}";
  std::vector<std::string> needs_;
  bool parallel_ = false;
  std::map<std::string, int> timeouts_;
};

struct Library {
  const char* name;
  const char* version;  // semantic version: 1.2.3
  std::vector<Export> provides;
};

namespace detail {
// The four functions behind the door; exceptions stop here, also those of making the Library.
using GetLibrary = const Library& (*)();
std::int32_t describe(GetLibrary library, const rs_sink* out) noexcept;
std::int32_t create(GetLibrary library, const rs_host* host, const char* kind, const char* id,
                    const char* config, std::size_t size, void** instance,
                    const rs_sink* out) noexcept;
std::int32_t call(void* instance, const char* method, const char* json, std::size_t size,
                  const rs_sink* out) noexcept;
void destroy(void* instance) noexcept;
}  // namespace detail

}  // namespace sdk1
}  // namespace rolesync

#define ROLESYNC_SDK_VERSION "0.1.0"
#if defined(__clang__)
#define ROLESYNC_COMPILER __VERSION__
#elif defined(__GNUC__)
#define ROLESYNC_COMPILER "gcc " __VERSION__
#else
#define ROLESYNC_COMPILER "unknown compiler"
#endif

// ROLESYNC_PLUGIN("name", "1.0.0", export, ...): once per shared library, at namespace scope.
#define ROLESYNC_PLUGIN(NAME, VERSION, ...)                                                       \
  static const ::rolesync::Library& rolesync_library_() {                                         \
    static const ::rolesync::Library library{NAME, VERSION, {__VA_ARGS__}};                       \
    return library;                                                                               \
  }                                                                                               \
  static std::int32_t rolesync_describe_(const rs_sink* out) {                                    \
    return ::rolesync::detail::describe(&rolesync_library_, out);                                 \
  }                                                                                               \
  static std::int32_t rolesync_create_(const rs_host* host, const char* kind, const char* id,     \
                                       const char* config, std::size_t size, void** instance,     \
                                       const rs_sink* out) {                                      \
    return ::rolesync::detail::create(&rolesync_library_, host, kind, id, config, size, instance, \
                                      out);                                                       \
  }                                                                                               \
  static constexpr rs_plugin rolesync_entry_{RS_ABI_MAGIC,                                        \
                                             sizeof(rs_plugin),                                   \
                                             RS_ABI_MAJOR,                                        \
                                             RS_ABI_MINOR,                                        \
                                             0,                                                   \
                                             "sdk " ROLESYNC_SDK_VERSION "; " ROLESYNC_COMPILER,  \
                                             &rolesync_describe_,                                 \
                                             &rolesync_create_,                                   \
                                             &::rolesync::detail::call,                           \
                                             &::rolesync::detail::destroy};                       \
  extern "C" RS_EXPORT const rs_plugin* const rolesync_plugin = &rolesync_entry_;                 \
  static_assert(true, "ask for a semicolon")
