// SPDX-License-Identifier: Apache-2.0
#include "server/api/code_notice.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "host/services/durable_file.hpp"
#include "server/api/audit.hpp"
#include "server/api/body.hpp"
#include "server/api/shapes.hpp"
#include "server/rollout/wall_clock.hpp"

namespace rolesync::api {
namespace {

struct Verdict {
  std::string state, reason;
};

Verdict judge(const store::CodeSource& source, const source::Notification& said) {
  if (!said.branch) return {"ignored", "not_a_branch"};
  if (*said.branch != source.branch) return {"ignored", "other_branch"};
  if (said.new_commit.empty()) return {"ignored", "branch_deleted"};
  if (said.new_commit == source.head_commit) return {"known", "already_imported"};
  return {"queued", ""};
}

http::Response answer(const std::string& commit, const Verdict& verdict) {
  return json_answer(
      202,
      {{"commit", text_or_null(commit)}, {"state", verdict.state}, {"reason", verdict.reason}});
}

}  // namespace

http::Response take_notice(Api& api, const http::Request& request, const store::CodeSource& source,
                           const source::Notification& said) {
  const Verdict verdict = judge(source, said);
  if (verdict.state == "queued") {
    api.engine.events.publish({.type = "commit_received",
                               .message = "source " + source.name + ": " +
                                          said.message.substr(0, said.message.find('\n')),
                               .source = source.name,
                               .commit = said.new_commit,
                               .request_id = request.id});
    api.engine.intake.pull(source.name);
  }
  return answer(said.new_commit, verdict);
}

http::Response ignore_notice(const std::string& state, const std::string& reason) {
  return answer("", {state, reason});
}

// How many were not written since the last that was; nothing: too soon to write again.
std::optional<std::int64_t> NoticeRefusals::unwritten(const std::string& key, Millis now) {
  constexpr Millis minute = 60'000;
  const std::lock_guard lock(mutex_);
  Count& count = counts_[key];
  if (now - count.written_at < minute) {
    ++count.unwritten;
    return std::nullopt;
  }
  count.written_at = now;
  return std::exchange(count.unwritten, 0);
}

http::Response NoticeRefusals::refuse(Api& api, const http::Request& request,
                                      const std::string& source, const Error& error) {
  // Only sources that there are get a line of their own: names that others make up are without end.
  const auto known =
      api.engine.store.read([&](store::Session& s) { return store::find_source(s, source); });
  const std::string subject = known ? "source/" + source : "source";
  if (const auto left_out = unwritten(subject + " " + error.reason, rollout::now_millis())) {
    const Status written = api.engine.store.write([&](store::Session& session) {
      return audit(session, request, "code_source.notice_refused", subject,
                   {{"reason", error.reason}, {"peer", request.peer}, {"left_out", *left_out}});
    });
    if (!written) return api::refuse(written.error());
  }
  return api::refuse(error);
}

Result<std::optional<std::string>> source_secret(Api& api, const std::string& file) {
  if (file.empty()) return std::optional<std::string>();
  return read_if_there((api.options.secrets_dir / file).string());
}

}  // namespace rolesync::api
