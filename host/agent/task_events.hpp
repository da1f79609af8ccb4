// SPDX-License-Identifier: Apache-2.0
// Tells the server how a task goes: numbers its events, keeps the number in the task's record, and
// puts them into the queue. One thread per task.
#pragma once
#include <string>
#include <vector>

#include "host/activation/installation.hpp"
#include "host/agent/event_queue.hpp"
#include "host/agent/task.hpp"
#include "host/services/clock.hpp"

namespace rolesync::agent {

struct TaskEvent {
  std::string state, step, reason, message, output;
  bool restart_pending = false;
  const Release* release = nullptr;  // what is on the disk now
  Millis verified_at = 0;
  std::vector<SavedFile> saved;
};

class TaskEvents {
 public:
  TaskEvents(EventQueue& queue, Clock& clock) : queue_(queue), clock_(clock) {}

  void progress(TaskRecord& record, const TaskEvent& event);
  // On true it will be told whatever happens to us. Waits for a full disk; false when we are ended
  // meanwhile: then the task's record must stay, for the next start to come to this end again.
  bool result(TaskRecord& record, const TaskEvent& event);
  // For an order that we have no record of.
  void refuse(const std::string& task_id, std::uint64_t fence, const Error& error);

 private:
  std::string text(const std::string& task_id, std::uint64_t fence, std::uint64_t sequence,
                   const TaskEvent& event);
  EventQueue& queue_;
  Clock& clock_;
};

}  // namespace rolesync::agent
