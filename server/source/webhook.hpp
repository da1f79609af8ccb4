// SPDX-License-Identifier: Apache-2.0
// What GitHub, GitLab and Gitea (Forgejo too) send about a push: who says it, and what it says. As
// with our own hook, it only ever names a branch and commits; nothing in it is fetched, run or
// deployed. That a delivery counts once is checked in the store (store::use_delivery). Pure; any
// thread.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "host/values/result.hpp"
#include "server/source/notification.hpp"

namespace rolesync::source {

enum class Forge { github, gitlab, gitea };
std::optional<Forge> forge_of(std::string_view word);  // "github", "gitlab", "gitea"

struct Delivery {
  std::string event;  // "push", "ping", ... in the forge's own words
  std::string id;     // the same when the forge sends it again
};

// Headers with names in lower case. Whether the sender holds the key comes before everything else.
// Errors: unauthenticated/signature_missing, unauthenticated/signature_wrong,
// invalid/webhook_header_invalid.
Result<Delivery> verify_webhook(Forge forge, const std::map<std::string, std::string>& headers,
                                std::string_view body, std::string_view key);

// Nothing for an event that is not about a push (a ping, a tag, an issue). What the forges send
// beside the fields that count is not looked at. Errors: invalid/webhook_body_invalid.
Result<std::optional<Notification>> read_webhook(Forge forge, const Delivery& delivery,
                                                 std::string_view body);

}  // namespace rolesync::source
