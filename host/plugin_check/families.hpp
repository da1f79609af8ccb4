// SPDX-License-Identifier: Apache-2.0
// The checks by what they look at; one file for each.
#pragma once
#include "host/plugin_check/check.hpp"

namespace rolesync::plugin_check {

std::vector<Check> file_checks();        // RS1xx: reads the file, runs nothing
std::vector<Check> load_checks();        // RS2xx: loads it
std::vector<Check> descriptor_checks();  // RS3xx: what it says about itself
std::vector<Check> call_checks();        // RS4xx: calls as a host makes them
std::vector<Check> hostile_checks();     // RS5xx: calls as no host makes them
std::vector<Check> life_checks();        // RS6xx: what is left behind
std::vector<Check> role_checks();        // RS7xx: what a role says

}  // namespace rolesync::plugin_check
