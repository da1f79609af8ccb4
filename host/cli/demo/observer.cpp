// SPDX-License-Identifier: Apache-2.0
#include "host/cli/demo/observer.hpp"

#include <nlohmann/json.hpp>

#include "host/cli/fields.hpp"
#include "host/client/http_client.hpp"

namespace rolesync::cli {
namespace {

// Generous: what is promised is "within a heartbeat"; a loaded machine may take its time.
constexpr std::chrono::seconds kPatience{30};

}  // namespace

Error untrue(std::string what) {
  return {ErrorKind::failed, "demo_untrue", std::move(what)};
}

Json Observer::cell(const std::string& role, const std::string& node) const {
  const auto status = fleet_.cli().json({"status"});
  if (!status) return nullptr;
  for (const Json& cell : array_of(*status, "cells"))
    if (text_of(cell, "role_name") == role && text_of(cell, "node_id") == node) return cell;
  return nullptr;
}

Status Observer::cells_become(const std::string& role, const std::string& what,
                              const std::function<std::string(const Json&)>& word,
                              const std::string& wanted) const {
  for (const std::string& node : fleet_.nodes_with(role)) {
    std::string seen;
    const bool became = wait_until(kPatience, [&] {
      seen = word(cell(role, node));
      return seen == wanted;
    });
    if (became) continue;
    std::string difference = role;
    difference.append(" on ").append(node).append(": ").append(what);
    difference.append(" is \"").append(seen).append("\" and not \"").append(wanted).append("\"");
    return untrue(std::move(difference));
  }
  return {};
}

Status Observer::version_becomes(const std::string& role, const std::string& state) const {
  return cells_become(
      role, "version",
      [](const Json& cell) { return text_of(object_of(cell, "version"), "state"); }, state);
}

Status Observer::running_becomes(const std::string& role, const std::string& state) const {
  return cells_become(
      role, "running", [](const Json& cell) { return text_of(cell, "running"); }, state);
}

Status Observer::healthy(const std::string& role) const {
  return cells_become(
      role, "health", [](const Json& cell) { return text_of(cell, "health"); }, "healthy");
}

Status Observer::disk_holds(const std::string& node, const std::string& target,
                            const std::string& source, const std::string& commit) const {
  const std::string directory = fleet_.on_disk(node, target);
  const auto difference = difference_on_disk(fleet_.git(), commit, source, directory);
  if (!difference) return difference.error();
  return difference->empty() ? Status() : Status(untrue(directory + ": " + *difference));
}

Status Observer::disks_hold(const std::string& role_name, const std::string& commit) const {
  const DemoRole& role = fleet_.role(role_name);
  for (const std::string& node : fleet_.nodes_with(role_name)) {
    for (std::string source : role.sources) {
      source.erase(source.find_last_not_of('/') + 1);
      // One source path: its contents are the target's. Several keep their names below it.
      const std::string target =
          role.sources.size() == 1 ? role.target : role.target + "/" + source;
      if (auto status = disk_holds(node, target, source, commit); !status) return status;
    }
  }
  return {};
}

Status Observer::served(const std::string& role, const std::string& node, const std::string& path,
                        const std::string& text) const {
  const std::string url =
      "http://" + fleet_.node(node).address + ":" + std::to_string(fleet_.role(role).port);
  auto client = HttpClient::create({.url = url, .certificate_sha256 = "", .ca_file = ""}, "");
  if (!client) return client.error();
  std::string seen;
  const bool found = wait_until(kPatience, [&] {
    HttpRequest request;
    request.path = path;
    const auto answer = (*client)->send(request);
    seen = answer ? std::to_string(answer->status) + " " + answer->body : answer.error().message;
    return answer && answer->status == 200 && answer->body.find(text) != std::string::npos;
  });
  return found ? Status()
               : Status(untrue(url + path + " does not serve \"" + text + "\": " + seen));
}

}  // namespace rolesync::cli
