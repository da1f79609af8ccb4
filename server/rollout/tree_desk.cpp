// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/tree_desk.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/values/framed_text.hpp"
#include "host/values/secret.hpp"
#include "server/rollout/role_history.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/contents.hpp"
#include "server/store/sources.hpp"

namespace rolesync::rollout {
namespace {

Inquiries::Text question_text(const char* kind, const Role& role, Json more,
                              std::string_view body) {
  more["kind"] = kind;
  more["role"] = role_to_json(role);
  return std::make_shared<const std::string>(framed(more, body));
}

std::string joined_paths(const domain::RoleHistory& history) {
  std::string text;
  for (const std::string& path : history.paths()) text.append(path).push_back('\0');
  return text;
}

Error not_identified(const TreeDesk::Question& question, const std::string& target) {
  const std::string like = question.commit.empty()
                               ? "any known commit has it"
                               : "commit " + question.commit.substr(0, 12) + " has it";
  return {ErrorKind::conflict, "not_identified",
          "no file of role " + question.role + " in " + target + " on " + question.node +
              " is as " + like,
          "pull the code source that it came from, or sync with first_install overlay"};
}

Error protocol_error(const std::string& node, const std::string& why) {
  return {ErrorKind::failed, "protocol_error",
          "node " + node + " answered what is not understood: " + why,
          "look at the versions of server and agent"};
}

// What else the node tells; a wrong type counts as absent.
void take_header(const Json& header, Identification& out) {
  const auto others = header.find("others"), all = header.find("counted_all");
  if (others != header.end() && others->is_number_unsigned()) {
    out.others = others->get<std::uint64_t>();
  }
  if (all != header.end() && all->is_boolean()) out.counted_all = all->get<bool>();
  const Json examples = header.value("examples", Json()), odd = header.value("odd", Json());
  for (const Json& path : examples.is_array() ? examples : Json::array()) {
    if (path.is_string()) out.examples.push_back(path.get<std::string>());
  }
  for (const Json& each : odd.is_array() ? odd : Json::array()) {
    if (!each.is_object()) continue;
    const Json path = each.value("path", Json()), reason = each.value("reason", Json());
    if (path.is_string() && reason.is_string()) out.odd.emplace_back(path, reason);
  }
}

}  // namespace

Result<TreeDesk::Subject> TreeDesk::subject(const Question& question) const {
  const NodePointer node = nodes_.find(question.node);
  if (!node) {
    return Error{ErrorKind::not_found, "unknown_node", "there is no node \"" + question.node + "\"",
                 "see GET /api/nodes for the nodes there are"};
  }
  const auto catalog = catalog_.get();
  const CatalogRole* known = catalog->find(question.role);
  if (!known) {
    return Error{ErrorKind::not_found, "unknown_role", "there is no role \"" + question.role + "\"",
                 "see GET /api/roles for the roles there are"};
  }
  if (!known->effective) {
    return Error{ErrorKind::conflict, "role_unusable",
                 "role " + question.role + " cannot be used: " + known->error->message,
                 known->error->hint};
  }
  const Role& role = known->effective->role;
  if (role.source_paths.empty() || role.target_path.empty()) {
    return Error{ErrorKind::conflict, "no_files", "role " + role.name + " has no files",
                 "it only marks a node"};
  }
  if (node->presence != "online") {
    return Error{ErrorKind::unavailable, "node_offline",
                 "node " + node->id + " is " + node->presence, "start its agent"};
  }
  return Subject{node, role, known->effective->revision};
}

bool TreeDesk::counts(const Subject& subject) const {
  const auto roles = domain::effective_roles(subject.node->assigned, subject.node->parts->reports,
                                             catalog_.get()->usable);
  return std::any_of(roles.begin(), roles.end(),
                     [&](const auto& role) { return role.role == subject.role.name; });
}

Result<TreeDesk::History> TreeDesk::history(const Role& role, const std::string& revision) {
  const auto source =
      store_.read([&](store::Session& s) { return store::find_source(s, role.code_source); });
  const auto mirror = service_.mirror(role.code_source);
  if (!source || source->head_commit.empty() || !mirror) {
    return Error{ErrorKind::conflict, "no_commit_known",
                 "no commit of code source " + role.code_source + " is known",
                 "set it with `rolesync source set` and pull it"};
  }
  const std::string wanted = role.code_source + " " + source->head_commit + " " + revision;
  const std::lock_guard lock(history_mutex_);
  if (history_of_ == wanted) return history_;
  auto read = read_history(**mirror, role);
  if (!read) return read.error();
  if (read->paths().empty()) return no_files_in_commit(role.name, source->head_commit);
  history_ = std::make_shared<const domain::RoleHistory>(std::move(*read));
  history_of_ = wanted;
  return history_;
}

void TreeDesk::identify(const Question& question, Identified done) {
  const auto about = subject(question);
  if (!about) return done(about.error());
  const auto past = history(about->role, about->revision);
  if (!past) return done(past.error());
  const Inquiries::Asked asked{
      about->node->id, about->node->boot_id, question.request_id,
      question_text("identify", about->role, Json::object(), joined_paths(**past))};
  const auto shared = std::make_shared<Identified>(std::move(done));
  const Status given = inquiries_.ask(
      asked, [this, about = *about, question, past = *past, shared](const auto& answer) {
        (*shared)(answer ? compare(about, question, *past, **answer)
                         : Result<Identification>(answer.error()));
      });
  if (!given) (*shared)(given.error());
}

Result<Identification> TreeDesk::compare(const Subject& subject, const Question& question,
                                         const domain::RoleHistory& history,
                                         std::string_view answer) {
  const auto parsed = parse_framed(answer);
  if (!parsed) return parsed.error();
  const auto found = Manifest::parse(parsed->body);
  if (!found) return protocol_error(subject.node->id, found.error().message);
  auto nearest = domain::nearest_commit(history, *found, question.commit);
  if (!nearest) return not_identified(question, subject.role.target_path);
  const auto contents =
      service_.contents(subject.role.code_source, nearest->commit, {subject.role});
  if (!contents) return contents.error();
  const auto content = contents->find(subject.role.name);
  if (content == contents->end()) return not_identified(question, subject.role.target_path);
  if (!content->second) return content->second.error();
  const auto base = domain::with_ghosts(content->second->manifest, nearest->ghosts);
  if (!base) return base.error();
  Identification identified;
  identified.node = subject.node->id;
  identified.role = subject.role.name;
  identified.source = subject.role.code_source;
  identified.role_revision = subject.revision;
  identified.at = now_millis();
  identified.nearest = std::move(*nearest);
  identified.files = content->second->manifest.entries().size();
  identified.content_id = base->content_id();
  identified.commit_content_id = content->second->content_id;
  take_header(*parsed->header, identified);
  if (Status kept = keep_content(identified, *base); !kept) return kept.error();
  identifications_.put(identified);
  return identified;
}

// A plan that starts from it, and the node that adopts it, need its manifest.
Status TreeDesk::keep_content(const Identification& identified, const Manifest& manifest) {
  const auto mirror = service_.mirror(identified.source);
  if (!mirror) return mirror.error();
  const auto lease = service_.cache().lease(identified.content_id);
  if (Status brought = service_.cache().import(manifest, **mirror); !brought) return brought;
  const store::Content content{identified.content_id, manifest.entries().size(),
                               manifest.total_bytes(), identified.at};
  return store_.write([&](store::Session& s) { return store::add_content(s, content); });
}

void TreeDesk::adopt(const Question& question, Adopted done) {
  const auto about = subject(question);
  if (!about) return done(about.error());
  if (!counts(*about)) {
    return done(Error{
        ErrorKind::conflict, "role_not_on_node",
        "role " + question.role + " is neither assigned to nor found on node " + question.node,
        "rolesync node assign " + question.node + " " + question.role});
  }
  const auto shared = std::make_shared<Adopted>(std::move(done));
  identify(question, [this, about = *about, question, shared](Result<Identification> base) {
    if (!base) return (*shared)(base.error());
    ask_to_adopt(about, question, std::move(*base), std::move(*shared));
  });
}

void TreeDesk::ask_to_adopt(const Subject& subject, const Question& question, Identification base,
                            Adopted done) {
  const auto manifest = service_.manifest(base.content_id);
  if (!manifest) return done(manifest.error());
  const Inquiries::Asked asked{subject.node->id, subject.node->boot_id, question.request_id,
                               question_text("adopt", subject.role,
                                             {{"role_revision", subject.revision},
                                              {"commit", base.nearest.commit},
                                              {"content_id", base.content_id},
                                              {"task_id", new_id("adopt")}},
                                             (*manifest)->to_text())};
  const auto shared = std::make_shared<Adopted>(std::move(done));
  const Status given = inquiries_.ask(asked, [base = std::move(base), shared](const auto& answer) {
    (*shared)(answer ? Result<Adoption>(Adoption{base, *answer}) : answer.error());
  });
  if (!given) (*shared)(given.error());
}

void TreeDesk::verify(const Question& question, Verified done) {
  const auto about = subject(question);
  if (!about) return done(about.error());
  const Inquiries::Asked asked{about->node->id, about->node->boot_id, question.request_id,
                               question_text("verify", about->role, Json::object(), "")};
  const auto shared = std::make_shared<Verified>(std::move(done));
  const Status given = inquiries_.ask(asked, [shared](const auto& answer) { (*shared)(answer); });
  if (!given) (*shared)(given.error());
}

}  // namespace rolesync::rollout
