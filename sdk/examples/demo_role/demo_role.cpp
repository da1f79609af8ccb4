// SPDX-License-Identifier: Apache-2.0
// Role: pages about the product. It is not installed anywhere: the demo drops it into the plugin
// directory of a running server and uses it at once.
#include <rolesync/role.hpp>

ROLESYNC_ROLE("demo-docs", "1.0.0") {
  role.display_name("Demo pages").source("demo-docs/").target("/srv/demo-docs");
}
