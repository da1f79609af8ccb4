// SPDX-License-Identifier: Apache-2.0
#include "server/source/updates.hpp"

#include <algorithm>

#include "host/activation/manifest_delta.hpp"
#include "host/activation/pack.hpp"

namespace rolesync::source {
namespace {

// Their verified bytes, one after the other; nothing when one of them is not as it should be.
std::optional<std::string> bytes_of(const BlobCache& cache,
                                    const std::vector<const ManifestEntry*>& entries) {
  std::string bytes;
  for (const ManifestEntry* entry : entries) {
    const auto blob = cache.read_blob(entry->blob_id);
    if (!blob) return std::nullopt;
    bytes += *blob;
  }
  return bytes;
}

std::string pack_between(const BlobCache& cache, const PackPlan& plan) {
  const auto bases = bytes_of(cache, plan.bases);
  const auto blobs = bytes_of(cache, plan.blobs);
  if (!bases || !blobs) return "";
  const auto pack = make_pack(*bases, *blobs);
  return pack ? *pack : "";
}

}  // namespace

Result<Updates::Text> Updates::get(const Wish& wish, const MayPack& may_pack) {
  const std::string key = wish.from + " " + wish.to + " " + wish.terms;
  std::promise<Result<Text>> promise;
  std::shared_future<Result<Text>> text;
  {
    const std::lock_guard lock(mutex_);
    const auto place = std::find_if(places_.begin(), places_.end(),
                                    [&](const Place& each) { return each.key == key; });
    if (place != places_.end()) {
      text = place->text;
    } else {
      places_.push_front({key, promise.get_future().share()});
      if (places_.size() > kept_) places_.pop_back();
    }
  }
  if (text.valid()) return text.get();
  Result<Text> made = make(wish, may_pack);
  promise.set_value(made);
  if (!made) forget(key);
  return made;
}

void Updates::forget(const std::string& key) {
  const std::lock_guard lock(mutex_);
  places_.remove_if([&](const Place& each) { return each.key == key; });
}

Result<Updates::Text> Updates::make(const Wish& wish, const MayPack& may_pack) const {
  const auto from = cache_.manifest(wish.from);
  if (!from) return from.error();
  const auto to = cache_.manifest(wish.to);
  if (!to) return to.error();
  const PackPlan plan = plan_pack(*from, *to);
  const bool packed = plan.fits() && may_pack(plan.blobs.size(), plan.blob_bytes);
  const std::string pack = packed ? pack_between(cache_, plan) : "";
  return std::make_shared<const std::string>(write_update({manifest_delta(*from, *to), pack}));
}

}  // namespace rolesync::source
