// SPDX-License-Identifier: Apache-2.0
#include "host/agent/stage.hpp"

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <set>

#include "host/activation/manifest_delta.hpp"
#include "host/activation/pack.hpp"
#include "host/agent/log.hpp"
#include "host/agent/role_commands.hpp"
#include "host/services/durable_file.hpp"

namespace rolesync::agent {
namespace {

// With the pauses of Backoff: a server may restart meanwhile.
constexpr int kTries = 7;

constexpr std::chrono::seconds kProgressEvery{1};

Error cancelled_error() {
  return {ErrorKind::conflict, "cancelled", "the task was cancelled before its switch"};
}

// Space does not come back within the minute that we would try.
bool is_transient(const Error& error) {
  return (error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timeout) &&
         error.reason != "disk_full";
}

// Removes the list of wanted blobs when the fetch is over.
struct ListFile {
  std::string path;
  ~ListFile() { ::unlink(path.c_str()); }
};

}  // namespace

Status Stager::preflight(const Task& task) const {
  const Role& role = task.role;
  if (Status present = plugins_.check_present(role); !present) return present;
  if (Status commands = check_commands(config_, role); !commands) return commands;
  const bool controls = task.restart || role.switch_mode == SwitchMode::stopped;
  return controls ? plugins_.check_control(role) : Status{};
}

// What is installed is known here already: only the way from it is asked for.
Result<Stager::Content> Stager::content_of(LinkClient& client, const Task& task,
                                           const Release* installed) {
  std::string path = link_.node_path("tasks/" + task.task_id + "/content");
  if (installed) path += "?from=" + installed->content_id;
  Result<HttpAnswer> answer = client.get(path);
  if (!answer) return answer.error();
  Content content;
  Result<Manifest> manifest = Manifest();
  if (installed && answer->headers["content-type"] == update_type) {
    const Result<Update> update = read_update(answer->body);
    if (!update) return update.error();
    manifest = apply_delta(installed->manifest, update->delta);
    content.pack = update->pack;
  } else {
    manifest = Manifest::parse(answer->body);
  }
  if (!manifest) return manifest.error();
  content.manifest = std::move(*manifest);
  if (content.manifest.content_id() == task.content_id) return content;
  return Error{ErrorKind::failed, "manifest_mismatch",
               "the manifest from the server is not the one of " + task.content_id,
               "look at the server's cache"};
}

Status Stager::stage(TaskRecord& record, Installation& installation, const CancelFlag& cancelled,
                     Manifest& manifest) {
  record_ = &record;
  if (Status ready = preflight(record.task); !ready) return ready;
  Backoff backoff;
  for (int attempt = 1;; ++attempt) {
    if (cancelled) return cancelled_error();
    Status fetched = fetch(record.task, installation, cancelled, manifest);
    if (fetched) break;
    if (!is_transient(fetched.error()) || attempt == kTries) return fetched;
    TaskEvent event{"staging", "fetch", "", "trying again: " + fetched.error().message, ""};
    events_.progress(record, event);
    if (!link_.pause(backoff.next())) return fetched;
  }
  if (cancelled) return cancelled_error();
  return installation.verify_staged(manifest, record.task.first_install);
}

// The tree that somebody else deployed becomes the release that this task starts from.
Status Stager::adopt_base(const Task& task, LinkClient& client, Installation& installation) {
  Result<HttpAnswer> answer =
      client.get(link_.node_path("tasks/" + task.task_id + "/content?of=from"));
  if (!answer) return answer.error();
  Result<Manifest> manifest = Manifest::parse(answer->body);
  if (!manifest) return manifest.error();
  if (manifest->content_id() != task.from_content_id) {
    return Error{ErrorKind::failed, "manifest_mismatch",
                 "the manifest from the server is not the one of " + task.from_content_id,
                 "look at the server's cache"};
  }
  Release base;
  base.role_revision = task.role_revision;
  base.role_snapshot = to_text(role_to_json(task.role));
  base.commit = task.from_commit;
  base.task_id = task.task_id + "-base";
  base.manifest = std::move(*manifest);
  return installation.adopt(std::move(base));
}

// What arrived before a transfer broke is not fetched twice.
Status Stager::fetch(const Task& task, Installation& installation, const CancelFlag& cancelled,
                     Manifest& manifest) {
  Result<std::unique_ptr<LinkClient>> client = link_.borrow();
  if (!client) return client.error();
  if (task.adopt && !installation.current()) {
    if (Status based = adopt_base(task, **client, installation); !based) return based;
  }
  Result<Content> content = content_of(**client, task, installation.current());
  if (!content) return content.error();
  manifest = std::move(content->manifest);
  Result<Proof> known = prover_.prove(task.role, installation, Prover::Depth::needed);
  if (!known) return known.error();
  if (!content->pack.empty()) {
    // Whatever is wrong with it, what is lacking then comes another way.
    if (Status staged = installation.stage_pack(manifest, content->pack); !staged) {
      log_event(LogLevel::warning, "pack.unusable",
                {{"task", task.task_id}, {"detail", staged.error().text()}});
    }
  }
  Result<std::vector<ManifestEntry>> lacking = installation.lacking(manifest, Look::trust);
  if (!lacking) return lacking.error();
  if (lacking->empty()) return {};
  return fetch_lacking(task, **client, installation, *lacking, cancelled);
}

Status Stager::fetch_lacking(const Task& task, LinkClient& client, Installation& installation,
                             const std::vector<ManifestEntry>& lacking,
                             const CancelFlag& cancelled) {
  std::set<std::string> wanted;
  for (const ManifestEntry& entry : lacking) wanted.insert(entry.blob_id);
  Result<Json> offer =
      client.post(link_.node_path("offers"), {{"task_id", task.task_id}, {"want", wanted}},
                  std::chrono::minutes(5));
  if (!offer) return offer.error();
  if (!offer->is_object() || !offer->contains("offer_id") || !(*offer)["offer_id"].is_string()) {
    return Error{ErrorKind::failed, "protocol_error", "the server's offer is not understood"};
  }
  Result<std::filesystem::path> basis = installation.delta_basis(lacking);
  if (!basis) return basis.error();

  FetchOrder order;
  order.offer = std::make_shared<Json>(offer->value("deployer", Json::object()));
  order.offer_id = (*offer)["offer_id"].get<std::string>();
  order.staging = installation.staging();
  order.basis = basis->string();
  order.files = offer->value("files", std::uint64_t{wanted.size()});
  order.bytes = offer->value("bytes", std::uint64_t{0});

  std::string names;
  for (const std::string& blob : wanted) names += blob + '\0';
  const std::string run_directory = config_.state_dir + "/run";
  if (Status made = make_directories(run_directory); !made) return made;
  ListFile list{run_directory + "/" + task.task_id + ".want"};
  order.list_file = list.path;
  if (Status written = write_durably(list.path, names); !written) return written;
  order.progress = [this](std::uint64_t done, std::uint64_t total, const std::string& unit) {
    report_progress(done, total, unit);
  };
  // A stream has a connection of its own and may outlast many requests: not this client's.
  return plugins_.fetch(
      task.role, order,
      [&](const std::string& offer_id) -> Result<std::unique_ptr<Stream>> {
        Result<std::unique_ptr<LinkClient>> own = link_.connect();
        if (!own) return own.error();
        return (*own)->open_stream(link_.node_path("streams/" + offer_id));
      },
      &cancelled);
}

// What a deployer says of its own accord; more often than this it is left out.
void Stager::report_progress(std::uint64_t done, std::uint64_t total, const std::string& unit) {
  const std::lock_guard lock(progress_mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (now - progressed_ < kProgressEvery) return;
  progressed_ = now;
  const std::string of = total > 0 ? " of " + std::to_string(total) : "";
  events_.progress(*record_, {"staging", "fetch", "", std::to_string(done) + of + " " + unit, ""});
}

}  // namespace rolesync::agent
