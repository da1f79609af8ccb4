// SPDX-License-Identifier: Apache-2.0
// A text that is kept for long and read seldom, compressed (zstd): a report of JSON takes a tenth.
// Immutable; any thread.
#pragma once
#include <string>
#include <string_view>

namespace rolesync {

class PackedText {
 public:
  PackedText() = default;
  explicit PackedText(std::string_view text);
  std::string text() const;
  std::size_t bytes() const { return packed_.size(); }  // what is kept

 private:
  std::string packed_;
  bool plain_ = true;  // it would not get smaller
};

}  // namespace rolesync
