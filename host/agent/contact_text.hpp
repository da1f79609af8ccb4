// SPDX-License-Identifier: Apache-2.0
// What `rolesync-agent status` prints and how it exits. Pure but for asking whether the process
// still runs.
#pragma once
#include <optional>
#include <string>

#include "host/agent/contact.hpp"

namespace rolesync::agent {

// The process that wrote it still runs, as far as its number and this boot can tell.
bool writer_runs(const ContactStatus& status);

// A few lines: the state, since when, why, and what to do.
std::string contact_text(const std::optional<ContactStatus>& status);

// The same in one line: "node web-1 connected since ...", and why not.
std::string contact_line(const ContactStatus& status);

// 0 connected; 4 the server does not accept this node, or cannot prove who it is; 8 the server is
// away, or there was no contact yet; 1 no agent runs.
int contact_exit_code(const std::optional<ContactStatus>& status);

}  // namespace rolesync::agent
