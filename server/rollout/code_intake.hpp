// SPDX-License-Identifier: Apache-2.0
// Gets commits: fetches a code source when asked (by a person or a notification), imports the
// content of every role, and says which roles on which nodes became outdated. Deploys nothing. One
// worker thread; any thread may ask.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "server/domain/version_state.hpp"
#include "server/http/streams.hpp"
#include "server/rollout/commands.hpp"
#include "server/rollout/event_log.hpp"
#include "server/rollout/node_registry.hpp"
#include "server/rollout/role_catalog.hpp"
#include "server/source/source_service.hpp"

namespace rolesync::rollout {

struct LatestContent {
  std::string revision, commit, content_id;
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  std::optional<Error> error;  // then there is no content
};

struct OutdatedRole {
  std::string role;
  std::vector<std::string> nodes;
};

struct PullReport {
  std::string source, commit;
  std::vector<std::string> changed;    // roles whose newest content is another one now
  std::vector<OutdatedRole> outdated;  // of these, where
  std::vector<std::pair<std::string, Error>> errors;  // roles that could not be imported
};

// A role without files at a commit has no content to deploy.
Error no_files_in_commit(const std::string& role, const std::string& commit);

class CodeIntake {
 public:
  CodeIntake(store::Store& store, source::SourceService& service, RoleCatalog& catalog,
             NodeRegistry& nodes, Commands& commands, http::StreamBroker& streams,
             EventLog& events);
  ~CodeIntake();

  void start();
  void stop();

  using Done = std::function<void(Result<PullReport>)>;
  // Fetches and imports soon; requests for one source that has not begun are served together.
  // `done` is called on the worker's thread.
  void pull(const std::string& source, Done done = {});
  // Another server has fetched a commit: this one's mirror gets it too, without telling of it.
  void follow(const std::string& source);
  // The same of all sources: something may have been missed.
  void follow();
  // The same because its time has come (SourcePoller): nothing is told unless something is new.
  void poll(const std::string& source);
  // Imports the newest commits again: role definitions have changed.
  void import_again();
  // "queued", "fetching" or "".
  std::string activity(const std::string& source) const;

  // The newest content of a role under its current definition.
  std::optional<LatestContent> latest(const std::string& role) const;
  domain::NewestContent newest(const std::string& role, const std::string& revision) const;

 private:
  struct Request {
    std::string source;
    bool fetch = true;
    bool polled = false;  // nobody but the clock asked
    std::vector<Done> done;
    bool quiet = false;  // another server tells of it
  };
  void work();
  void ask(const std::string& source, bool polled, Done done);
  Result<PullReport> serve(const Request& request);
  void note_polled(const std::string& source);
  Result<source::BranchMove> fetch(const store::CodeSource& source);
  Result<source::BranchMove> fetch_from_node(const store::CodeSource& source);
  PullReport import(const store::CodeSource& source, const std::string& commit);
  void note_affected(const std::string& source, const source::BranchMove& move);
  void tell(const PullReport& report);

  store::Store& store_;
  source::SourceService& service_;
  RoleCatalog& catalog_;
  NodeRegistry& nodes_;
  Commands& commands_;
  http::StreamBroker& streams_;
  EventLog& events_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Request> queue_;
  std::string current_;
  bool stopping_ = false;
  std::map<std::string, LatestContent> latest_;
  CancelFlag cancelled_{false};
  std::thread worker_;
};

}  // namespace rolesync::rollout
