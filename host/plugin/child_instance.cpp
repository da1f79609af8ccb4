// SPDX-License-Identifier: Apache-2.0
// The host's end of an isolated plugin. The child is ended by the destructor, and after anything
// that leaves its state in doubt; the next call starts a new one.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "host/plugin/child_usage.hpp"
#include "host/plugin/instance.hpp"
#include "host/plugin/plugin_log.hpp"
#include "host/plugin/status_codes.hpp"
#include "host/plugin/wire.hpp"
#include "host/process/child.hpp"

namespace rolesync::plugin {
namespace {

using Clock = CallContext::Clock;
using std::chrono::milliseconds;

constexpr milliseconds service_grace{1'000};  // to answer after a service used up the time
constexpr milliseconds exit_patience{500};    // between end of output and end of process
constexpr std::size_t kept_errors = 4'096;

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : "reported a fault";
}

class ChildInstance : public Instance {
 public:
  ChildInstance(ChildProgram program, std::filesystem::path file, Provided provided)
      : program_(std::move(program.path)),
        file_(std::move(file)),
        provided_(std::move(provided)),
        usage_(program.limits) {}

  bool must_go() override { return child_ && usage_.excess(true); }

  Result<Json> call(std::string_view method, const Json& request, CallContext& context) override {
    end_at_ = context.deadline;
    late_ = cancelling_ = false;
    usage_.begin_call();
    if (!child_) {
      if (Status started = start(); !started) return started.error();
      Result<Json> created = exchange(
          {{"create", {{"kind", provided_.kind}, {"id", provided_.id}}}}, "created", context);
      if (!created) {
        child_.reset();
        return created;
      }
    }
    return exchange({{"call", method}, {"request", request}}, "result", context);
  }

 private:
  Status start() {
    ChildSpec spec;
    spec.argv = {program_.string(), "--serve", file_.string()};
    spec.directory = "/";
    spec.environment = {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                        {"LANG", "C.UTF-8"}};
    spec.term_grace = milliseconds(200);
    Result<Child> child = Child::start(spec);
    if (!child) {
      return Error{ErrorKind::unavailable, "plugin_host_missing",
                   "the plugin's process cannot be started: " + child.error().message,
                   "install rolesync-plugin-host beside this program"};
    }
    child_ = std::move(*child);
    usage_.begin_child(child_->pid());
    lines_ = {};
    errors_.clear();
    errors_open_ = true;
    return {};
  }

  // Sends one message and serves the child until its answer.
  Result<Json> exchange(const Json& message, const char* answer, CallContext& context) {
    if (Status sent = write_line(child_->input_fd(), message, end_at_); !sent) {
      return lost(context);
    }
    for (;;) {
      while (const auto line = lines_.take()) {
        Result<Json> parsed = parse_line(*line);
        if (!parsed) return broken("wrote a line that is no JSON object", context);
        const Json& said = *parsed;
        if (const auto result = said.find(answer); result != said.end()) {
          if (const auto excess = usage_.excess()) return over_limit(*excess, context);
          return Json(*result);
        }
        if (const auto error = said.find("error"); error != said.end() && error->is_object()) {
          return error_from_json(*error);
        }
        if (said.contains("fault")) return broken(text_of(said["fault"]), context);
        if (said.contains("service")) {
          if (!serve(said, context)) return lost(context);
        } else if (said.contains("log")) {
          if (!log(said)) return broken("logged something that is no text", context);
        } else {
          return broken("wrote a message that is none", context);
        }
      }
      if (lines_.too_long()) return broken("wrote an endless line", context);
      if (const auto excess = usage_.excess()) return over_limit(*excess, context);
      if (auto over = out_of_time(context)) return *over;
      if (!wait()) return lost(context);
    }
  }

  std::optional<Error> out_of_time(CallContext& context) {
    const auto now = Clock::now();
    if (context.is_cancelled() && !cancelling_) {
      cancelling_ = true;
      end_at_ = std::min(end_at_, now + context.cancel_grace);
    }
    if (now < end_at_) return std::nullopt;
    child_.reset();
    if (cancelling_) return Error{ErrorKind::conflict, "cancelled", "the call was cancelled"};
    context.fault = true;
    return Error{ErrorKind::timeout, "plugin_timeout",
                 name() + " did not answer in time; its process was ended"};
  }

  // False at the end of the child's output.
  bool wait() {
    auto left = std::chrono::ceil<milliseconds>(end_at_ - Clock::now());
    left = std::min<milliseconds>(left, ChildUsage::look_every);  // also looks at `cancelled`
    std::array<pollfd, 2> fds{
        {{child_->output_fd(), POLLIN, 0}, {errors_open_ ? child_->errors_fd() : -1, POLLIN, 0}}};
    const auto limit = std::clamp<std::int64_t>(left.count(), 0, 60'000);
    if (::poll(fds.data(), fds.size(), static_cast<int>(limit)) <= 0) return true;
    if (fds[1].revents) read_errors();
    return !fds[0].revents || read_output();
  }

  bool read_output() {
    std::array<char, 16'384> buffer;
    const ssize_t count = ::read(child_->output_fd(), buffer.data(), buffer.size());
    if (count > 0) lines_.add({buffer.data(), static_cast<std::size_t>(count)});
    return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
  }

  void read_errors() {
    std::array<char, 4'096> buffer;
    const ssize_t count = ::read(child_->errors_fd(), buffer.data(), buffer.size());
    if (count == 0) errors_open_ = false;
    if (count <= 0) return;
    usage_.add_output(static_cast<std::size_t>(count));
    errors_.append(buffer.data(), static_cast<std::size_t>(count));
    if (errors_.size() > kept_errors) errors_.erase(0, errors_.size() - kept_errors);
  }

  bool serve(const Json& said, const CallContext& context) {
    const auto request = said.find("request");
    const Result<Json> reply =
        said["service"].is_string() && request != said.end()
            ? context.service(said["service"].get_ref<const std::string&>(), *request)
            : Result<Json>(Error{ErrorKind::invalid, "invalid_request", "no such service call"});
    if (!late_ && Clock::now() >= end_at_) {
      late_ = true;
      end_at_ = Clock::now() + service_grace;
    }
    const Json answer =
        reply ? Json{{"reply", *reply}} : Json{{"error", error_to_json(reply.error())}};
    return write_line(child_->input_fd(), answer, end_at_).ok();
  }

  bool log(const Json& said) {
    const auto text = said.find("text");
    const Json& level = said["log"];
    if (text == said.end() || !text->is_string() || !level.is_number_integer()) return false;
    const auto& line = text->get_ref<const std::string&>();
    usage_.add_output(line.size() + 16);  // endless empty lines are a flood too
    log_for(provided_, level.get<std::int64_t>(), line);
    return true;
  }

  Error over_limit(Error excess, CallContext& context) {
    context.fault = true;
    child_.reset();
    excess.message = name() + " " + excess.message + "; its process was ended";
    return excess;
  }

  Error broken(const std::string& what, CallContext& context) {
    context.fault = true;
    child_.reset();
    return {ErrorKind::failed, "plugin_fault", name() + " " + what + "; its process was ended"};
  }

  // The child closed its output: say how it ended.
  Error lost(CallContext& context) {
    context.fault = true;
    pollfd ended{child_->exit_fd(), POLLIN, 0};
    ::poll(&ended, 1, static_cast<int>(exit_patience.count()));
    read_errors();
    std::string how = "closed its connection";
    if (auto result = child_->poll_exit()) {
      result->errors = errors_;
      how = result->explain();
    }
    child_.reset();
    return {ErrorKind::failed, "plugin_fault", "the process of " + name() + " ended: " + how};
  }

  std::string name() const { return provided_.kind + " " + provided_.id; }

  const std::filesystem::path program_, file_;
  const Provided provided_;
  ChildUsage usage_;
  std::optional<Child> child_;
  LineBuffer lines_;
  std::string errors_;  // the end of what it wrote to stderr
  bool errors_open_ = true;
  Clock::time_point end_at_;
  bool late_ = false;        // a service overran the time limit; the grace is in use
  bool cancelling_ = false;  // likewise after a cancellation
};

}  // namespace

std::unique_ptr<Instance> make_child_instance(ChildProgram program, std::filesystem::path file,
                                              Provided provided) {
  return std::make_unique<ChildInstance>(std::move(program), std::move(file), std::move(provided));
}

}  // namespace rolesync::plugin
