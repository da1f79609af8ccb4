// SPDX-License-Identifier: Apache-2.0
// The verbs of `source` about signatures.
#pragma once

namespace CLI {
class App;
}

namespace rolesync::cli {

class Session;

void add_signer_verbs(CLI::App& source, Session& session);

}  // namespace rolesync::cli
