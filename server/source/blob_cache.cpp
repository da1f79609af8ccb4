// SPDX-License-Identifier: Apache-2.0
// Adding and reading; removing is in blob_collect.cpp.
#include "server/source/blob_cache.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>

#include "host/values/file_text.hpp"
#include "host/values/hash.hpp"
#include "server/source/durable_file.hpp"

namespace rolesync::source {
namespace {

namespace fs = std::filesystem;

// More than this are made durable by one syncfs instead of an fsync each.
constexpr std::size_t many_files = 16;

Error corrupt(const std::string& id, const std::string& where) {
  return {ErrorKind::failed, "blob_corrupt", "blob " + id + " has other bytes " + where,
          "pull the code source again; check the disk of the server if this repeats"};
}

// The files of one import on their way from git into the cache.
class Incoming {
 public:
  explicit Incoming(fs::path directory) : directory_(std::move(directory)) {}

  Status begin(const std::string& id, std::uint64_t size, const ManifestEntry& entry) {
    if (size != entry.size) return corrupt(id, "in the mirror than its size says");
    auto file = DurableFile::create(directory_);
    if (!file) return file.error();
    hasher_ = Hasher::git_blob(size);
    files_.emplace_back(id, std::move(*file));
    return {};
  }
  Status add(std::string_view bytes) {
    hasher_.update(bytes);
    return files_.back().second.write(bytes);
  }
  Status end(bool sync_now) {
    auto& [id, file] = files_.back();
    if (hasher_.hex() != id) return corrupt(id, "in the mirror");
    if (sync_now) {
      if (Status synced = file.sync(); !synced) return synced;
    }
    file.close();
    return {};
  }
  // Gives all files their names; the names are durable when this returns.
  Status name_all(const BlobCache& cache) {
    std::set<fs::path> directories;
    for (auto& [id, file] : files_) {
      const fs::path path = cache.blob_path(id);
      std::error_code problem;
      if (fs::create_directory(path.parent_path(), problem)) directories.insert(directory_);
      if (Status named = file.name(path); !named) return named;
      directories.insert(path.parent_path());
    }
    if (directories.size() > many_files) return sync_everything(directory_);
    for (const fs::path& directory : directories) {
      if (Status synced = sync_directory(directory); !synced) return synced;
    }
    return {};
  }

 private:
  fs::path directory_;
  Hasher hasher_ = Hasher::git_blob(0);
  std::vector<std::pair<std::string, DurableFile>> files_;
};

}  // namespace

Result<std::unique_ptr<BlobCache>> BlobCache::open(const fs::path& directory) {
  std::error_code problem;
  for (const char* part : {"blobs", "manifests"}) {
    fs::create_directories(directory / part, problem);
    if (problem) return file_error("make", directory / part, problem.value());
  }
  fs::permissions(directory, fs::perms::owner_all, problem);
  return std::unique_ptr<BlobCache>(new BlobCache(fs::absolute(directory)));
}

fs::path BlobCache::blob_path(const std::string& blob_id) const {
  return directory_ / "blobs" / blob_id.substr(0, 2) / blob_id.substr(2);
}

fs::path BlobCache::manifest_path(const std::string& content_id) const {
  return directory_ / "manifests" / content_id;
}

bool BlobCache::has_blob(const std::string& blob_id) const {
  return is_blob_id(blob_id) && ::access(blob_path(blob_id).c_str(), F_OK) == 0;
}

Status BlobCache::import(const Manifest& manifest, const Mirror& mirror) {
  const std::shared_lock lock(contents_);
  std::vector<const ManifestEntry*> missing;
  std::set<std::string_view> seen;
  for (const ManifestEntry& entry : manifest.entries()) {
    if (seen.insert(entry.blob_id).second && !has_blob(entry.blob_id)) missing.push_back(&entry);
  }
  if (Status imported = import_blobs(missing, mirror); !imported) return imported;
  return keep_manifest(manifest);
}

Status BlobCache::import_blobs(const std::vector<const ManifestEntry*>& missing,
                               const Mirror& mirror) {
  if (missing.empty()) return {};
  std::vector<std::string> ids;
  ids.reserve(missing.size());
  for (const ManifestEntry* entry : missing) ids.push_back(entry->blob_id);
  const bool sync_each = missing.size() <= many_files;
  Incoming incoming(directory_ / "blobs");
  std::size_t at = 0;
  Status read = mirror.read_blobs(
      ids, {.begin = [&](const std::string& id,
                         std::uint64_t size) { return incoming.begin(id, size, *missing[at++]); },
            .chunk = [&](std::string_view bytes) { return incoming.add(bytes); },
            .end = [&] { return incoming.end(sync_each); }});
  if (!read) return read;
  if (!sync_each) {
    if (Status synced = sync_everything(directory_); !synced) return synced;
  }
  return incoming.name_all(*this);
}

// One that is here already is only marked as used now, for collect().
Status BlobCache::keep_manifest(const Manifest& manifest) {
  const fs::path path = manifest_path(manifest.content_id());
  if (::utimensat(AT_FDCWD, path.c_str(), nullptr, 0) == 0) return {};
  auto file = DurableFile::create(path.parent_path());
  if (!file) return file.error();
  if (Status written = file->write(manifest.to_text()); !written) return written;
  if (Status synced = file->sync(); !synced) return synced;
  if (Status named = file->name(path); !named) return named;
  return sync_directory(path.parent_path());
}

Result<Manifest> BlobCache::manifest(const std::string& content_id) const {
  const Error unknown{ErrorKind::not_found, "unknown_content",
                      "the cache has no content " + content_id, "pull the code source again"};
  if (!content_id.starts_with("rs1:") || content_id.find('/') != std::string::npos) return unknown;
  const auto text = file_text(manifest_path(content_id));
  if (!text) return unknown;
  auto manifest = Manifest::parse(*text);
  if (!manifest || manifest->content_id() != content_id) {
    return Error{ErrorKind::failed, "manifest_corrupt",
                 "the cached manifest of " + content_id + " does not match its id",
                 "remove " + manifest_path(content_id).string() + " and pull again"};
  }
  return manifest;
}

Status BlobCache::verify_blob(const std::string& blob_id, std::uint64_t size) {
  const fs::path path = blob_path(blob_id);
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0) {
    return Error{ErrorKind::not_found, "blob_missing", "the cache has no blob " + blob_id,
                 "pull the code source again"};
  }
  Hasher hasher = Hasher::git_blob(size);
  char bytes[64 << 10];
  ssize_t got;
  while ((got = ::read(descriptor, bytes, sizeof bytes)) > 0) {
    hasher.update({bytes, static_cast<std::size_t>(got)});
  }
  const int problem = got < 0 ? errno : 0;
  ::close(descriptor);
  if (problem == 0 && hasher.hex() == blob_id) return {};
  ::unlink(path.c_str());
  return problem ? file_error("read", path, problem) : corrupt(blob_id, "in the cache");
}

Result<std::string> BlobCache::read_blob(const std::string& blob_id) const {
  auto bytes = file_text(blob_path(blob_id));
  if (!bytes) {
    return Error{ErrorKind::not_found, "blob_missing", "the cache has no blob " + blob_id,
                 "pull the code source again"};
  }
  if (git_blob_id(*bytes) != blob_id) return corrupt(blob_id, "in the cache");
  return std::move(*bytes);
}

BlobCache::Lease::Lease(BlobCache& cache, std::string content_id)
    : cache_(&cache), content_id_(std::move(content_id)) {
  const std::lock_guard lock(cache_->leases_mutex_);
  cache_->leases_.insert(content_id_);
}

BlobCache::Lease::Lease(Lease&& other) noexcept
    : cache_(std::exchange(other.cache_, nullptr)), content_id_(std::move(other.content_id_)) {}

BlobCache::Lease::~Lease() {
  if (!cache_) return;
  const std::lock_guard lock(cache_->leases_mutex_);
  cache_->leases_.erase(cache_->leases_.find(content_id_));
}

BlobCache::Lease BlobCache::lease(const std::string& content_id) {
  return Lease(*this, content_id);
}

bool BlobCache::is_leased(const std::string& content_id) {
  const std::lock_guard lock(leases_mutex_);
  return leases_.contains(content_id);
}

}  // namespace rolesync::source
