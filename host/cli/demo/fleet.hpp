// SPDX-License-Identifier: Apache-2.0
// The demo's machines: one server, three agents with their own roots and loopback addresses, and a
// repository with the hook, all real programs in one throw-away directory. One thread.
#pragma once
#include <string>
#include <vector>

#include "host/cli/demo/command_line.hpp"
#include "host/cli/demo/git.hpp"
#include "host/cli/demo/narrator.hpp"
#include "host/cli/demo/programs.hpp"
#include "host/cli/demo/surroundings.hpp"
#include "host/values/result.hpp"

namespace rolesync::cli {

struct DemoNode {
  std::string name, address;       // "node-1", "127.0.0.2"
  std::vector<std::string> roles;  // given at the start
};

struct DemoRole {
  std::string name, source, target, health_path;  // one source path: what the witness compares
  std::vector<std::string> sources;
  std::string script;  // relative to the target; empty: no service
  int port = 0;
};

class DemoFleet {
 public:
  DemoFleet(DemoDirectory directory, Narrator& narrator);
  ~DemoFleet();

  // From an empty directory to the first sync done.
  Status start();

  const std::string& directory() const { return directory_.path(); }
  void keep_directory() { directory_.keep(); }
  std::string repository() const { return directory() + "/repository"; }
  std::string drop_in_directory() const { return directory() + "/server/plugins"; }
  const std::string& url() const { return url_; }
  const std::string& token() const { return token_; }
  const CommandLine& cli() const { return cli_; }
  DemoGit git() const { return DemoGit(repository()); }
  const std::vector<DemoNode>& nodes() const { return nodes_; }
  const DemoNode& node(const std::string& name) const;
  const DemoRole& role(const std::string& name) const;
  std::vector<std::string> nodes_with(const std::string& role) const;

  // The real path of a role's target on a node.
  std::string on_disk(const std::string& node, const std::string& target) const;

  bool all_running() const;
  void end() { programs_.stop_all(); }
  std::string log_tails() const;  // for a failure

 private:
  Status make_repository();
  Status start_server();
  Status join(const DemoNode& node);
  Status shape_roles();
  bool all_online() const;
  Status first_sync();
  Status run_once(const std::vector<std::string>& argv) const;
  std::string agent_config(const DemoNode& node) const;

  DemoDirectory directory_;
  Narrator& narrator_;
  CommandLine cli_;
  std::string url_, token_;
  std::vector<DemoNode> nodes_;
  std::vector<DemoRole> roles_;
  DemoPrograms programs_;  // last: ended before the directory goes
};

}  // namespace rolesync::cli
