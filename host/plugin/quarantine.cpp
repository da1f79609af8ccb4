// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/quarantine.hpp"

namespace rolesync::plugin {

bool Quarantine::record_fault(const std::string& sha256, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  Record& record = records_[sha256];
  record.faults.push_back(now);
  while (record.faults.front() + window < now) record.faults.pop_front();
  if (record.held || record.faults.size() < faults_allowed) return false;
  record.held = true;
  return true;
}

bool Quarantine::holds(const std::string& sha256) const {
  const std::lock_guard lock(mutex_);
  const auto record = records_.find(sha256);
  return record != records_.end() && record->second.held;
}

}  // namespace rolesync::plugin
