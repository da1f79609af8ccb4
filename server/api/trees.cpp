// SPDX-License-Identifier: Apache-2.0
// What lies on a node: identify, adopt, verify, for people; and for agents the questions that these
// lead to (docs/protocol.md). The answer waits for the node.
#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>

#include "host/values/framed_text.hpp"
#include "server/api/api.hpp"
#include "server/api/audit.hpp"
#include "server/api/body.hpp"
#include "server/api/shapes.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;
using rollout::Identification;
using rollout::TreeDesk;
using ReplyPointer = std::shared_ptr<http::Reply>;

constexpr std::chrono::seconds longest_look{620};
constexpr std::size_t shown_differences = 1'000;

Json identification_json(const Identification& found) {
  Json differences = Json::array(), odd = Json::array();
  for (const domain::Difference& difference : found.nearest.differences) {
    if (differences.size() == shown_differences) break;
    differences.push_back({{"path", difference.path}, {"kind", difference.kind}});
  }
  for (const auto& [path, reason] : found.odd) odd.push_back({{"path", path}, {"reason", reason}});
  return {{"node_id", found.node},
          {"role_name", found.role},
          {"summary", found.summary()},
          {"commit", found.nearest.commit},
          {"content_id", found.content_id},
          {"role_revision", found.role_revision},
          {"identified_at", to_rfc3339(found.at)},
          {"files", found.files},
          {"same", found.nearest.same},
          {"differences", std::move(differences)},
          {"difference_count", found.nearest.differences.size()},
          {"ghost_count", found.nearest.ghosts.size()},
          {"other_count", found.others + found.nearest.strangers},
          {"other_count_complete", found.counted_all},
          {"other_examples", found.examples},
          {"unreadable", std::move(odd)}};
}

// The node's own words about its release, as far as they are what docs/protocol.md says.
Json proof_json(const std::string& node, const std::string& role, const std::string& answer) {
  Json json = {{"node_id", node}, {"role_name", role}};
  const auto parsed = parse_framed(answer);
  if (!parsed) return json;
  const Json& said = *parsed->header;
  json["commit"] = said.value("version", Json());
  for (const char* field : {"content_id", "role_revision", "verified_at", "files", "hashed",
                            "rewritten", "drift", "drift_count", "set_aside"}) {
    if (said.contains(field)) json[field] = said[field];
  }
  return json;
}

// The answers about several roles of a node, in the order of the roles; sent with the last.
class Gathered {
 public:
  Gathered(std::string node, std::vector<std::string> roles, ReplyPointer reply)
      : node_(std::move(node)), roles_(std::move(roles)), reply_(std::move(reply)) {
    answers_.resize(roles_.size());
  }
  const std::vector<std::string>& roles() const { return roles_; }
  void put(std::size_t i, Result<Json> answer) {
    const std::lock_guard lock(mutex_);
    answers_[i] = answer ? std::move(*answer) : failure(roles_[i], answer.error());
    if (++answered_ == answers_.size()) send();
  }
  void send() { reply_->send(json_answer(200, {{"node_id", node_}, {"roles", answers_}})); }

 private:
  Json failure(const std::string& role, const Error& error) const {
    return {{"node_id", node_},
            {"role_name", role},
            {"error", {{"reason", error.reason}, {"detail", error.message}, {"hint", error.hint}}}};
  }

  const std::string node_;
  const std::vector<std::string> roles_;
  const ReplyPointer reply_;
  std::mutex mutex_;
  std::vector<Json> answers_;
  std::size_t answered_ = 0;
};

using Tell = std::function<void(Result<Json>)>;
using Ask = std::function<void(const TreeDesk::Question&, Tell)>;
using Counts = std::function<bool(const Role&, const domain::RoleReport*)>;

std::vector<std::string> roles_of(Api& api, const rollout::NodeView& node, const Counts& counts) {
  std::vector<std::string> roles;
  const auto catalog = api.engine.catalog.get();
  const auto effective = api.engine.heartbeats.effective_roles(node);
  for (const auto& [name, role] : catalog->usable) {
    if (role.source_paths.empty() || role.target_path.empty()) continue;
    const auto report = node.parts->reports.find(name);
    const bool here = std::find(effective.begin(), effective.end(), name) != effective.end();
    const auto* measured = report == node.parts->reports.end() ? nullptr : &report->second;
    const bool installed = measured && measured->installed();
    if ((here || installed) && counts(role, measured)) roles.push_back(name);
  }
  return roles;
}

// About one role the node's problem is the answer; about all of a node each has its own.
void look(Api& api, const Request& request, const ReplyPointer& reply, const Counts& counts,
          const Ask& ask) {
  const auto body = read_object(request);
  if (!body) return reply->send(refuse(body.error()));
  Fields fields(*body);
  TreeDesk::Question question;
  question.node = request.parameters.at("id");
  question.request_id = request.id;
  question.role = fields.text("role");
  if (Status valid = fields.finish(); !valid) return reply->send(refuse(valid.error()));
  reply->send_after(longest_look,
                    refuse({ErrorKind::timeout, "inquiry_timed_out",
                            "the node has not finished its look in time", "ask again"}));
  if (!question.role.empty()) {
    return ask(question, [reply](Result<Json> answer) {
      reply->send(answer ? json_answer(200, {{"node_id", answer->at("node_id")},
                                             {"roles", Json::array({*answer})}})
                         : refuse(answer.error()));
    });
  }
  const auto node = api.engine.nodes.find(question.node);
  if (!node) {
    return reply->send(
        refuse({ErrorKind::not_found, "unknown_node", "there is no node \"" + question.node + "\"",
                "see GET /api/nodes for the nodes there are"}));
  }
  const auto gathered = std::make_shared<Gathered>(node->id, roles_of(api, *node, counts), reply);
  if (gathered->roles().empty()) return gathered->send();
  for (std::size_t i = 0; i < gathered->roles().size(); ++i) {
    question.role = gathered->roles()[i];
    ask(question, [gathered, i](Result<Json> answer) { gathered->put(i, std::move(answer)); });
  }
}

void identify(Api& api, const Request& request, const ReplyPointer& reply) {
  look(
      api, request, reply, [](const Role&, const auto*) { return true; },
      [&api](const TreeDesk::Question& question, Tell tell) {
        api.engine.trees.identify(
            question, [tell = std::move(tell)](const Result<Identification>& found) {
              tell(found ? Result<Json>(identification_json(*found)) : found.error());
            });
      });
}

void verify(Api& api, const Request& request, const ReplyPointer& reply) {
  look(
      api, request, reply,
      [](const Role&, const auto* report) { return report && report->installed(); },
      [&api](const TreeDesk::Question& question, Tell tell) {
        api.engine.trees.verify(question, [question, tell = std::move(tell)](const auto& proof) {
          tell(proof ? Result<Json>(proof_json(question.node, question.role, **proof))
                     : proof.error());
        });
      });
}

void adopt(Api& api, const Request& request, const ReplyPointer& reply) {
  const auto body = read_object(request);
  if (!body) return reply->send(refuse(body.error()));
  Fields fields(*body);
  TreeDesk::Question question;
  question.node = request.parameters.at("id");
  question.role = fields.required_text("role");
  question.commit = fields.commit("commit");
  question.request_id = request.id;
  if (Status valid = fields.finish(); !valid) return reply->send(refuse(valid.error()));
  // Written first: nothing is done that is not in the log.
  if (api.engine.nodes.find(question.node)) {
    const Status audited = api.engine.store.write([&](store::Session& session) {
      return audit(session, request, "node.adopt", "node/" + question.node,
                   {{"role", question.role}, {"commit", question.commit}});
    });
    if (!audited) return reply->send(refuse(audited.error()));
  }
  reply->send_after(longest_look,
                    refuse({ErrorKind::timeout, "inquiry_timed_out",
                            "the node has not finished its look in time", "ask again"}));
  api.engine.trees.adopt(question, [reply](const Result<TreeDesk::Adoption>& adoption) {
    if (!adoption) return reply->send(refuse(adoption.error()));
    Json json = proof_json(adoption->base.node, adoption->base.role, *adoption->proof);
    json["identified"] = identification_json(adoption->base);
    reply->send(json_answer(200, json));
  });
}

Response question(Api& api, const Request& request) {
  const auto text = api.engine.inquiries.question(request.parameters.at("id"),
                                                  request.parameters.at("inquiry_id"));
  if (!text) return refuse(text.error());
  return {200, {{"Content-Type", "application/octet-stream"}}, **text};
}

Response answer(Api& api, const Request& request) {
  const Status taken = api.engine.inquiries.answer(
      request.parameters.at("id"), request.parameters.at("inquiry_id"), request.body);
  return taken ? Response{204, {}, ""} : refuse(taken.error());
}

}  // namespace

void add_tree_routes(http::Router& router, Api& api) {
  using http::Policy;
  http::RouteOptions large;
  large.max_body = 64 << 20;  // a line for every file of the role
  large.content_type = "application/octet-stream";
  router.on_waiting(
      "POST", "/api/nodes/{id}/identify", Policy::scope("sync").on_node(),
      [&api](const Request& request, const ReplyPointer& reply) { identify(api, request, reply); });
  router.on_waiting(
      "POST", "/api/nodes/{id}/adopt", Policy::scope("sync").on_node(),
      [&api](const Request& request, const ReplyPointer& reply) { adopt(api, request, reply); });
  router.on_waiting(
      "POST", "/api/nodes/{id}/verify", Policy::scope("sync").on_node(),
      [&api](const Request& request, const ReplyPointer& reply) { verify(api, request, reply); });
  router.on("GET", "/api/nodes/{id}/inquiries/{inquiry_id}", Policy::node(),
            [&api](const Request& request) { return question(api, request); });
  router.on(
      "POST", "/api/nodes/{id}/inquiries/{inquiry_id}", Policy::node(),
      [&api](const Request& request) { return answer(api, request); }, large);
}

}  // namespace rolesync::api
