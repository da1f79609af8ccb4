// SPDX-License-Identifier: Apache-2.0
#include "host/agent/inquirer.hpp"

#include <nlohmann/json.hpp>

#include "host/activation/survey.hpp"
#include "host/agent/log.hpp"
#include "host/values/names.hpp"

namespace rolesync::agent {
namespace {

// With the pauses of Backoff: a server may restart, but then it has forgotten the question.
constexpr int kTries = 4;
constexpr std::size_t kMostDriftSaid = 1'000;

Error not_understood(const std::string& what) {
  return {ErrorKind::invalid, "protocol_error", "the server's question is not understood: " + what,
          "look at the versions of server and agent"};
}

std::string text(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

// An id becomes part of a path of the server's API.
bool is_inquiry_id(const std::string& id) {
  return !id.empty() && id.size() <= 100 &&
         id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string::npos;
}

Json error_json(const Error& error) {
  return {{"reason", error.reason}, {"message", error.message}, {"hint", error.hint}};
}

Result<std::vector<std::string>> split_paths(std::string_view text) {
  std::vector<std::string> paths;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\0'), text.size());
    const std::string_view path = text.substr(0, end);
    if (!is_relative_path(path)) return not_understood("a path in it leads out of the target");
    paths.emplace_back(path);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return paths;
}

bool is_transient(const Error& error) {
  return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timeout;
}

}  // namespace

Inquirer::Inquirer(Parts parts, std::function<void(const std::string&)> looked)
    : parts_(parts), looked_(std::move(looked)) {}

void Inquirer::stop() {
  stopping_ = true;
  workers_.stop();
}

void Inquirer::take(const std::string& inquiry_id) {
  if (!is_inquiry_id(inquiry_id)) {
    log_event(LogLevel::error, "command.refused", {{"detail", "an inquiry without a valid id"}});
    return;
  }
  workers_.add(inquiry_id, [this, inquiry_id] { work(inquiry_id); });
}

void Inquirer::work(const std::string& inquiry_id) {
  const std::string path = parts_.link.node_path("inquiries/" + inquiry_id);
  Backoff backoff;
  for (int attempt = 1; !stopping_; ++attempt) {
    Status done;
    if (const Result<std::string> question = ask(path)) {
      const Result<FramedText> parsed = parse_framed(*question);
      Result<std::string> said = parsed ? answer(*parsed) : Result<std::string>(parsed.error());
      if (stopping_) return;
      done = send(path, said ? *said : framed({{"error", error_json(said.error())}}, ""));
    } else {
      done = question.error();
    }
    if (done) return;
    if (!is_transient(done.error()) || attempt == kTries) {
      log_event(LogLevel::warning, "inquiry.unanswered",
                {{"inquiry", inquiry_id}, {"detail", done.error().text()}});
      return;
    }
    if (!parts_.link.pause(backoff.next())) return;
  }
}

Result<std::string> Inquirer::ask(const std::string& path) {
  Result<std::unique_ptr<LinkClient>> client = parts_.link.borrow();
  if (!client) return client.error();
  Result<HttpAnswer> answer = (*client)->get(path);
  if (!answer) return answer.error();
  return std::move(answer->body);
}

Status Inquirer::send(const std::string& path, const std::string& text) {
  Result<std::unique_ptr<LinkClient>> client = parts_.link.borrow();
  if (!client) return client.error();
  HttpRequest request;
  request.method = "POST";
  request.path = path;
  request.headers["Content-Type"] = "application/octet-stream";
  request.body = text;
  request.time_limit = std::chrono::minutes(5);
  const Result<HttpAnswer> answer = (*client)->send(request);
  if (!answer) return answer.error();
  return answer->status > 299 ? Status(error_from_answer(*answer)) : Status();
}

Result<std::string> Inquirer::answer(const FramedText& question) {
  const auto definition = question.header->find("role");
  if (definition == question.header->end()) return not_understood("it names no role");
  Result<Role> role = role_from_json(*definition);
  if (!role) return role.error();
  if (Status complete = apply_defaults(*role, parts_.config.role_defaults); !complete) {
    return complete.error();
  }
  if (role->target_path.empty()) return not_understood("its role has no target_path");
  *role = parts_.config.localized(std::move(*role));
  const std::string kind = text(*question.header, "kind");
  log_event(LogLevel::info, "inquiry.taken", {{"kind", kind}, {"role", role->name}});
  if (kind == "identify") return identify(*role, question.body);
  if (kind == "adopt") return adopt(*role, question);
  if (kind == "verify") return verify(*role);
  return not_understood("questions of kind '" + kind + "' are not known");
}

Result<std::string> Inquirer::identify(const Role& role, std::string_view text) {
  const Result<std::vector<std::string>> paths = split_paths(text);
  if (!paths) return paths.error();
  Result<InstallationOptions> options = parts_.installations.options_for(role);
  if (!options) return options.error();
  const Result<Survey> seen =
      survey(parts_.fs, std::move(*options), *paths, [this] { return !stopping_; });
  if (!seen) return seen.error();
  Json odd = Json::array();
  for (const OddFile& each : seen->odd) {
    odd.push_back({{"path", each.path}, {"reason", each.reason}});
  }
  std::string files;
  for (const ManifestEntry& entry : seen->found) append_manifest_record(files, entry);
  return framed({{"others", seen->others},
                 {"counted_all", seen->counted_all},
                 {"examples", seen->examples},
                 {"odd", std::move(odd)}},
                files);
}

Result<std::string> Inquirer::adopt(const Role& role, const FramedText& question) {
  Result<Manifest> manifest = Manifest::parse(question.body);
  if (!manifest) return manifest.error();
  Release base;
  base.role = role.name;
  base.role_revision = text(*question.header, "role_revision");
  base.role_snapshot = to_text(role_to_json(role));
  base.commit = text(*question.header, "commit");
  base.task_id = text(*question.header, "task_id");
  base.manifest = std::move(*manifest);
  if (!is_commit(base.commit) ||
      base.manifest.content_id() != text(*question.header, "content_id")) {
    return not_understood("commit or content do not fit");
  }
  std::string aside;
  Result<Held> held = parts_.installations.hold_for_adoption(role, aside);
  if (!held) return held.error();
  if (Status remembered = parts_.installations.remember(role); !remembered) {
    return remembered.error();
  }
  if (Status adopted = (*held)->adopt(std::move(base)); !adopted) return adopted.error();
  Result<Json> proof = proven(role, **held);
  looked_(role.name);
  if (!proof) return proof.error();
  (*proof)["set_aside"] = aside;
  return framed(*proof, "");
}

Result<std::string> Inquirer::verify(const Role& role) {
  const Result<std::optional<Held>> held = parts_.installations.hold_known(role);
  if (!held) return held.error();
  if (!*held || !(**held)->current()) {
    return Error{ErrorKind::not_found, "not_installed",
                 "role " + role.name + " is not installed on this node", "sync it"};
  }
  Result<Json> proof = proven(role, ***held);
  looked_(role.name);
  if (!proof) return proof.error();
  return framed(*proof, "");
}

// Every byte is read again.
Result<Json> Inquirer::proven(const Role& role, Installation& installation) {
  const Result<Proof> proof = parts_.prover.prove(role, installation, Prover::Depth::full);
  if (!proof) return proof.error();
  const Release& release = *installation.current();
  Json drift = Json::array();
  for (const Drift& each : proof->drift) {
    if (drift.size() == kMostDriftSaid) break;
    drift.push_back({{"path", each.path}, {"kind", to_word(each.kind)}});
  }
  return Json{{"version", release.commit},
              {"content_id", release.content_id},
              {"role_revision", release.role_revision},
              {"verified_at", to_rfc3339(proof->verified_at)},
              {"files", proof->files},
              {"hashed", proof->hashed},
              {"rewritten", release.rewritten.size()},
              {"drift", std::move(drift)},
              {"drift_count", proof->drift.size()}};
}

}  // namespace rolesync::agent
