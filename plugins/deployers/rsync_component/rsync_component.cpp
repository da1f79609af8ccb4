// SPDX-License-Identifier: Apache-2.0
// Deployer: the real rsync over the agent's own connection. The server runs rsync's daemon half on
// the stream with a one-module, read-only config; the node pulls exactly the wanted blobs, using
// older versions of large files as basis. Names on both sides are blob ids, never users' names.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <rolesync/deployer.hpp>

namespace {

using rolesync::Code;
using rolesync::Error;
using rolesync::FetchRequest;
using rolesync::OfferRequest;
using rolesync::ProgramResult;
using rolesync::ServeRequest;
using rolesync::Values;

constexpr const char* module_name = "m";
constexpr int stall_seconds = 60;
constexpr int longest_transfer_seconds = 6 * 3600;  // the call's own limit usually ends it earlier
constexpr std::uint64_t worth_compressing_bytes = 4 << 10;

// In rsyncd.conf '%' expands, '#' and '\' have meanings, and blanks at the ends are lost.
bool is_plain_path(const std::string& path) {
  return path.size() > 1 && path.front() == '/' && path.back() != ' ' &&
         path.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
             "0123456789/._+@:=, -") == std::string::npos;
}

std::string daemon_config(const std::string& directory) {
  std::string config =
      "use chroot = no\n"
      "reverse lookup = no\n"
      "log file = /dev/null\n"
      "timeout = " +
      std::to_string(stall_seconds) + "\n";
  if (geteuid() == 0) config += "uid = 0\ngid = 0\n";  // else rsync changes to nobody
  return config + "[" + module_name + "]\n" + "path = " + directory + "\n" +
         "read only = yes\nlist = no\n";
}

std::vector<std::string> client_arguments(const FetchRequest& request) {
  std::vector<std::string> argv = {"rsync",     "-e",
                                   "@connect",  "--files-from=" + request.list_file,
                                   "--from0",   "--ignore-times",
                                   "--no-motd", "--timeout=" + std::to_string(stall_seconds)};
  if (!request.basis.empty()) argv.push_back("--copy-dest=" + request.basis);
  if (request.bytes >= worth_compressing_bytes) argv.push_back("--compress");
  argv.push_back("--");
  argv.push_back(std::string("node::") + module_name + "/");
  argv.push_back(request.staging + "/");
  return argv;
}

bool mentions(const ProgramResult& result, const char* text) {
  return result.errors.find(text) != std::string::npos;
}

// rsync's exit code alone does not name a cause: a cut connection ends in 12, 30 or 255.
[[noreturn]] void refuse(const ProgramResult& result) {
  const std::string what = "rsync: " + result.explain();
  if (mentions(result, "No space left on device") || mentions(result, "Disk quota exceeded")) {
    throw Error(Code::transient, "disk_full", what, "free space where the role's target is");
  }
  if (result.timed_out) throw Error(Code::transient, "transfer_timeout", what);
  if (mentions(result, "No such file or directory") || mentions(result, "vanished")) {
    throw Error(Code::failed, "blob_missing", what, "the offer does not hold every wanted blob");
  }
  if (mentions(result, "Permission denied")) throw Error(Code::failed, "permission_denied", what);
  switch (result.exit_code) {
    case -1:  // a signal
    case 5:
    case 10:
    case 12:
    case 20:
    case 30:
    case 35:
    case 255:
      throw Error(Code::transient, "transfer_interrupted", what);
    default:
      throw Error(Code::failed, "transfer_failed", what);
  }
}

bool is_blob_id(const std::string& id) {
  return (id.size() == 40 || id.size() == 64) &&
         id.find_first_not_of("0123456789abcdef") == std::string::npos;
}

std::vector<std::string> read_list(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::string> ids;
  for (std::string id; std::getline(file, id, '\0');) {
    if (!is_blob_id(id)) {
      throw Error(Code::invalid, "invalid_blob_id",
                  "the list of wanted files names \"" + id + "\"");
    }
    ids.push_back(id);
  }
  return ids;
}

// The node's rsync ends with 0 also when the server's could not send a file: it is told nothing.
void expect_complete(const std::vector<std::string>& ids, const std::string& staging) {
  const std::filesystem::path directory(staging);
  std::size_t missing = 0;
  for (const std::string& id : ids) {
    std::error_code error;
    missing += std::filesystem::exists(directory / id, error) ? 0 : 1;
  }
  if (missing == 0) return;
  throw Error(Code::failed, "blob_missing",
              std::to_string(missing) + " of " + std::to_string(ids.size()) +
                  " wanted files did not arrive",
              "the offer does not hold every wanted blob; see the server's log");
}

class RsyncComponent : public rolesync::Deployer {
 public:
  // A small change arrives as the host's own pack before any rsync is started.
  Values offer(const OfferRequest&) override {
    return {{"module", std::string(module_name)}, {"pack", true}};
  }

  void serve(const ServeRequest& request) override {
    if (!is_plain_path(request.directory)) {
      throw Error(Code::invalid, "invalid_directory",
                  "rsync cannot serve a directory with this name: " + request.directory,
                  "give the server a state directory of letters, digits and ._+@:=,-");
    }
    rolesync::Program program;
    const std::string config =
        host().write_private("rsyncd.conf", daemon_config(request.directory));
    program.argv = {"rsync", "--server", "--daemon", "--config=" + config, "."};
    program.attach = request.stream;
    program.timeout_seconds = longest_transfer_seconds;
    const ProgramResult result = host().run(program);
    if (!result.succeeded()) refuse(result);
  }

  std::uint64_t fetch(const FetchRequest& request) override {
    if (request.files == 0) return 0;
    const auto name = request.offer.find("module");
    if (name == request.offer.end() || name->second != rolesync::Value(std::string(module_name))) {
      throw Error(Code::invalid, "offer_not_understood",
                  "the server's offer is not one of this deployer's version");
    }
    const std::vector<std::string> ids = read_list(request.list_file);
    rolesync::Program program;
    program.argv = client_arguments(request);
    program.connect = host().open_stream(request.offer_id);
    program.timeout_seconds = longest_transfer_seconds;
    const ProgramResult result = host().run(program);
    if (!result.succeeded()) refuse(result);
    expect_complete(ids, request.staging);
    return ids.size();
  }
};

}  // namespace

ROLESYNC_PLUGIN("rsync_component", "1.0.0",
                rolesync::deployer<RsyncComponent>("rsync_component")
                    .summary("rsync over the agent's own connection")
                    .needs({"fs.write_private", "process.run", "stream.open"})
                    .parallel()
                    .timeout("serve", longest_transfer_seconds)
                    .timeout("fetch", longest_transfer_seconds));
