// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/code_intake.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <future>
#include <nlohmann/json.hpp>

#include "host/values/secret.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/sources.hpp"

namespace rolesync::rollout {
namespace {

constexpr std::chrono::seconds stream_wait{60};
constexpr std::size_t examined_commits = 20;  // of one fetch, whose roles are worked out one by one

Error server_stopping() {
  return {ErrorKind::unavailable, "server_stopping", "the server is stopping",
          "try again when it is back"};
}

}  // namespace

Error no_files_in_commit(const std::string& role, const std::string& commit) {
  return {ErrorKind::conflict, "no_files_in_commit",
          "commit " + commit.substr(0, 12) + " has no file under the source paths of role " + role,
          "correct the role's source_paths, or commit files there"};
}

CodeIntake::CodeIntake(store::Store& store, source::SourceService& service, RoleCatalog& catalog,
                       NodeRegistry& nodes, Commands& commands, http::StreamBroker& streams,
                       EventLog& events)
    : store_(store),
      service_(service),
      catalog_(catalog),
      nodes_(nodes),
      commands_(commands),
      streams_(streams),
      events_(events) {}

CodeIntake::~CodeIntake() {
  stop();
}

void CodeIntake::start() {
  import_again();
  worker_ = std::thread([this] { work(); });
}

void CodeIntake::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  cancelled_ = true;
  wake_.notify_all();
  if (worker_.joinable()) worker_.join();
}

void CodeIntake::pull(const std::string& source, Done done) {
  ask(source, false, std::move(done));
}

void CodeIntake::poll(const std::string& source) {
  ask(source, true, {});
}

void CodeIntake::ask(const std::string& source, bool polled, Done done) {
  std::unique_lock lock(mutex_);
  if (stopping_) {
    lock.unlock();
    if (done) done(server_stopping());
    return;
  }
  auto it = std::find_if(queue_.begin(), queue_.end(), [&](const Request& waiting) {
    return waiting.source == source && waiting.fetch;
  });
  if (it == queue_.end()) it = queue_.insert(queue_.end(), Request{source, true, polled, {}});
  if (!polled) it->polled = false;
  it->quiet = false;
  if (done) it->done.push_back(std::move(done));
  wake_.notify_all();
}

void CodeIntake::follow(const std::string& source) {
  const std::lock_guard lock(mutex_);
  const bool queued = std::any_of(queue_.begin(), queue_.end(), [&](const Request& waiting) {
    return waiting.source == source && waiting.fetch;
  });
  if (!queued) queue_.push_back({source, true, false, {}, true});
  wake_.notify_all();
}

void CodeIntake::follow() {
  const auto sources = store_.read([](store::Session& s) { return store::list_sources(s); });
  if (!sources) return;
  for (const auto& source : *sources) {
    if (!source.head_commit.empty()) follow(source.name);
  }
}

void CodeIntake::import_again() {
  const auto sources = store_.read([](store::Session& s) { return store::list_sources(s); });
  if (!sources) return;
  const std::lock_guard lock(mutex_);
  for (const auto& source : *sources) {
    const bool queued = std::any_of(queue_.begin(), queue_.end(), [&](const Request& waiting) {
      return waiting.source == source.name;
    });
    if (!queued) queue_.push_back({source.name, false, false, {}});
  }
  wake_.notify_all();
}

std::string CodeIntake::activity(const std::string& source) const {
  const std::lock_guard lock(mutex_);
  if (current_ == source) return "fetching";
  const bool queued = std::any_of(queue_.begin(), queue_.end(), [&](const Request& waiting) {
    return waiting.source == source && waiting.fetch;
  });
  return queued ? "queued" : "";
}

std::optional<LatestContent> CodeIntake::latest(const std::string& role) const {
  const std::lock_guard lock(mutex_);
  const auto it = latest_.find(role);
  if (it == latest_.end()) return std::nullopt;
  return it->second;
}

domain::NewestContent CodeIntake::newest(const std::string& role,
                                         const std::string& revision) const {
  const auto known = latest(role);
  if (!known) {
    return {"", "", "no_commit_imported", "no commit of the role's code source was imported yet"};
  }
  if (known->error) return {"", "", known->error->reason, known->error->message};
  if (known->revision != revision) {
    return {"", "", "import_pending", "the role was changed and its content is being worked out"};
  }
  return {known->commit, known->content_id, "", ""};
}

void CodeIntake::work() {
  while (true) {
    Request request;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) break;
      request = std::move(queue_.front());
      queue_.pop_front();
      if (request.fetch) current_ = request.source;
    }
    const auto report = serve(request);
    {
      const std::lock_guard lock(mutex_);
      current_.clear();
    }
    for (const Done& done : request.done) done(report);
    if (request.polled) note_polled(request.source);
    if (report && request.fetch) service_.tidy(request.source, &cancelled_);
  }
  std::deque<Request> left;
  {
    const std::lock_guard lock(mutex_);
    left.swap(queue_);
  }
  for (const Request& request : left) {
    for (const Done& done : request.done) done(server_stopping());
  }
}

Result<PullReport> CodeIntake::serve(const Request& request) {
  const auto source =
      store_.read([&](store::Session& s) { return store::find_source(s, request.source); });
  if (!source) return source.error();
  if (!request.fetch) {
    if (source->head_commit.empty()) return PullReport{source->name, "", {}, {}, {}};
    return import(*source, source->head_commit);
  }
  const auto move = fetch(*source);
  if (!move && request.quiet) {
    spdlog::warn("source={} not fetched: {}", source->name, move.error().text());
    return move.error();
  }
  // A poll that finds what was known says nothing, and one that fails says so once.
  if (request.polled && move && move->new_head == source->head_commit) {
    return PullReport{source->name, move->new_head, {}, {}, {}};
  }
  if (!move) {
    const bool known = source->state == "failed" && source->reason == move.error().reason;
    if (request.polled && known) return move.error();
    events_.publish({.type = "import_failed",
                     .message = "source " + source->name + ": " + move.error().text(),
                     .source = source->name,
                     .reason = move.error().reason});
    return move.error();
  }
  if (move->new_head.empty()) {
    return Error{ErrorKind::conflict, "branch_missing",
                 "the repository of source " + source->name + " has no branch " + source->branch,
                 "commit to that branch, or set another one"};
  }
  PullReport report = import(*source, move->new_head);
  if (request.quiet) return report;
  note_affected(source->name, *move);
  events_.publish({.type = "commit_imported",
                   .message = "source " + source->name + " is at " + move->new_head.substr(0, 12) +
                              " (" + std::string(source::to_word(move->kind)) + ")",
                   .source = source->name,
                   .commit = move->new_head,
                   .state = std::string(source::to_word(move->kind))});
  tell(report);
  return report;
}

void CodeIntake::note_polled(const std::string& source) {
  const Status noted = store_.write(
      [&](store::Session& s) { return store::set_source_polled(s, source, now_millis()); });
  if (!noted) spdlog::warn("source={} {}", source, noted.error().text());
}

Result<source::BranchMove> CodeIntake::fetch(const store::CodeSource& source) {
  if (source.transport == "file") return service_.pull_file(source, &cancelled_);
  return fetch_from_node(source);
}

// Asks the node for a stream on which it serves the repository, and fetches from it on the
// stream's own thread while this one waits.
Result<source::BranchMove> CodeIntake::fetch_from_node(const store::CodeSource& source) {
  auto fetched = std::make_shared<std::promise<Result<source::BranchMove>>>();
  auto future = fetched->get_future();
  const std::string stream_id = streams_.expect(
      source.node_id, stream_wait,
      [this, source, fetched](std::unique_ptr<Stream> stream) {
        const StreamDescriptor descriptor(std::move(stream));
        fetched->set_value(service_.pull_stream(source, descriptor.get(), &cancelled_));
      },
      [fetched, source] {
        fetched->set_value(
            Error{ErrorKind::unavailable, "node_silent",
                  "node " + source.node_id + " did not open its repository in time",
                  "check that its agent runs and that its config allows " + source.repository});
      });
  store::CommandRecord command;
  command.id = new_id("cmd");
  command.node = source.node_id;
  command.kind = "serve_source";
  command.payload = to_text(
      {{"stream_id", stream_id}, {"source", source.name}, {"repository", source.repository}});
  if (const NodePointer node = nodes_.find(source.node_id)) command.boot_id = node->boot_id;
  if (Status given = commands_.give(std::move(command)); !given) {
    streams_.withdraw(stream_id);
    return given.error();
  }
  while (future.wait_for(std::chrono::milliseconds(200)) != std::future_status::ready) {
    if (cancelled_ && streams_.withdraw(stream_id)) {
      return server_stopping();
    }
  }
  return future.get();
}

PullReport CodeIntake::import(const store::CodeSource& source, const std::string& commit) {
  PullReport report{source.name, commit, {}, {}, {}};
  const auto catalog = catalog_.get();
  std::vector<Role> roles;
  for (const auto& [name, role] : catalog->usable) {
    if (role.code_source == source.name && !role.source_paths.empty()) roles.push_back(role);
  }
  auto contents = service_.import(source.name, commit, roles);
  const auto had_content = [this](const std::string& role) {
    const auto before = latest(role);
    return before && !before->content_id.empty();
  };
  for (const Role& role : roles) {
    LatestContent latest;
    latest.revision = catalog->roles.at(role.name).effective->revision;
    latest.commit = commit;
    if (!contents) {
      latest.error = contents.error();
    } else if (auto it = contents->find(role.name); it == contents->end() || !it->second) {
      latest.error = it == contents->end()
                         ? Error{ErrorKind::failed, "import_failed", "the role was not imported"}
                         : it->second.error();
    } else {
      latest.content_id = it->second->content_id;
      latest.files = it->second->manifest.entries().size();
      latest.bytes = it->second->manifest.total_bytes();
    }
    const bool had = had_content(role.name);
    if (!latest.error && latest.files == 0) {
      // Emptying a target because a directory was renamed in the repository is never meant.
      latest.content_id.clear();
      latest.error = no_files_in_commit(role.name, commit);
      if (had) report.errors.emplace_back(role.name, *latest.error);
    } else if (latest.error) {
      report.errors.emplace_back(role.name, *latest.error);
    }
    const std::lock_guard lock(mutex_);
    const auto before = latest_.find(role.name);
    const std::string known = before == latest_.end() ? "" : before->second.content_id;
    if (!latest.content_id.empty() && known != latest.content_id) {
      report.changed.push_back(role.name);
    }
    latest_[role.name] = std::move(latest);
  }
  for (const std::string& name : report.changed) {
    OutdatedRole outdated{name, {}};
    const auto& effective = *catalog->roles.at(name).effective;
    for (const NodePointer& node : nodes_.all()) {
      const auto& reports = node->parts->reports;
      const auto roles_here = domain::effective_roles(node->assigned, reports, catalog->usable);
      const bool counts = std::any_of(roles_here.begin(), roles_here.end(),
                                      [&](const auto& role) { return role.role == name; });
      const auto measured = reports.find(name);
      const auto state = domain::version_state(
          counts, true, measured == reports.end() ? nullptr : &measured->second, effective.revision,
          newest(name, effective.revision));
      if (state.state == "outdated") outdated.nodes.push_back(node->id);
    }
    if (!outdated.nodes.empty()) report.outdated.push_back(std::move(outdated));
  }
  return report;
}

// Which roles each new commit touches, for people who look at the history.
void CodeIntake::note_affected(const std::string& source, const source::BranchMove& move) {
  const auto catalog = catalog_.get();
  std::vector<Role> roles;
  for (const auto& [name, role] : catalog->usable) {
    if (role.code_source == source && !role.source_paths.empty()) roles.push_back(role);
  }
  const auto& commits = move.commits;
  const std::size_t first =
      commits.size() > examined_commits ? commits.size() - examined_commits : 0;
  for (std::size_t i = first; i < commits.size() && !cancelled_; ++i) {
    const std::string parent = commits[i].parents.empty() ? "" : commits[i].parents.front();
    const auto affected = service_.affected_roles(source, parent, commits[i].id, roles);
    if (!affected) {
      spdlog::warn("source={} commit={} affected roles unknown: {}", source, commits[i].id,
                   affected.error().text());
      continue;
    }
    const Status stored = store_.write([&](store::Session& s) {
      return store::set_affected_roles(s, source, commits[i].id, *affected);
    });
    if (!stored) spdlog::warn("source={} {}", source, stored.error().text());
  }
}

void CodeIntake::tell(const PullReport& report) {
  for (const auto& [role, error] : report.errors) {
    events_.publish({.type = "import_failed",
                     .message = "role " + role + ": " + error.text(),
                     .role = role,
                     .source = report.source,
                     .commit = report.commit,
                     .reason = error.reason});
  }
  for (const OutdatedRole& outdated : report.outdated) {
    for (const std::string& node : outdated.nodes) {
      events_.publish({.type = "role_outdated",
                       .message = outdated.role + " on " + node + " is outdated since " +
                                  report.commit.substr(0, 12),
                       .node = node,
                       .role = outdated.role,
                       .source = report.source,
                       .commit = report.commit,
                       .state = "outdated"});
    }
  }
}

}  // namespace rolesync::rollout
