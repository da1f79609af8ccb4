// SPDX-License-Identifier: Apache-2.0
// One job of systemd: queued, waited for, and its end explained. The connection is used by nobody
// else meanwhile.
#pragma once
#include <chrono>

#include "host/process/child.hpp"
#include "host/services/linux/systemd_bus.hpp"
#include "host/services/units.hpp"

namespace rolesync::systemd {

// As Units::run says.
Result<UnitStatus> run_job(sd_bus* bus, UnitAction action, const UnitAddress& unit,
                           std::chrono::milliseconds limit, const CancelFlag* cancelled);

// Why a job that ended as `result` did not do what was asked, given the unit's state afterwards.
Error explain_job(sd_bus* bus, UnitAction action, const UnitAddress& unit,
                  const std::string& result, const UnitStatus& status);

Error lost_bus(int code);

}  // namespace rolesync::systemd
