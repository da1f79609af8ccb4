// SPDX-License-Identifier: Apache-2.0
#include "host/values/packed_text.hpp"

#include <zstd.h>

#include <memory>
#include <stdexcept>

namespace rolesync {
namespace {

constexpr int kLevel = 3;
constexpr std::size_t kWorthIt = 200;

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* context) const {
    Free(context);
  }
};

}  // namespace

PackedText::PackedText(std::string_view text) : packed_(text) {
  if (text.size() < kWorthIt) return;
  thread_local const std::unique_ptr<ZSTD_CCtx, Freed<ZSTD_freeCCtx>> context(ZSTD_createCCtx());
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  const std::size_t size = ZSTD_compressCCtx(context.get(), packed.data(), packed.size(),
                                             text.data(), text.size(), kLevel);
  if (ZSTD_isError(size) || size >= text.size()) return;
  packed_.assign(packed, 0, size);
  packed_.shrink_to_fit();
  plain_ = false;
}

std::string PackedText::text() const {
  if (plain_) return packed_;
  const auto size = ZSTD_getFrameContentSize(packed_.data(), packed_.size());
  std::string text(static_cast<std::size_t>(size), '\0');
  // Making one takes longer than unpacking a report.
  thread_local const std::unique_ptr<ZSTD_DCtx, Freed<ZSTD_freeDCtx>> context(ZSTD_createDCtx());
  const std::size_t read =
      ZSTD_decompressDCtx(context.get(), text.data(), text.size(), packed_.data(), packed_.size());
  // It was made by us, in this process.
  if (ZSTD_isError(read) || read != text.size()) throw std::logic_error("a packed text is damaged");
  return text;
}

}  // namespace rolesync
