// SPDX-License-Identifier: Apache-2.0
// Keeps the beginning and the end of a child's output when it is larger than allowed: the cause of
// a failure stands in one of the two. One thread.
#pragma once
#include <algorithm>
#include <string>
#include <string_view>

namespace rolesync::process {

class BoundedOutput {
 public:
  explicit BoundedOutput(std::size_t cap) : half_(std::max<std::size_t>(cap / 2, 1)) {}

  void add(std::string_view bytes) {
    total_ += bytes.size();
    const std::size_t room = std::min(bytes.size(), half_ - head_.size());
    head_.append(bytes.substr(0, room));
    tail_.append(bytes.substr(room));
    if (tail_.size() > 4 * half_) tail_.erase(0, tail_.size() - half_);
  }

  std::string text() const {
    if (tail_.size() + head_.size() == total_ && tail_.size() <= half_) return head_ + tail_;
    const std::size_t kept = std::min(tail_.size(), half_);
    const std::size_t missing = total_ - head_.size() - kept;
    return head_ + "\n[... " + std::to_string(missing) + " bytes left out ...]\n" +
           tail_.substr(tail_.size() - kept);
  }

 private:
  std::size_t half_;
  std::size_t total_ = 0;
  std::string head_, tail_;
};

}  // namespace rolesync::process
