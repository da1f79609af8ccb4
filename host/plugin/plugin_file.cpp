// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/plugin_file.hpp"

#include <sys/stat.h>

#include <mutex>

#include "host/plugin/instance.hpp"
#include "host/plugin/library.hpp"
#include "host/values/hash.hpp"

namespace rolesync::plugin {
namespace {

namespace fs = std::filesystem;

// A refused content is tried again after this: the machine may just have been very busy.
constexpr std::chrono::minutes refusal_lifetime{1};

// Loaded when it is first called; a child has loaded it already, to try it. Of most plugins a
// process needs the description only: an agent never calls a role.
class LateLibrary {
 public:
  explicit LateLibrary(std::shared_ptr<const PrivateCopy> copy) : copy_(std::move(copy)) {}

  Result<std::shared_ptr<const rs_plugin>> get() {
    const std::lock_guard lock(mutex_);
    if (library_) return library_;
    auto loaded = load_library(copy_->path());
    if (loaded) library_ = *loaded;
    return loaded;
  }

 private:
  const std::shared_ptr<const PrivateCopy> copy_;
  std::mutex mutex_;
  std::shared_ptr<const rs_plugin> library_;
};

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

FileSignature signature_of(const fs::path& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return {};
  return {found.st_dev, found.st_ino, static_cast<std::uint64_t>(found.st_size),
          nanoseconds(found.st_mtim), nanoseconds(found.st_ctim)};
}

Loader::Loader(const RegistryOptions& options)
    : private_directory_(options.private_directory),
      plugin_host_program_(options.plugin_host_program),
      policy_(options.policy),
      directory_status_(prepare_private_directory(private_directory_)) {}

std::shared_ptr<PluginFile> Loader::load(const fs::path& path, bool isolated) {
  auto file = std::make_shared<PluginFile>();
  file->path = path;
  file->isolated = isolated;
  file->signature = signature_of(path);
  if (Status status = examine(*file); !status) file->error = status.error();
  return file;
}

Status Loader::examine(PluginFile& file) {
  if (!directory_status_) return directory_status_;
  Result<std::string> bytes = read_trusted_file(file.path);
  if (!bytes) return bytes.error();
  if (Status status = check_elf(*bytes); !status) return status;
  file.sha256 = sha256_hex(*bytes);
  if (Status allowed = check_allowed(file.sha256); !allowed) return allowed;
  auto copy = private_copy(file.sha256, *bytes);
  if (!copy) return copy.error();
  file.copy = *copy;
  const Result<Probed> seen = probed(file.sha256, file.copy->path());
  if (!seen) return seen.error();
  file.abi = seen->abi;
  Result<Descriptor> descriptor = parse_descriptor(seen->descriptor);
  if (!descriptor) return descriptor.error();
  file.descriptor = std::move(*descriptor);
  if (!file.isolated && !seen->objection.empty()) {
    return Error{ErrorKind::invalid, seen->objection,
                 seen->objection_text + ", which would harm this process",
                 "let it run isolated: plugins.modes in the config"};
  }
  return make_providers(file);
}

Status Loader::check_allowed(const std::string& sha256) const {
  if (!policy_.allowed_sha256 || policy_.allowed_sha256->count(sha256)) return {};
  return Error{ErrorKind::denied, "not_in_allow_list",
               "only contents of plugins.allowed_sha256 are loaded, and " + sha256 + " is none",
               "add the hash to the config if you trust this file"};
}

Status Loader::make_providers(PluginFile& file) const {
  std::function<Provider::Factory(const Provided&)> factory;
  if (file.isolated) {
    // The factory keeps the copy: a child may be started after the file was replaced.
    factory = [program = ChildProgram{plugin_host_program_, policy_.child},
               held = file.copy](const Provided& provided) -> Provider::Factory {
      return [program, held, provided]() -> Result<std::unique_ptr<Instance>> {
        return make_child_instance(program, held->path(), provided);
      };
    };
  } else {
    factory = [library = std::make_shared<LateLibrary>(file.copy)](
                  const Provided& provided) -> Provider::Factory {
      return [library, provided]() -> Result<std::unique_ptr<Instance>> {
        const auto loaded = library->get();
        if (!loaded) return loaded.error();
        return make_inline_instance(*loaded, provided);
      };
    };
  }
  for (const Provided& provided : file.descriptor.provides) {
    file.providers.push_back(std::make_shared<Provider>(provided, factory(provided)));
  }
  return {};
}

Result<std::shared_ptr<const PrivateCopy>> Loader::private_copy(const std::string& sha256,
                                                                std::string_view bytes) {
  if (const auto known = copies_.find(sha256); known != copies_.end()) return known->second;
  auto made = PrivateCopy::make(private_directory_, sha256, bytes);
  if (made) copies_[sha256] = *made;
  return made;
}

void Loader::forget_unused() {
  std::erase_if(copies_, [&](const auto& entry) {
    const bool unused = entry.second.use_count() == 1;
    if (unused) probes_.erase(entry.first);
    return unused;
  });
}

Result<Probed> Loader::probed(const std::string& sha256, const fs::path& copy) {
  const auto now = std::chrono::steady_clock::now();
  const auto known = probes_.find(sha256);
  if (known != probes_.end()) {
    const bool fresh = known->second.outcome || now - known->second.at < refusal_lifetime;
    if (fresh) return known->second.outcome;
    probes_.erase(known);
  }
  Result<Probed> outcome = probe(plugin_host_program_, copy);
  const bool about_the_file = outcome || outcome.error().reason != "plugin_host_missing";
  if (about_the_file) probes_.emplace(sha256, Known{outcome, now});
  return outcome;
}

}  // namespace rolesync::plugin
