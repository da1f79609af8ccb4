// SPDX-License-Identifier: Apache-2.0
// /api/code-source/signers: whose signature a commit needs to be deployed. Public keys only.
#include <nlohmann/json.hpp>

#include "server/api/api.hpp"
#include "server/api/audit.hpp"
#include "server/api/body.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/sources.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

constexpr std::size_t longest_text = 256 << 10;

Json signers_json(const store::CodeSource& source) {
  return {{"source", source.name},
          {"required", source.require_signed},
          {"allowed_signers", source.allowed_signers},
          {"gpg_keys", source.gpg_keys}};
}

Response show(Api& api, const Request& request) {
  const auto it = request.query.find("source");
  const std::string name = it == request.query.end() ? "main" : it->second;
  const auto source =
      api.engine.store.read([&](store::Session& s) { return store::find_source(s, name); });
  return source ? json_answer(200, signers_json(*source)) : refuse(source.error());
}

struct Wish {
  std::string source;
  bool required = false;
  source::Signers signers;
};

Result<Wish> wish_of(const Json& body) {
  Fields fields(body);
  Wish wish;
  wish.source = fields.name("source", "main");
  wish.required = fields.flag("required");
  wish.signers.allowed_signers = fields.text("allowed_signers");
  wish.signers.gpg_keys = fields.text("gpg_keys");
  if (!fields.has("required")) fields.fault("/required", "is required");
  if (wish.signers.allowed_signers.size() > longest_text) {
    fields.fault("/allowed_signers", "is longer than 256 KiB");
  }
  if (wish.signers.gpg_keys.size() > longest_text) {
    fields.fault("/gpg_keys", "is longer than 256 KiB");
  }
  if (wish.required && wish.signers.empty()) {
    fields.fault("/allowed_signers", "or gpg_keys must name somebody when signatures are required");
  }
  if (Status valid = fields.finish(); !valid) return valid.error();
  return wish;
}

Response set(Api& api, const Request& request) {
  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  const auto wish = wish_of(*body);
  if (!wish) return refuse(wish.error());
  if (Status usable = api.engine.source.signatures().check(wish->signers); !usable) {
    return refuse(usable.error());
  }
  Json answer;
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    auto source = store::find_source(session, wish->source);
    if (!source) return source.error();
    source->require_signed = wish->required;
    source->allowed_signers = wish->signers.allowed_signers;
    source->gpg_keys = wish->signers.gpg_keys;
    source->updated_at = rollout::now_millis();
    const auto saved = store::save_source(session, *source, std::nullopt);
    if (!saved) return saved.error();
    answer = signers_json(*source);
    return audit(session, request, "code_source.signers", "source/" + wish->source, *body);
  });
  if (!written) return refuse(written.error());
  // What was imported so far is looked at again with these signers, and so is the branch.
  api.engine.intake.import_again();
  api.engine.intake.pull(wish->source);
  return json_answer(200, answer);
}

}  // namespace

void add_code_signer_routes(http::Router& router, Api& api) {
  using http::Policy;
  router.on("GET", "/api/code-source/signers", Policy::scope("read"),
            [&api](const Request& request) { return show(api, request); });
  router.on("PUT", "/api/code-source/signers", Policy::scope("admin"),
            [&api](const Request& request) { return set(api, request); });
}

}  // namespace rolesync::api
