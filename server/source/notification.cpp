// SPDX-License-Identifier: Apache-2.0
#include "server/source/notification.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "host/values/hash.hpp"
#include "host/values/json.hpp"
#include "host/values/names.hpp"

namespace rolesync::source {
namespace {

bool is_hex(std::string_view text, std::size_t shortest, std::size_t longest) {
  return text.size() >= shortest && text.size() <= longest &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Error bad_header(const char* name, const char* rule) {
  return {ErrorKind::invalid, "notify_header_invalid", std::string(name) + " must be " + rule,
          "install the hook again with `rolesync source install-hook`"};
}

Error bad_body(std::string message, const std::string& pointer = "") {
  Error error{ErrorKind::invalid, "notify_body_invalid", std::move(message),
              "install the hook again with `rolesync source install-hook`"};
  if (!pointer.empty()) error.fields.push_back({pointer, error.message});
  return error;
}

// Reads one field and takes it out of the object.
std::optional<Error> take_text(Json& object, const char* name, bool required, std::string& out) {
  const auto found = object.find(name);
  if (found == object.end()) {
    if (required) return bad_body(std::string("\"") + name + "\" is missing", "/");
    return std::nullopt;
  }
  if (!found->is_string()) {
    return bad_body(std::string("\"") + name + "\" must be a string", std::string("/") + name);
  }
  out = found->get<std::string>();
  object.erase(found);
  return std::nullopt;
}

// A full commit id; all zeros is git's word for "none".
std::optional<Error> take_commit(Json& object, const char* name, std::string& out) {
  if (auto error = take_text(object, name, true, out)) return error;
  if (!is_commit(out)) {
    return bad_body(std::string("\"") + name + "\" must be a full commit id",
                    std::string("/") + name);
  }
  if (out.find_first_not_of('0') == std::string::npos) out.clear();
  return std::nullopt;
}

}  // namespace

Result<NotifyHeaders> notify_headers(const std::map<std::string, std::string>& headers) {
  const auto get = [&](const char* name) {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
  };
  NotifyHeaders out;
  out.source = get("x-rolesync-source");
  out.timestamp_text = get("x-rolesync-timestamp");
  out.nonce = get("x-rolesync-nonce");
  const std::string signature = get("x-rolesync-signature");
  if (signature.empty()) {
    return Error{ErrorKind::unauthenticated, "signature_missing", "the notification is not signed",
                 "install the hook with `rolesync source install-hook`"};
  }
  if (!is_name(out.source)) return bad_header("X-Rolesync-Source", "the name of a code source");
  const std::string& text = out.timestamp_text;
  std::int64_t seconds = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool whole = parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
  if (!whole || seconds < 0 || text.size() > 12) {
    return bad_header("X-Rolesync-Timestamp", "seconds since 1970");
  }
  out.timestamp = seconds * 1000;
  if (!is_hex(out.nonce, 16, 64)) return bad_header("X-Rolesync-Nonce", "16 to 64 hex digits");
  if (!signature.starts_with("sha256=") || !is_hex(signature.substr(7), 64, 64)) {
    return bad_header("X-Rolesync-Signature", "\"sha256=\" and 64 hex digits");
  }
  out.signature = signature.substr(7);
  return out;
}

Status verify_notification(const NotifyHeaders& headers, std::string_view body,
                           std::string_view key, Millis now) {
  while (!key.empty() && (key.back() == '\n' || key.back() == '\r')) key.remove_suffix(1);
  const std::string expected =
      hmac_sha256_hex(key, headers.timestamp_text + "." + headers.nonce + "." + std::string(body));
  if (key.empty() || !equal_secrets(expected, headers.signature)) {
    return Error{
        ErrorKind::unauthenticated, "signature_wrong",
        "the notification is not signed with the key of code source \"" + headers.source + "\"",
        "copy the key file again, or install the hook again"};
  }
  if (headers.timestamp > now + notify_window || headers.timestamp < now - notify_window) {
    return Error{ErrorKind::unauthenticated, "timestamp_outside_window",
                 "the notification was signed at " + to_rfc3339(headers.timestamp) +
                     ", more than five minutes from the server's time",
                 "set the clocks of both machines"};
  }
  return {};
}

Result<Notification> parse_notification(std::string_view body) {
  auto parsed = parse_json(body, {.max_bytes = 256 << 10, .max_depth = 4});
  if (!parsed) return bad_body(parsed.error().message);
  if (!parsed->is_object()) return bad_body("the body must be a JSON object");
  Json& object = *parsed;
  Notification out;
  if (auto error = take_text(object, "ref", true, out.ref)) return *error;
  if (auto error = take_commit(object, "old", out.old_commit)) return *error;
  if (auto error = take_commit(object, "new", out.new_commit)) return *error;
  if (auto error = take_text(object, "repository", false, out.repository)) return *error;
  if (auto error = take_text(object, "message", false, out.message)) return *error;
  if (auto error = take_text(object, "author", false, out.author)) return *error;
  if (const auto forced = object.find("forced"); forced != object.end()) {
    if (!forced->is_boolean()) return bad_body("\"forced\" must be true or false", "/forced");
    out.forced = forced->get<bool>();
    object.erase(forced);
  }
  if (!object.empty()) {
    return bad_body("unknown field \"" + object.begin().key() + "\"", "/" + object.begin().key());
  }
  constexpr std::string_view heads = "refs/heads/";
  if (!out.ref.starts_with("refs/") || !is_branch(out.ref)) {
    return bad_body("\"ref\" must be a full ref such as refs/heads/main", "/ref");
  }
  if (out.ref.starts_with(heads)) out.branch = out.ref.substr(heads.size());
  return out;
}

}  // namespace rolesync::source
