// SPDX-License-Identifier: Apache-2.0
#include <mutex>
#include <nlohmann/json.hpp>
#include <shared_mutex>

#include "host/plugin/instance.hpp"
#include "host/plugin/library.hpp"
#include "host/plugin/plugin_log.hpp"
#include "host/plugin/status_codes.hpp"

namespace rolesync::plugin {
namespace {

Error fault(const Provided& provided, const std::string& what) {
  return {ErrorKind::failed, "plugin_fault", provided.kind + " " + provided.id + " " + what};
}

class InlineInstance : public Instance {
 public:
  InlineInstance(std::shared_ptr<const rs_plugin> library, const Provided& provided)
      : library_(std::move(library)),
        provided_(provided),
        host_{sizeof(rs_host), RS_ABI_MAJOR, RS_ABI_MINOR, this, &log, &call_service} {}

  ~InlineInstance() override {
    if (instance_) (void)behind_door([&] { return library_->destroy(instance_), RS_OK; });
  }

  Status create() {
    std::string text;
    const rs_sink sink = sink_into(text);
    const auto status = behind_door([&] {
      return library_->create(&host_, provided_.kind.c_str(), provided_.id.c_str(), "{}", 2,
                              &instance_, &sink);
    });
    if (!status) return status.error();
    if (*status != RS_OK) return error_from_status(*status, text);
    if (!instance_) return fault(provided_, "made no instance");
    return {};
  }

  Result<Json> call(std::string_view method, const Json& request, CallContext& context) override {
    const std::string request_text = to_text(request);
    std::string reply;
    const rs_sink sink = sink_into(reply);
    set_context(&context);
    const auto status = behind_door([&] {
      return library_->call(instance_, std::string(method).c_str(), request_text.data(),
                            request_text.size(), &sink);
    });
    set_context(nullptr);
    context.fault = !status;
    if (!status) return status.error();
    if (*status != RS_OK) return error_from_status(*status, reply);
    Result<Json> parsed = parse_json(reply);
    if (!parsed) {
      context.fault = true;
      return fault(provided_, "answered no JSON: " + parsed.error().message);
    }
    return parsed;
  }

 private:
  // Exceptions must not cross the door; one that does is caught while its library is mapped.
  template <class Call>
  Result<std::int32_t> behind_door(Call call) const {
    try {
      return call();
    } catch (const std::exception& thrown) {
      return fault(provided_, std::string("let an exception out: ") + thrown.what());
    } catch (...) {
      return fault(provided_, "let an exception out");
    }
  }

  // Waits for services still used by other threads of the plugin, so that none outlives the call.
  void set_context(CallContext* context) {
    const std::unique_lock lock(context_mutex_);
    context_ = context;
  }

  static void log(void* self, std::int32_t level, const char* text, std::size_t size) {
    const auto* instance = static_cast<InlineInstance*>(self);
    log_for(instance->provided_, level, std::string_view(text, size));
  }

  static std::int32_t call_service(void* self, const char* service, const char* json,
                                   std::size_t size, const rs_sink* out) {
    auto* instance = static_cast<InlineInstance*>(self);
    const std::shared_lock lock(instance->context_mutex_);
    const Result<Json> reply = instance->serve(service, std::string_view(json, size));
    const std::string text = reply ? to_text(*reply) : error_text(reply.error());
    out->write(out->ctx, text.data(), text.size());
    return reply ? static_cast<std::int32_t>(RS_OK) : status_of(reply.error());
  }

  Result<Json> serve(const char* service, std::string_view text) const {
    if (!context_) {
      return Error{ErrorKind::failed, "outside_a_call", "services are there during a call only"};
    }
    Result<Json> request = parse_json(text);
    if (!request) return request.error();
    return context_->service(service, *request);
  }

  const std::shared_ptr<const rs_plugin> library_;
  const Provided provided_;
  const rs_host host_;
  void* instance_ = nullptr;
  std::shared_mutex context_mutex_;
  CallContext* context_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<Instance>> make_inline_instance(std::shared_ptr<const rs_plugin> library,
                                                       const Provided& provided) {
  auto instance = std::make_unique<InlineInstance>(std::move(library), provided);
  if (Status status = instance->create(); !status) return status.error();
  return std::unique_ptr<Instance>(std::move(instance));
}

}  // namespace rolesync::plugin
