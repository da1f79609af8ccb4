// SPDX-License-Identifier: Apache-2.0
// Finds out what lies on a node (identify), lets the node take it for its release (adopt), and has
// every byte of a release read again (verify). Asks nodes by Inquiries; compares with all commits
// of the mirror. Any thread; a question that needs the history of a role reads it on the caller's.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "server/rollout/code_intake.hpp"
#include "server/rollout/identifications.hpp"
#include "server/rollout/inquiries.hpp"
#include "server/rollout/node_registry.hpp"
#include "server/rollout/role_catalog.hpp"

namespace rolesync::rollout {

class TreeDesk {
 public:
  TreeDesk(store::Store& store, source::SourceService& service, RoleCatalog& catalog,
           NodeRegistry& nodes, Inquiries& inquiries, Identifications& identifications)
      : store_(store),
        service_(service),
        catalog_(catalog),
        nodes_(nodes),
        inquiries_(inquiries),
        identifications_(identifications) {}

  struct Question {
    std::string node, role;
    std::string commit;  // only this one is compared; empty: the nearest
    std::string request_id;
  };
  // The callbacks are called once, perhaps before the call returns. Errors: not_found/unknown_node,
  // unknown_role; unavailable/node_offline; conflict/role_unusable, no_files, no_commit_known,
  // not_identified, role_not_on_node; those of Inquiries; what the node says.
  using Identified = std::function<void(Result<Identification>)>;
  void identify(const Question& question, Identified done);

  struct Adoption {
    Identification base;
    Inquiries::Text proof;  // framed: what the node measured
  };
  using Adopted = std::function<void(Result<Adoption>)>;
  void adopt(const Question& question, Adopted done);

  using Verified = std::function<void(Result<Inquiries::Text>)>;
  void verify(const Question& question, Verified done);

 private:
  struct Subject {
    NodePointer node;
    Role role;
    std::string revision;
  };
  using History = std::shared_ptr<const domain::RoleHistory>;
  Result<Subject> subject(const Question& question) const;
  Result<History> history(const Role& role, const std::string& revision);
  Result<Identification> compare(const Subject& subject, const Question& question,
                                 const domain::RoleHistory& history, std::string_view answer);
  Status keep_content(const Identification& identified, const Manifest& manifest);
  void ask_to_adopt(const Subject& subject, const Question& question, Identification base,
                    Adopted done);
  bool counts(const Subject& subject) const;

  store::Store& store_;
  source::SourceService& service_;
  RoleCatalog& catalog_;
  NodeRegistry& nodes_;
  Inquiries& inquiries_;
  Identifications& identifications_;
  // A fleet is asked about one role after the other: the history of the last one.
  std::mutex history_mutex_;
  std::string history_of_;
  History history_;
};

}  // namespace rolesync::rollout
