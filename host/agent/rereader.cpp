// SPDX-License-Identifier: Apache-2.0
#include "host/agent/rereader.hpp"

#include <thread>

namespace rolesync::agent {
namespace {

// About a tenth of a second of hashing.
constexpr std::uint64_t kSlice = 32 << 20;
// Between two slices whoever waits for the installation gets it.
constexpr std::chrono::milliseconds kPause{5};

}  // namespace

Rereader::~Rereader() {
  cancelled_ = true;
  worker_.reset();
}

void Rereader::begin(const Role& role) {
  {
    const std::lock_guard lock(mutex_);
    const auto [end, fresh] = ends_.try_emplace(role.name);
    if (!fresh && !end->second) return;
    end->second.reset();
    if (!worker_) worker_ = std::make_unique<KeyedWorkers>("reread", 1);
  }
  worker_->add(role.name, [this, role] {
    Status end = read(role);
    if (cancelled_) return;
    {
      const std::lock_guard lock(mutex_);
      ends_[role.name] = std::move(end);
    }
    done_(role.name);
  });
}

std::optional<Status> Rereader::take(const std::string& role) {
  const std::lock_guard lock(mutex_);
  const auto found = ends_.find(role);
  if (found == ends_.end() || !found->second) return std::nullopt;
  std::optional<Status> end = std::move(found->second);
  ends_.erase(found);
  return end;
}

Status Rereader::read(const Role& role) const {
  std::string task;
  Millis activated_at = 0;
  for (std::size_t next = 0; !cancelled_; std::this_thread::sleep_for(kPause)) {
    Result<std::optional<Held>> held = installations_.hold_known(role);
    if (!held) return held.error();
    if (!*held || !(**held)->current()) return {};
    Installation& installation = ***held;
    const Release& release = *installation.current();
    if (release.task_id != task || release.activated_at != activated_at) {
      task = release.task_id, activated_at = release.activated_at;
      next = 0;  // another release: from the beginning
    }
    const Result<std::size_t> read = installation.reread(next, kSlice);
    if (!read) return read.error();
    next = *read;
    if (next >= installation.current()->manifest.entries().size()) return {};
  }
  return {};
}

}  // namespace rolesync::agent
