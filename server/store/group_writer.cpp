// SPDX-License-Identifier: Apache-2.0
#include "server/store/group_writer.hpp"

#include <exception>

#include "server/store/transaction.hpp"

namespace rolesync::store {

GroupWriter::GroupWriter(std::unique_ptr<Session> session, std::string begin, std::size_t max_group)
    : session_(std::move(session)),
      begin_(std::move(begin)),
      max_group_(max_group),
      thread_([this] { loop(); }) {}

GroupWriter::~GroupWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_one();
  thread_.join();
}

Status GroupWriter::run(const Work& work) {
  if (std::this_thread::get_id() == thread_.get_id()) {
    return Error{ErrorKind::failed, "nested_write", "a change called write() for another change",
                 "use the session that was handed in"};
  }
  Waiting waiting{work, {}, false, {}};
  std::unique_lock lock(mutex_);
  queue_.push_back(&waiting);
  arrived_.notify_one();
  waiting.wake.wait(lock, [&] { return waiting.answered; });
  return std::move(waiting.answer);
}

void GroupWriter::loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    arrived_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    std::vector<Waiting*> group;
    while (!queue_.empty() && group.size() < max_group_) {
      group.push_back(queue_.front());
      queue_.pop_front();
    }
    lock.unlock();
    run_group(group);
    lock.lock();
    for (Waiting* waiting : group) {  // under the lock: `waiting` is gone once its caller wakes
      waiting->answered = true;
      waiting->wake.notify_one();
    }
  }
}

void GroupWriter::run_group(const std::vector<Waiting*>& group) {
  const Status committed = run_all(group);
  if (committed.ok()) return;
  for (Waiting* waiting : group) {
    if (waiting->answer.ok()) waiting->answer = committed;
  }
}

Status GroupWriter::run_all(const std::vector<Waiting*>& group) {
  auto transaction = Transaction::begin(*session_, begin_);
  if (!transaction) return transaction.error();
  for (Waiting* waiting : group) {
    if (Status intact = run_one(*waiting); !intact.ok()) return intact;
  }
  if (Status done = transaction->commit(); !done.ok()) return done;
  ++commits_;
  return {};
}

// An error of the change itself is its answer; what is returned here spoils the whole transaction.
Status GroupWriter::run_one(Waiting& waiting) {
  ++writes_;
  if (const auto set = session_->execute("SAVEPOINT one_change"); !set) return set.error();
  try {
    waiting.answer = waiting.work(*session_);
  } catch (const std::exception& e) {
    waiting.answer = Error{ErrorKind::failed, "store_failed",
                           std::string("a change ended with an exception: ") + e.what()};
  }
  if (!waiting.answer.ok()) {
    const auto undone = session_->execute("ROLLBACK TO SAVEPOINT one_change");
    if (!undone) return undone.error();
  }
  return status_of(session_->execute("RELEASE SAVEPOINT one_change"));
}

}  // namespace rolesync::store
