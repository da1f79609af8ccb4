// SPDX-License-Identifier: Apache-2.0
#include "server/http/served_certificate.hpp"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include "server/http/certificates.hpp"

namespace rolesync::http {
namespace {

// Changes when the file is written or replaced.
std::string stamp_of(const std::filesystem::path& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return "none";
  std::string stamp;
  for (const long part : {static_cast<long>(info.st_ino), static_cast<long>(info.st_size),
                          info.st_mtim.tv_sec, info.st_mtim.tv_nsec}) {
    stamp += std::to_string(part) + " ";
  }
  return stamp;
}

Result<ServedCertificate::State> state_of(const ServedCertificate::Files& files) {
  const auto fingerprint = certificate_fingerprint(files.certificate);
  if (!fingerprint) return fingerprint.error();
  const auto expires_at = certificate_expires_at(files.certificate);
  if (!expires_at) return expires_at.error();
  return ServedCertificate::State{*fingerprint, *expires_at, ""};
}

}  // namespace

Result<std::unique_ptr<ServedCertificate>> ServedCertificate::open(Files files) {
  std::unique_ptr<ServedCertificate> served(new ServedCertificate(std::move(files)));
  served->tried_ = served->look();
  auto state = state_of(served->files_);
  if (!state) return state.error();
  served->state_ = std::move(*state);
  return served;
}

ServedCertificate::~ServedCertificate() {
  stop();
}

void ServedCertificate::follow(Use use, std::chrono::milliseconds every) {
  use_ = std::move(use);
  thread_ = std::thread([this, every] { run(every); });
}

void ServedCertificate::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Status ServedCertificate::reload() {
  if (!use_) return {};
  const std::lock_guard one(reloading_);
  const std::string seen = look();
  auto state = state_of(files_);
  Status used = state ? use_(files_) : Status{state.error()};
  const std::lock_guard lock(mutex_);
  tried_ = seen;
  if (!used) {
    state_.problem = used.error().message;
    spdlog::error("event=certificate_kept message=\"{}; the one before stays in use\"",
                  used.error().message);
    return used;
  }
  const bool same = state->fingerprint == state_.fingerprint;
  state_ = std::move(*state);
  if (!same) spdlog::info("event=certificate_replaced sha256={}", state_.fingerprint);
  return {};
}

ServedCertificate::State ServedCertificate::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

std::string ServedCertificate::look() const {
  return stamp_of(files_.certificate) + stamp_of(files_.key);
}

// Certificate and key are two files: they are tried when both have not changed between two looks.
void ServedCertificate::run(std::chrono::milliseconds every) {
  std::string before = look();
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, every, [this] { return stopping_; })) {
    const std::string tried = tried_;
    lock.unlock();
    const std::string now = look();
    if (now == before && now != tried) (void)reload();
    before = now;
    lock.lock();
  }
}

}  // namespace rolesync::http
