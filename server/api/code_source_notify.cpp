// SPDX-License-Identifier: Apache-2.0
// /api/code-source/notify and /api/code-source/webhooks/{source}: somebody committed. Nobody who
// calls these has a token; each message proves itself.
#include <nlohmann/json.hpp>

#include "host/values/names.hpp"
#include "server/api/api.hpp"
#include "server/api/body.hpp"
#include "server/api/code_notice.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/source/notification.hpp"
#include "server/source/webhook.hpp"
#include "server/store/sources.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

constexpr Millis day = Millis{24} * 3'600'000;
constexpr Millis deliveries_kept = 7 * day;  // forges let people repeat those of some days
constexpr std::size_t largest_webhook = 5 << 20;

Result<store::CodeSource> find(Api& api, const std::string& name) {
  return api.engine.store.read([&](store::Session& s) { return store::find_source(s, name); });
}

// Whatever is wrong with the sender gets the same answer as a wrong signature.
Result<store::CodeSource> signed_source(Api& api, const Request& request,
                                        const source::NotifyHeaders& headers, Millis now) {
  const Error wrong{ErrorKind::unauthenticated, "signature_wrong",
                    "the notification is not signed with the key of a known source",
                    "install the hook again with: rolesync source install-hook"};
  if (!is_name(headers.source)) return wrong;
  const auto known = find(api, headers.source);
  if (!known) return known.error().kind == ErrorKind::not_found ? wrong : known.error();
  const auto key = source_secret(api, known->hook_key);
  if (!key) return key.error();
  if (!*key) return wrong;
  if (Status valid = source::verify_notification(headers, request.body, **key, now); !valid) {
    return valid.error();
  }
  const Status fresh = api.engine.store.write([&](store::Session& session) {
    return store::use_nonce(session, known->name, headers.nonce, now,
                            now - 2 * source::notify_window);
  });
  if (!fresh) return fresh.error();
  return *known;
}

Response notify(Api& api, NoticeRefusals& refusals, const Request& request) {
  const auto headers = source::notify_headers(request.headers);
  if (!headers) return refusals.refuse(api, request, "", headers.error());
  const auto source = signed_source(api, request, *headers, rollout::now_millis());
  if (!source) return refusals.refuse(api, request, headers->source, source.error());
  const auto said = source::parse_notification(request.body);
  if (!said) return refuse(said.error());
  return take_notice(api, request, *source, *said);
}

struct Told {
  store::CodeSource source;
  source::Forge forge;
  source::Delivery delivery;
};

Result<Told> verified(Api& api, const Request& request, const std::string& name) {
  const Error wrong{ErrorKind::unauthenticated, "signature_wrong",
                    "the webhook was not sent with the secret of a known source",
                    "make a secret with: rolesync source webhook"};
  if (!is_name(name)) return wrong;
  const auto known = find(api, name);
  if (!known) return known.error().kind == ErrorKind::not_found ? wrong : known.error();
  const auto forge = source::forge_of(known->webhook_kind);
  const auto key = source_secret(api, known->webhook_key);
  if (!key) return key.error();
  if (!forge || !*key) return wrong;
  const auto delivery = source::verify_webhook(*forge, request.headers, request.body, **key);
  if (!delivery) return delivery.error();
  return Told{*known, *forge, *delivery};
}

Response webhook(Api& api, NoticeRefusals& refusals, const Request& request) {
  const std::string& name = request.parameters.at("source");
  const auto told = verified(api, request, name);
  if (!told) return refusals.refuse(api, request, name, told.error());
  const auto said = source::read_webhook(told->forge, told->delivery, request.body);
  if (!said) return refuse(said.error());
  if (!*said) {
    return ignore_notice("ignored", told->delivery.event == "ping" ? "ping" : "not_a_push");
  }
  const Millis now = rollout::now_millis();
  const auto fresh = api.engine.store.write([&](store::Session& session) {
    return store::use_delivery(session, name, told->delivery.id, now, now - deliveries_kept);
  });
  if (!fresh) return refuse(fresh.error());
  if (!*fresh) return ignore_notice("known", "delivered_before");
  return take_notice(api, request, told->source, **said);
}

}  // namespace

void add_code_notice_routes(http::Router& router, Api& api) {
  using http::Policy;
  const auto refusals = std::make_shared<NoticeRefusals>();
  router.on("POST", "/api/code-source/notify", Policy::signature(),
            [&api, refusals](const Request& request) { return notify(api, *refusals, request); });
  router.on("POST", "/api/code-source/webhooks/{source}", Policy::signature(),
            [&api, refusals](const Request& request) { return webhook(api, *refusals, request); },
            {.max_body = largest_webhook});
}

}  // namespace rolesync::api
