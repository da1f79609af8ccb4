// SPDX-License-Identifier: Apache-2.0
#include "server/source/offers.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <unordered_map>

#include "host/values/hash.hpp"
#include "server/source/durable_file.hpp"

namespace rolesync::source {

namespace fs = std::filesystem;

struct Offers::Shelf {
  Shelf(fs::path where, BlobCache& from) : directory(std::move(where)), cache(from) {}
  const fs::path directory;
  BlobCache& cache;
  std::mutex mutex;
  std::condition_variable made;
  struct Place {
    std::weak_ptr<const Held> offer;
    bool being_made = false;
  };
  std::map<std::string, Place> places;
  std::uint64_t counter = 0;  // a new directory each time: the old one may still be being removed
};

struct Offers::Held : Offer {
  Held(std::shared_ptr<Shelf> on, BlobCache::Lease kept)
      : shelf(std::move(on)), lease(std::move(kept)) {}
  ~Held() {
    std::error_code problem;
    fs::remove_all(directory, problem);
    const std::lock_guard lock(shelf->mutex);
    const auto place = shelf->places.find(id);
    if (place != shelf->places.end() && !place->second.being_made &&
        place->second.offer.expired()) {
      shelf->places.erase(place);
    }
  }
  const std::shared_ptr<Shelf> shelf;
  const BlobCache::Lease lease;
};

namespace {

std::string offer_id(const std::string& content_id, const std::vector<std::string>& wanted) {
  std::string text = content_id + "\n";
  for (const std::string& id : wanted) text += id + "\n";
  return sha256_hex(text);
}

}  // namespace

Result<std::unique_ptr<Offers>> Offers::open(const fs::path& directory, BlobCache& cache) {
  std::error_code problem;
  fs::create_directories(directory, problem);
  if (problem) return file_error("make", directory, problem.value());
  for (const auto& entry : fs::directory_iterator(directory, problem)) {
    std::error_code ignored;
    fs::remove_all(entry.path(), ignored);
  }
  auto offers = std::unique_ptr<Offers>(new Offers);
  offers->shelf_ = std::make_shared<Shelf>(fs::absolute(directory), cache);
  return offers;
}

Result<std::shared_ptr<const Offer>> Offers::make(const std::string& content_id,
                                                  std::vector<std::string> wanted) {
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  const std::string id = offer_id(content_id, wanted);
  std::unique_lock lock(shelf_->mutex);
  while (true) {
    auto& place = shelf_->places[id];
    if (auto held = place.offer.lock()) return std::shared_ptr<const Offer>(std::move(held));
    if (!place.being_made) {
      place.being_made = true;
      break;
    }
    shelf_->made.wait(lock);
  }
  const fs::path directory = shelf_->directory / (id + "-" + std::to_string(++shelf_->counter));
  lock.unlock();
  auto filled = fill(id, content_id, wanted, directory);
  lock.lock();
  auto& place = shelf_->places[id];
  place.being_made = false;
  if (filled) place.offer = *filled;
  shelf_->made.notify_all();
  if (!filled) {
    shelf_->places.erase(id);
    return filled.error();
  }
  return std::shared_ptr<const Offer>(std::move(*filled));
}

Result<std::shared_ptr<const Offers::Held>> Offers::fill(const std::string& id,
                                                         const std::string& content_id,
                                                         const std::vector<std::string>& wanted,
                                                         const fs::path& directory) {
  BlobCache& cache = shelf_->cache;
  auto held = std::make_shared<Held>(shelf_, cache.lease(content_id));
  held->content_id = content_id;
  held->directory = directory;  // removed with it, whatever happens below
  const auto manifest = cache.manifest(content_id);
  if (!manifest) return manifest.error();
  std::unordered_map<std::string_view, std::uint64_t> sizes;
  for (const ManifestEntry& entry : manifest->entries()) sizes[entry.blob_id] = entry.size;
  if (::mkdir(directory.c_str(), 0700) != 0) return file_error("make", directory, errno);
  for (const std::string& blob : wanted) {
    const auto size = sizes.find(blob);
    if (size == sizes.end()) {
      return Error{ErrorKind::invalid, "blob_not_in_content",
                   "blob " + blob.substr(0, 64) + " does not belong to content " + content_id};
    }
    if (const Status intact = cache.verify_blob(blob, size->second); !intact) {
      return intact.error();
    }
    const fs::path link = directory / blob;
    if (::link(cache.blob_path(blob).c_str(), link.c_str()) != 0) {
      return file_error("link", link, errno);
    }
    ++held->files;
    held->bytes += size->second;
  }
  held->id = id;
  return std::shared_ptr<const Held>(std::move(held));
}

std::shared_ptr<const Offer> Offers::find(const std::string& offer_id) const {
  const std::lock_guard lock(shelf_->mutex);
  const auto place = shelf_->places.find(offer_id);
  return place == shelf_->places.end() ? nullptr : place->second.offer.lock();
}

}  // namespace rolesync::source
