// SPDX-License-Identifier: Apache-2.0
#include "server/source/webhook.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/values/hash.hpp"
#include "host/values/json.hpp"
#include "host/values/names.hpp"
#include "server/source/text.hpp"

namespace rolesync::source {
namespace {

using Headers = std::map<std::string, std::string>;

constexpr std::size_t longest_id = 128;
constexpr std::size_t longest_body = 5 << 20;

// Where a forge puts what we need.
struct Habits {
  const char* event_header;
  const char* push_event;
  const char* id_header;
  const char* signature_header;
  const char* signature_prefix;  // before the hex digits of the HMAC
};

Habits habits_of(Forge forge) {
  switch (forge) {
    case Forge::github:
      return {"x-github-event", "push", "x-github-delivery", "x-hub-signature-256", "sha256="};
    case Forge::gitlab:
      return {"x-gitlab-event", "Push Hook", "x-gitlab-event-uuid", "x-gitlab-token", ""};
    case Forge::gitea:
      break;
  }
  return {"x-gitea-event", "push", "x-gitea-delivery", "x-gitea-signature", ""};
}

std::string header(const Headers& headers, const char* name) {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

// What may stand in a log, a database and an answer.
bool is_plain(const std::string& text) {
  return !text.empty() && text.size() <= longest_id &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 31 && c < 127; });
}

Error bad_header(const char* name) {
  return {ErrorKind::invalid, "webhook_header_invalid",
          std::string("the header ") + name + " is missing or not printable text",
          "send it from a webhook of the kind that was set with `rolesync source webhook`"};
}

Error bad_body(const std::string& message, const std::string& pointer = "") {
  Error error{ErrorKind::invalid, "webhook_body_invalid", message,
              "choose application/json as the webhook's content type, and its push event"};
  if (!pointer.empty()) error.fields.push_back({pointer, message});
  return error;
}

std::optional<Error> take_text(const Json& object, const char* name, std::string& out) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) {
    return bad_body(std::string("\"") + name + "\" must be a string", std::string("/") + name);
  }
  out = found->get<std::string>();
  return std::nullopt;
}

std::optional<Error> take_commit(const Json& object, const char* name, std::string& out) {
  if (auto error = take_text(object, name, out)) return error;
  if (!is_commit(out)) {
    return bad_body(std::string("\"") + name + "\" must be a full commit id",
                    std::string("/") + name);
  }
  if (out.find_first_not_of('0') == std::string::npos) out.clear();
  return std::nullopt;
}

// For people only: whatever is not there, or not text, is left out.
std::string said(const Json& object, const char* inner, const char* name) {
  const auto place = object.find(inner);
  if (place == object.end() || !place->is_object()) return "";
  const auto found = place->find(name);
  return found != place->end() && found->is_string() ? repair_utf8(found->get<std::string>()) : "";
}

// GitLab names the new commit among the last ones only.
std::string message_of(const Json& object, const std::string& commit) {
  if (const std::string told = said(object, "head_commit", "message"); !told.empty()) return told;
  const auto commits = object.find("commits");
  if (commits == object.end() || !commits->is_array()) return "";
  for (const Json& each : *commits) {
    if (!each.is_object() || each.value("id", Json()) != Json(commit)) continue;
    const auto message = each.find("message");
    if (message != each.end() && message->is_string()) {
      return repair_utf8(message->get<std::string>());
    }
  }
  return "";
}

}  // namespace

std::optional<Forge> forge_of(std::string_view word) {
  if (word == "github") return Forge::github;
  if (word == "gitlab") return Forge::gitlab;
  if (word == "gitea") return Forge::gitea;
  return std::nullopt;
}

Result<Delivery> verify_webhook(Forge forge, const Headers& headers, std::string_view body,
                                std::string_view key) {
  const Habits habits = habits_of(forge);
  std::string given = header(headers, habits.signature_header);
  if (given.empty()) {
    return Error{ErrorKind::unauthenticated, "signature_missing",
                 std::string("the webhook carries no ") + habits.signature_header,
                 "give the webhook the secret that `rolesync source webhook` showed"};
  }
  // GitLab sends the secret itself; the others sign the body with it.
  const std::string expected = forge == Forge::gitlab
                                   ? std::string(key)
                                   : habits.signature_prefix + hmac_sha256_hex(key, body);
  if (key.empty() || !equal_secrets(expected, given)) {
    return Error{ErrorKind::unauthenticated, "signature_wrong",
                 "the webhook was not sent with the secret of this code source",
                 "make a new secret with `rolesync source webhook`"};
  }
  Delivery delivery{header(headers, habits.event_header), header(headers, habits.id_header)};
  if (!is_plain(delivery.event)) return bad_header(habits.event_header);
  // Newer GitLabs give a number that also a repeated attempt keeps.
  const std::string attempt = header(headers, "idempotency-key");
  if (forge == Forge::gitlab && !attempt.empty()) delivery.id = attempt;
  if (!is_plain(delivery.id)) return bad_header(habits.id_header);
  return delivery;
}

Result<std::optional<Notification>> read_webhook(Forge forge, const Delivery& delivery,
                                                 std::string_view body) {
  if (delivery.event != habits_of(forge).push_event) return std::optional<Notification>{};
  const auto parsed = parse_json(body, {.max_bytes = longest_body, .max_depth = 32});
  if (!parsed) return bad_body(parsed.error().message);
  if (!parsed->is_object()) return bad_body("the body must be a JSON object");
  const Json& object = *parsed;
  Notification out;
  if (auto error = take_text(object, "ref", out.ref)) return *error;
  if (auto error = take_commit(object, "before", out.old_commit)) return *error;
  if (auto error = take_commit(object, "after", out.new_commit)) return *error;
  if (!out.ref.starts_with("refs/") || !is_branch(out.ref)) {
    return bad_body("\"ref\" must be a full ref such as refs/heads/main", "/ref");
  }
  constexpr std::string_view heads = "refs/heads/";
  if (out.ref.starts_with(heads)) out.branch = out.ref.substr(heads.size());
  const auto forced = object.find("forced");
  out.forced = forced != object.end() && forced->is_boolean() && forced->get<bool>();
  out.repository = said(object, "repository", "full_name");
  if (out.repository.empty()) out.repository = said(object, "project", "path_with_namespace");
  out.author = said(object, "pusher", forge == Forge::gitea ? "login" : "name");
  out.message = message_of(object, out.new_commit);
  return std::optional(std::move(out));
}

}  // namespace rolesync::source
