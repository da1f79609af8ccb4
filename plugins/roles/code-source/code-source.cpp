// SPDX-License-Identifier: Apache-2.0
// Role: marks the node that holds the git repository. It owns no files and no service there.
#include <rolesync/role.hpp>

ROLESYNC_ROLE("code-source", "1.0.0") {
  role.display_name("Code source").summary("the node that holds the git repository");
}
