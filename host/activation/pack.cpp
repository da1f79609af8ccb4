// SPDX-License-Identifier: Apache-2.0
#include "host/activation/pack.hpp"

#include <zstd.h>

#include <charconv>
#include <memory>
#include <unordered_set>

namespace rolesync {
namespace {

constexpr int kLevel = 6;
constexpr int kWindowLog = 23;  // bases and blobs at their limits, seen at once

template <auto Free>
struct Freed {
  void operator()(auto* context) const { Free(context); }
};
using Compressor = std::unique_ptr<ZSTD_CCtx, Freed<ZSTD_freeCCtx>>;
using Decompressor = std::unique_ptr<ZSTD_DCtx, Freed<ZSTD_freeDCtx>>;

Error invalid_pack(const std::string& what) {
  return {ErrorKind::invalid, "invalid_pack", "the pack " + what};
}

}  // namespace

PackPlan plan_pack(const Manifest& from, const Manifest& to) {
  PackPlan plan;
  std::unordered_set<std::string_view> known;
  for (const ManifestEntry& entry : from.entries()) known.insert(entry.blob_id);
  for (const ManifestChange& change : compare(from, to)) {
    if (!change.to || !known.insert(change.to->blob_id).second) continue;
    plan.blobs.push_back(change.to);
    plan.blob_bytes += change.to->size;
    if (!change.from || change.from->mode == FileMode::symlink) continue;
    plan.bases.push_back(change.from);
    plan.base_bytes += change.from->size;
  }
  return plan;
}

Result<std::string> make_pack(std::string_view bases, std::string_view blobs) {
  const Compressor context(ZSTD_createCCtx());
  std::string pack(ZSTD_compressBound(blobs.size()), '\0');
  std::size_t written = 0;
  if (context) {
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kLevel);
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_windowLog, kWindowLog);
    ZSTD_CCtx_refPrefix(context.get(), bases.data(), bases.size());
    written = ZSTD_compress2(context.get(), pack.data(), pack.size(), blobs.data(), blobs.size());
  }
  if (!context || ZSTD_isError(written)) {
    return Error{ErrorKind::failed, "pack_failed", "zstd could not compress a pack"};
  }
  pack.resize(written);
  return pack;
}

Result<std::string> open_pack(std::string_view bases, std::string_view pack, std::uint64_t bytes) {
  if (bytes > PackPlan::limit) return invalid_pack("is larger than packs may be");
  const Decompressor context(ZSTD_createDCtx());
  if (!context) return Error{ErrorKind::unavailable, "no_memory", "no memory to open a pack"};
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kWindowLog);
  ZSTD_DCtx_refPrefix(context.get(), bases.data(), bases.size());
  std::string blobs(bytes, '\0');
  const std::size_t got =
      ZSTD_decompressDCtx(context.get(), blobs.data(), blobs.size(), pack.data(), pack.size());
  if (ZSTD_isError(got)) {
    return invalid_pack(std::string("cannot be opened: ") + ZSTD_getErrorName(got));
  }
  if (got != bytes) return invalid_pack("holds fewer bytes than its blobs have");
  return blobs;
}

std::string write_update(const Update& update) {
  std::string text = std::to_string(update.delta.size()) + '\n';
  text += update.delta;
  text += update.pack;
  return text;
}

Result<Update> read_update(std::string_view text) {
  std::size_t length = 0;
  const char* const end = text.data() + text.size();
  const auto [after, problem] = std::from_chars(text.data(), end, length);
  const auto rest = static_cast<std::size_t>(end - after);
  if (problem != std::errc() || rest < 1 || *after != '\n' || length > rest - 1) {
    return Error{ErrorKind::invalid, "invalid_update", "the update does not begin as one"};
  }
  const std::string_view body(after + 1, rest - 1);
  return Update{body.substr(0, length), body.substr(length)};
}

}  // namespace rolesync
