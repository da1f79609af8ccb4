// SPDX-License-Identifier: Apache-2.0
#include "host/cli/plugin/transfer.hpp"

#include <sys/socket.h>

#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>
#include <vector>

#include "host/stream/channel_stream.hpp"
#include "host/values/file_text.hpp"
#include "host/values/hash.hpp"

namespace rolesync::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t most_bytes = 1 << 30;
constexpr const char* offer_id = "offer-1";

std::string bytes_of(const fs::path& path) {
  return file_text(path).value_or("");
}

// What a server makes of the wanted contents: one file per blob, named by its id.
struct Offer {
  fs::path directory;
  std::set<std::string> blobs;
  std::uint64_t bytes = 0;
};

Result<Offer> make_offer(const fs::path& source, const fs::path& directory) {
  std::error_code error;
  if (!fs::is_directory(source, error))
    return Error{ErrorKind::not_found, "directory_missing",
                 "there is no directory " + source.string(), "give one with some files"};
  fs::create_directories(directory, error);
  Offer offer{directory, {}, 0};
  for (const auto& entry : fs::recursive_directory_iterator(
           source, fs::directory_options::skip_permission_denied, error)) {
    if (!entry.is_regular_file(error) || entry.is_symlink(error)) continue;
    const std::string bytes = bytes_of(entry.path());
    if (offer.bytes + bytes.size() > most_bytes)
      return Error{ErrorKind::too_large, "directory_too_large",
                   source.string() + " holds more than 1 GiB", "try with less"};
    const std::string id = git_blob_id(bytes);
    if (!offer.blobs.insert(id).second) continue;
    offer.bytes += bytes.size();
    std::ofstream(directory / id, std::ios::binary) << bytes;
  }
  return offer;
}

// The server: serves every stream that the node opens, each in a thread.
class Serving {
 public:
  Serving(LocalCalls& calls, const Offer& offer) : calls_(calls), offer_(offer) {}
  ~Serving() { finish(); }

  Result<std::unique_ptr<Stream>> open(const std::string& id) {
    if (id != offer_id)
      return Error{ErrorKind::not_found, "offer_unknown", "there is no offer " + id, ""};
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      return Error{ErrorKind::failed, "stream_lost", "no socket pair", ""};
    const std::lock_guard lock(mutex_);
    threads_.emplace_back([this, fd = ends[0]] { serve(fd); });
    return make_stream(Channel::plain(ends[1]), "");
  }

  // "ok", or what the last failure was.
  std::string finish() {
    for (std::thread& thread : threads_)
      if (thread.joinable()) thread.join();
    return failure_.empty() ? "ok" : failure_;
  }

 private:
  void serve(int fd) {
    StreamTable table;
    const std::string stream = table.add(make_stream(Channel::plain(fd), ""));
    const auto served = calls_.call(
        "serve",
        {{"offer_id", offer_id}, {"directory", offer_.directory.string()}, {"stream", stream}}, "/",
        {&table, {}});
    if (served) return;
    const std::lock_guard lock(mutex_);
    failure_ = served.error().reason + ": " + served.error().message;
  }

  LocalCalls& calls_;
  const Offer& offer_;
  std::mutex mutex_;
  std::vector<std::thread> threads_;
  std::string failure_;
};

Status prove(const Offer& offer, const fs::path& staging) {
  for (const std::string& blob : offer.blobs) {
    std::error_code error;
    if (!fs::exists(staging / blob, error))
      return Error{ErrorKind::failed, "blob_missing",
                   "fetch succeeded, but blob " + blob + " is not in " + staging.string(),
                   "after fetch the staging directory holds one file per blob id"};
    if (git_blob_id(bytes_of(staging / blob)) != blob)
      return Error{ErrorKind::failed, "blob_differs",
                   "blob " + blob + " arrived with other bytes than were offered", ""};
  }
  return {};
}

}  // namespace

Result<Json> run_transfer(LocalCalls& calls, const fs::path& directory, const fs::path& staging) {
  std::error_code error;
  fs::create_directories(staging, error);
  if (error || !fs::is_empty(staging, error))
    return Error{ErrorKind::conflict, "staging_not_empty",
                 staging.string() + " is not an empty directory", "name a new one"};
  auto offer = make_offer(directory, calls.scratch() / "offer");
  if (!offer) return offer.error();
  auto said = calls.call("offer", {{"content_id", "rs1:" + std::string(64, '0')},
                                   {"files", offer->blobs.size()},
                                   {"bytes", offer->bytes}});
  if (!said) return said.error();

  std::string names;
  for (const std::string& blob : offer->blobs) names += blob + '\0';
  const fs::path list = calls.scratch() / "wanted";
  std::ofstream(list, std::ios::binary) << names;

  Serving serving(calls, *offer);
  StreamTable table;
  const Json request = {{"offer", *said},
                        {"offer_id", offer_id},
                        {"staging", fs::absolute(staging).string()},
                        {"basis", ""},
                        {"list_file", list.string()},
                        {"files", offer->blobs.size()},
                        {"bytes", offer->bytes}};
  auto answer = calls.call("fetch", request, fs::absolute(staging).string(),
                           {&table, [&](const std::string& id) { return serving.open(id); }});
  if (!answer) {
    Error failed = answer.error();
    if (const auto other = serving.finish(); other != "ok")
      failed.message += "; the serving half: " + other;
    return failed;
  }
  const std::string served = serving.finish();
  if (Status proven = prove(*offer, staging); !proven) return proven.error();
  return Json{
      {"offer", *said},        {"answer", *answer},           {"files", offer->blobs.size()},
      {"bytes", offer->bytes}, {"staging", staging.string()}, {"serving", served}};
}

}  // namespace rolesync::cli
