// SPDX-License-Identifier: Apache-2.0
// Every noun of the command line adds itself here; each lives in the file of its name. A command's
// callback only sets session.action, so that nothing runs before the whole line was understood.
#pragma once

namespace CLI {
class App;
}

namespace rolesync::cli {

class Session;

void add_demo(CLI::App& app, Session& session);
void add_status(CLI::App& app, Session& session);
void add_plan(CLI::App& app, Session& session);
void add_sync(CLI::App& app, Session& session);
void add_job(CLI::App& app, Session& session);
void add_node(CLI::App& app, Session& session);
void add_role(CLI::App& app, Session& session);
void add_source(CLI::App& app, Session& session);
void add_commit(CLI::App& app, Session& session);
void add_schedule(CLI::App& app, Session& session);
void add_freeze(CLI::App& app, Session& session);
void add_plugin(CLI::App& app, Session& session);
void add_token(CLI::App& app, Session& session);
void add_audit(CLI::App& app, Session& session);
void add_approval(CLI::App& app, Session& session);
// Verbs of `node` about what lies there.
void add_tree_verbs(CLI::App& node, Session& session);

}  // namespace rolesync::cli
