// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/serve.hpp"

#include <rolesync/abi.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/plugin/library.hpp"
#include "host/plugin/private_wire.hpp"
#include "host/plugin/status_codes.hpp"
#include "host/plugin/wire.hpp"

namespace rolesync::plugin {
namespace {

class Server {
 public:
  Server(PrivateWire wire, std::shared_ptr<const rs_plugin> library)
      : wire_(std::move(wire)),
        library_(std::move(library)),
        host_{sizeof(rs_host), RS_ABI_MAJOR, RS_ABI_MINOR, this, &log, &call_service} {}

  [[noreturn]] void run() {
    std::thread([this] { read_input(); }).detach();
    for (;;) answer(next_message());
  }

  void send(const Json& message) {
    const std::lock_guard lock(send_mutex_);
    const auto patience = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    // The host is gone or stuck; nobody is left to work for.
    if (!write_line(wire_.out.get(), message, patience)) std::_Exit(1);
  }

 private:
  // Runs until the input ends, which is the host's way to say goodbye, also to a call that hangs.
  void read_input() {
    LineBuffer lines;
    char buffer[16'384];
    ssize_t count;
    while ((count = ::read(wire_.in.get(), buffer, sizeof buffer)) != 0) {
      if (count < 0 && errno != EINTR) break;
      if (count > 0) lines.add({buffer, static_cast<std::size_t>(count)});
      while (const auto line = lines.take()) {
        const Result<Json> message = parse_line(*line);
        if (!message) std::_Exit(1);
        const std::lock_guard lock(mutex_);
        messages_.push_back(*message);
        arrived_.notify_all();
      }
    }
    std::_Exit(0);
  }

  Json next_message() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return !messages_.empty(); });
    Json message = std::move(messages_.front());
    messages_.pop_front();
    return message;
  }

  void answer(const Json& message) {
    if (const auto create = message.find("create"); create != message.end()) {
      return send(make_instance(create->value("kind", ""), create->value("id", "")));
    }
    const auto method = message.find("call");
    const auto request = message.find("request");
    if (method == message.end() || request == message.end() || !instance_) std::_Exit(1);
    send(run_call(method->get<std::string>(), to_text(*request)));
  }

  Json make_instance(const std::string& kind, const std::string& id) {
    std::string text;
    const rs_sink sink = sink_into(text);
    const std::int32_t status =
        library_->create(&host_, kind.c_str(), id.c_str(), "{}", 2, &instance_, &sink);
    if (status == RS_OK && instance_) return {{"created", Json::object()}};
    return {{"error", error_to_json(error_from_status(status ? status : RS_FAILED, text))}};
  }

  Json run_call(const std::string& method, const std::string& request) {
    std::string text;
    const rs_sink sink = sink_into(text);
    in_call_ = true;
    const std::int32_t status =
        library_->call(instance_, method.c_str(), request.data(), request.size(), &sink);
    const std::lock_guard lock(service_mutex_);  // no service of this call is open any more
    in_call_ = false;
    if (status != RS_OK) return {{"error", error_to_json(error_from_status(status, text))}};
    const Result<Json> result = parse_json(text);
    if (result) return {{"result", *result}};
    return {{"fault", "answered no JSON: " + result.error().message}};
  }

  static void log(void* self, std::int32_t level, const char* text, std::size_t size) {
    static_cast<Server*>(self)->send({{"log", level}, {"text", std::string(text, size)}});
  }

  static std::int32_t call_service(void* self, const char* service, const char* json,
                                   std::size_t size, const rs_sink* out) {
    auto* server = static_cast<Server*>(self);
    const std::lock_guard lock(server->service_mutex_);
    const Result<Json> reply = server->ask_host(service, std::string_view(json, size));
    const std::string text = reply ? to_text(*reply) : error_text(reply.error());
    out->write(out->ctx, text.data(), text.size());
    return reply ? static_cast<std::int32_t>(RS_OK) : status_of(reply.error());
  }

  Result<Json> ask_host(const char* service, std::string_view text) {
    if (!in_call_) {
      return Error{ErrorKind::failed, "outside_a_call", "services are there during a call only"};
    }
    const Result<Json> request = parse_json(text);
    if (!request) return request.error();
    send({{"service", service}, {"request", *request}});
    const Json reply = next_message();
    if (const auto value = reply.find("reply"); value != reply.end()) return Json(*value);
    return error_from_json(reply.value("error", Json::object()));
  }

  PrivateWire wire_;
  const std::shared_ptr<const rs_plugin> library_;
  const rs_host host_;
  void* instance_ = nullptr;
  std::atomic<bool> in_call_{false};
  std::mutex service_mutex_;  // one question to the host at a time
  std::mutex send_mutex_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Json> messages_;
};

}  // namespace

int run_serve(const std::filesystem::path& file) {
  PrivateWire wire = take_private_wire();
  const auto library = load_library(file);
  if (!library) {
    const Json refusal = {{"error", error_to_json(library.error())}};
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    return write_line(wire.out.get(), refusal, patience) ? 1 : 2;
  }
  // Never destroyed: its reader thread runs until the process ends.
  (new Server(std::move(wire), *library))->run();
}

}  // namespace rolesync::plugin
