// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/offer_desk.hpp"

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "host/activation/pack.hpp"
#include "host/services/node_services.hpp"
#include "server/store/jobs.hpp"

namespace rolesync::rollout {
namespace {

constexpr std::chrono::seconds offer_time_to_live{60};
constexpr std::chrono::hours longest_transfer{6};

Result<std::string> deployer_of(const store::SyncTask& task) {
  const auto json = parse_json(task.task);
  if (json && json->is_object() && json->contains("role") && (*json)["role"].is_object()) {
    const Json id = (*json)["role"].value("deployer", Json());
    if (id.is_string()) return id.get<std::string>();
  }
  return Error{ErrorKind::failed, "task_damaged", "task " + task.id + " names no deployer", ""};
}

}  // namespace

Result<OfferDesk::OpenTask> OfferDesk::open_task(const std::string& node,
                                                 const std::string& task_id) {
  auto task = store_.read([&](store::Session& s) { return store::find_task(s, task_id); });
  if (!task) return task.error();
  if (task->node != node) {
    return Error{ErrorKind::not_found, "unknown_task", "this node has no task " + task_id, ""};
  }
  if (store::is_final_task_state(task->state)) {
    return Error{ErrorKind::conflict, "task_ended", "task " + task_id + " is " + task->state, ""};
  }
  auto deployer = deployer_of(*task);
  if (!deployer) return deployer.error();
  return OpenTask{std::move(*task), std::move(*deployer)};
}

Result<ContentAnswer> OfferDesk::content(const std::string& node, const std::string& task_id,
                                         const std::string& from) {
  const auto open = open_task(node, task_id);
  if (!open) return open.error();
  const std::string& to = open->task.content_id;
  // What a node does not have is not told by way of the difference from it.
  if (!from.empty() && from == open->task.from_content_id) {
    const auto may_pack = [&](std::uint64_t files, std::uint64_t bytes) {
      const auto said = registry_.call("deployer", open->deployer, "offer",
                                       {{"content_id", to}, {"files", files}, {"bytes", bytes}});
      return said && said->is_object() && said->value("pack", Json()) == Json(true);
    };
    const auto update = service_.updates().get({from, to, open->deployer}, may_pack);
    if (update) return ContentAnswer{update_type, *update};
  }
  const auto manifest = service_.manifest(to);
  if (!manifest) return manifest.error();
  return ContentAnswer{"application/octet-stream",
                       std::make_shared<const std::string>((*manifest)->to_text())};
}

Result<ContentAnswer> OfferDesk::adopted(const std::string& node, const std::string& task_id) {
  const auto open = open_task(node, task_id);
  if (!open) return open.error();
  const auto task = parse_json(open->task.task);
  if (!task || !task->is_object() || task->value("first_install", Json()) != "adopt") {
    return Error{ErrorKind::conflict, "not_adopting", "task " + task_id + " adopts nothing", ""};
  }
  const auto manifest = service_.manifest(open->task.from_content_id);
  if (!manifest) return manifest.error();
  return ContentAnswer{"application/octet-stream",
                       std::make_shared<const std::string>((*manifest)->to_text())};
}

Result<MadeOffer> OfferDesk::make(const std::string& node, const std::string& task_id,
                                  const std::vector<std::string>& wanted) {
  const auto open = open_task(node, task_id);
  if (!open) return open.error();
  const auto& [task, deployer] = *open;
  auto offer = service_.offer(task.source, task.content_id, wanted);
  if (!offer) return offer.error();
  const auto said = registry_.call(
      "deployer", deployer, "offer",
      {{"content_id", task.content_id}, {"files", (*offer)->files}, {"bytes", (*offer)->bytes}});
  if (!said) return said.error();

  MadeOffer made;
  made.files = (*offer)->files;
  made.bytes = (*offer)->bytes;
  made.deployer = to_text(*said);
  made.id = streams_.expect(
      node, offer_time_to_live,
      [this, id = deployer, held = *offer, node, task_id](std::unique_ptr<Stream> stream) {
        serve(id, *held, std::move(stream), node, task_id);
      });
  return made;
}

void OfferDesk::serve(const std::string& deployer, const source::Offer& offer,
                      std::unique_ptr<Stream> stream, const std::string& node,
                      const std::string& task_id) {
  StreamTable streams;
  const std::string stream_id = streams.add(std::move(stream));
  NodeServicesOptions options;
  options.plugin = "deployer." + deployer;
  options.streams = &streams;
  options.programs = RunAs{};               // as the server itself
  options.directory = std::string(1, '/');  // g++ 12 warns of nothing at ="/"
  options.time_limit = longest_transfer;
  options.plugin_host_program = paths_.plugin_host_program;
  options.private_root = paths_.private_root;
  NodeServices services(std::move(options));

  plugin::CallOptions call;
  call.time_limit = longest_transfer;
  call.services = &services;
  const auto served = registry_.call(
      "deployer", deployer, "serve",
      {{"offer_id", offer.id}, {"directory", offer.directory.string()}, {"stream", stream_id}},
      call);
  if (served) {
    spdlog::info("node={} task={} deployer={} served files={} bytes={}", node, task_id, deployer,
                 offer.files, offer.bytes);
  } else {
    spdlog::warn("node={} task={} deployer={} serving failed: {}", node, task_id, deployer,
                 served.error().text());
  }
}

}  // namespace rolesync::rollout
