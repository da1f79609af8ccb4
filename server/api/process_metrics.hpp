// SPDX-License-Identifier: Apache-2.0
// What every program tells Prometheus of itself, by the usual names. Any thread.
#pragma once
#include "server/api/metric_families.hpp"

namespace rolesync::api {

void write_process(MetricFamilies& out);

}  // namespace rolesync::api
