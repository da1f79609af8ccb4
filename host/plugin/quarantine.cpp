// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/quarantine.hpp"

namespace rolesync::plugin {

bool Quarantine::record_fault(const std::string& sha256, Fault fault, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  Record& record = records_[sha256];
  record.last = std::move(fault);
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

std::optional<Fault> Quarantine::last_fault(const std::string& sha256) const {
  const std::lock_guard lock(mutex_);
  const auto record = records_.find(sha256);
  return record == records_.end() ? std::nullopt : std::optional(record->second.last);
}

bool Quarantine::lift(const std::string& sha256) {
  const std::lock_guard lock(mutex_);
  const auto record = records_.find(sha256);
  if (record == records_.end() || !record->second.held) return false;
  records_.erase(record);
  return true;
}

}  // namespace rolesync::plugin
