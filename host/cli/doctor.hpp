// SPDX-License-Identifier: Apache-2.0
// `rolesync doctor`: everything between this shell and a working server, looked at one by one.
#pragma once

namespace CLI {
class App;
}

namespace rolesync::cli {

class Session;

void add_doctor(CLI::App& app, Session& session);

}  // namespace rolesync::cli
