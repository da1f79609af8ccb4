// SPDX-License-Identifier: Apache-2.0
#include "host/cli/demo/fleet.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "host/cli/api.hpp"
#include "host/cli/demo/sample.hpp"
#include "host/cli/fields.hpp"
#include "host/cli/programs.hpp"

namespace rolesync::cli {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

std::string plugin_directory() {
  return fs::path(program_directory()).parent_path() / "plugins";
}

Error with_context(Error error, const std::string& doing) {
  error.message = doing + ": " + error.message;
  return error;
}

std::string last_lines(const std::string& text, int lines) {
  std::size_t at = text.size();
  for (int i = 0; i <= lines && at != std::string::npos && at > 0; ++i)
    at = text.rfind('\n', at - 1);
  return at == std::string::npos || at == 0 ? text : text.substr(at + 1);
}

}  // namespace

DemoFleet::DemoFleet(DemoDirectory directory, Narrator& narrator)
    : directory_(std::move(directory)),
      narrator_(narrator),
      cli_(narrator, demo_stop),
      nodes_{{"node-1", "127.0.0.2", {"code-source", "frontend"}},
             {"node-2", "127.0.0.3", {"frontend", "backend"}},
             {"node-3", "127.0.0.4", {"backend"}}},
      roles_{{"frontend", "autobot-vue", "/srv/autobot-vue", "/", {"autobot-vue/"}, "serve.py"},
             {"backend",
              "backend",
              "/srv/AutoBot",
              "/api/health",
              {"backend/", "src/"},
              "backend/app.py"}} {}

DemoFleet::~DemoFleet() = default;

const DemoNode& DemoFleet::node(const std::string& name) const {
  return *std::find_if(nodes_.begin(), nodes_.end(),
                       [&](const DemoNode& n) { return n.name == name; });
}

const DemoRole& DemoFleet::role(const std::string& name) const {
  return *std::find_if(roles_.begin(), roles_.end(),
                       [&](const DemoRole& r) { return r.name == name; });
}

std::vector<std::string> DemoFleet::nodes_with(const std::string& role) const {
  std::vector<std::string> names;
  for (const DemoNode& node : nodes_)
    if (std::count(node.roles.begin(), node.roles.end(), role)) names.push_back(node.name);
  return names;
}

std::string DemoFleet::on_disk(const std::string& node, const std::string& target) const {
  return directory() + "/" + node + "/root" + target;
}

bool DemoFleet::all_running() const {
  return programs_.running("server") &&
         std::all_of(nodes_.begin(), nodes_.end(),
                     [&](const DemoNode& node) { return programs_.running(node.name); });
}

std::string DemoFleet::log_tails() const {
  std::string out;
  std::error_code ignored;
  for (const auto& entry : fs::recursive_directory_iterator(directory(), ignored)) {
    if (entry.path().extension() != ".log") continue;
    const auto text = read_text(entry.path());
    if (text && !text->empty())
      out += "--- " + entry.path().string() + "\n" + last_lines(*text, 15) + "\n";
  }
  return out;
}

Status DemoFleet::start() {
  struct Part {
    const char* doing;
    Status (DemoFleet::*run)();
  };
  for (const Part& part : {Part{"making the repository", &DemoFleet::make_repository},
                           Part{"starting the server", &DemoFleet::start_server}})
    if (auto status = (this->*part.run)(); !status) return with_context(status.error(), part.doing);
  for (const DemoNode& node : nodes_)
    if (auto status = join(node); !status)
      return with_context(status.error(), "starting " + node.name);
  for (const Part& part : {Part{"setting roles up", &DemoFleet::shape_roles},
                           Part{"the first sync", &DemoFleet::first_sync}})
    if (auto status = (this->*part.run)(); !status) return with_context(status.error(), part.doing);
  return {};
}

Status DemoFleet::make_repository() {
  return make_sample_repository(repository());
}

Status DemoFleet::run_once(const std::vector<std::string>& argv) const {
  ChildSpec spec;
  spec.argv = argv;
  spec.environment = demo_environment();
  spec.cancelled = &demo_stop;
  auto result = run_child(spec);
  if (!result) return result.error();
  if (result->succeeded()) return {};
  return Error{ErrorKind::failed, "demo_command_failed",
               argv[0] + " " + argv[1] + ": " + result->explain() + "\n" + result->errors};
}

Status DemoFleet::start_server() {
  const std::string home = directory() + "/server", config = home + "/server.toml";
  std::error_code ignored;
  fs::create_directories(drop_in_directory(), ignored);
  auto program = find_program("rolesync-server");
  if (!program) return program.error();
  auto port = free_port();
  if (!port) return port.error();
  url_ = "http://127.0.0.1:" + std::to_string(*port);
  if (auto made = run_once({*program, "init", "--config", config, "--state-dir", home + "/state",
                            "--listen", "127.0.0.1:" + std::to_string(*port)});
      !made)
    return made;
  auto token = read_text(home + "/state/secrets/admin.token");
  if (!token) return token.error();
  token_ = token->substr(0, token->find_first_of("\r\n"));
  cli_.connect(url_, token_);
  if (auto started = programs_.start("server",
                                     {*program, "run", "--config", config, "--plugin-dir",
                                      plugin_directory(), "--drop-in-dir", drop_in_directory()},
                                     demo_environment(), home + "/server.log");
      !started)
    return started;
  const bool ready = wait_until(seconds(20), [&] {
    return !programs_.running("server") || cli_.run({"plugin", "list"}).exit_code == 0;
  });
  if (ready && programs_.running("server")) return {};
  return Error{ErrorKind::failed, "server_not_ready", "the server does not answer"};
}

std::string DemoFleet::agent_config(const DemoNode& node) const {
  const auto quoted = [](const std::string& text) { return to_text(Json(text)); };
  const std::string home = directory() + "/" + node.name;
  std::string config = "node_id = " + quoted(node.name) + "\n";
  config += "state_dir = " + quoted(home + "/state") + "\n";
  config += "plugin_dirs = [" + quoted(plugin_directory()) + "]\n";
  config += "drop_in_dirs = []\n";
  config += "allowed_roots = [\"/srv\"]\n";
  config += "allowed_units = [\"autobot-*\"]\n";
  config += "\n# The node's own root and address, so that three nodes fit on one machine.\n";
  config += "path_prefix = " + quoted(home + "/root") + "\n";
  config += "health_address = " + quoted(node.address) + "\n";
  config += "\n[server]\nurl = " + quoted(url_) + "\n";
  config += "\n[commands]\nallowed = true\n";
  // The files belong to whoever runs the demo, and so do the services.
  config += std::string("as_root = ") + (::geteuid() == 0 ? "true" : "false") + "\n";
  config += "\n# A demo is impatient.\n[health]\ntimeout_seconds = 8\n";
  if (std::count(node.roles.begin(), node.roles.end(), "code-source"))
    config += "\n[source]\nrepositories = [" + quoted(repository()) + "]\n";
  return config;
}

Status DemoFleet::join(const DemoNode& node) {
  const std::string home = directory() + "/" + node.name, config = home + "/agent.toml";
  std::error_code ignored;
  fs::create_directories(home + "/root/srv", ignored);
  if (auto status = write_text(config, agent_config(node)); !status) return status;
  auto program = find_program("rolesync-agent");
  if (!program) return program.error();
  auto token = cli_.json({"token", "create", "--join", node.name});
  if (!token) return token.error();
  if (auto joined =
          run_once({*program, "join", url_, text_of(*token, "token"), "--config", config});
      !joined)
    return joined;
  return programs_.start(node.name, {*program, "run", "--config", config}, demo_environment(),
                         home + "/agent.log");
}

// The packaged roles, changed field by field: other targets, a process instead of a systemd unit.
Status DemoFleet::shape_roles() {
  for (DemoRole& role : roles_) {
    auto port = free_port();
    if (!port) return port.error();
    role.port = *port;
    const Json fields = {
        {"role_name", role.name},
        {"source_paths", role.sources},
        {"target_path", role.target},
        {"restart_strategy", "process"},
        {"restart_options",
         {{"command", "python3 " + role.script + " " + std::to_string(role.port)}}},
        {"health_check_port", role.port},
        {"health_check_path", role.health_path},
        {"post_sync_cmd", Json::array()}};
    const std::string file = directory() + "/" + role.name + ".json";
    if (auto status = write_text(file, fields.dump(2) + "\n"); !status) return status;
    if (auto status = cli_.must({"role", "apply", file}); !status) return status;
  }
  for (const DemoNode& node : nodes_) {
    std::vector<std::string> assign = {"node", "assign", node.name};
    assign.insert(assign.end(), node.roles.begin(), node.roles.end());
    if (auto status = cli_.must(assign); !status) return status;
  }
  if (auto status = cli_.must({"source", "set", "--node", nodes_with("code-source").at(0),
                               "--repository", repository()});
      !status)
    return status;
  return cli_.must({"source", "install-hook", "--repository", repository()});
}

bool DemoFleet::all_online() const {
  const auto list = cli_.json({"node", "list"});
  if (!list) return false;
  const auto online = [](const Json& node) { return text_of(node, "state") == "online"; };
  const Json& nodes = array_of(*list, "nodes");
  return nodes.size() == nodes_.size() && std::all_of(nodes.begin(), nodes.end(), online);
}

Status DemoFleet::first_sync() {
  // Before its first report a node can neither serve the repository nor name its plugins.
  if (!wait_until(seconds(30), [&] { return all_online(); }))
    return Error{ErrorKind::failed, "nodes_not_online", "not every agent has reported"};
  if (auto status = cli_.must({"source", "pull"}); !status) return status;
  // The back end is not restarted by itself; the first time somebody must say so.
  auto plan = cli_.json({"plan", "--restart", "always"});
  if (!plan) return plan.error();
  return cli_.must({"sync", "--plan", text_of(*plan, "plan_hash")});
}

}  // namespace rolesync::cli
