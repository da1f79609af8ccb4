// SPDX-License-Identifier: Apache-2.0
// What systemd says about units over one connection, which belongs to one thread at a time.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "host/services/linux/systemd_bus.hpp"
#include "host/services/units.hpp"

namespace rolesync::systemd {

// Adds what is known of these full names to `found`. Negative errno when systemd does not answer.
int list_units(sd_bus* bus, const std::vector<std::string>& names,
               std::map<std::string, UnitStatus>& found);

// Adds the full names of the loaded instances of a template ("name@.service"): those that run, have
// failed, or are wanted by another unit because they are enabled. Negative errno as above.
int list_instances(sd_bus* bus, const std::string& template_name, std::vector<std::string>& names);

}  // namespace rolesync::systemd
