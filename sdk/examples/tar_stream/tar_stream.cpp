// SPDX-License-Identifier: Apache-2.0
// Deployer: the wanted files as a compressed tar stream, over the agent's own connection. For slow
// networks and many small files; it always sends whole files.
#include <rolesync/deployer.hpp>

namespace {

using rolesync::Code;
using rolesync::Error;
using rolesync::FetchRequest;
using rolesync::OfferRequest;
using rolesync::Program;
using rolesync::ProgramResult;
using rolesync::ServeRequest;
using rolesync::Values;

constexpr int longest_transfer_seconds = 3600;
const std::string format = "tar.gz";  // what both halves must agree about

// Why the host calls again (transient) or gives up.
[[noreturn]] void refuse(const ProgramResult& result) {
  const std::string what = "tar: " + result.explain();
  if (result.errors.find("No space left on device") != std::string::npos) {
    throw Error(Code::transient, "disk_full", what, "free space where the role's target is");
  }
  if (result.errors.find("Permission denied") != std::string::npos) {
    throw Error(Code::failed, "permission_denied", what);
  }
  throw Error(Code::transient, "transfer_interrupted", what);
}

class TarStream : public rolesync::Deployer {
 public:
  Values offer(const OfferRequest&) override { return {{"format", format}}; }

  void serve(const ServeRequest& request) override {
    Program tar{{"tar", "--create", "--gzip", "--directory", request.directory, "."}};
    run(std::move(tar), request.stream);
  }

  std::uint64_t fetch(const FetchRequest& request) override {
    const auto offered = request.offer.find("format");
    if (offered == request.offer.end() || offered->second != rolesync::Value(format)) {
      throw Error(Code::invalid, "offer_not_understood",
                  "the server offers another format than " + format,
                  "use the same version of this plugin on server and nodes");
    }
    if (request.files == 0) return 0;
    Program tar{{"tar", "--extract", "--gzip", "--no-same-owner", "--directory", request.staging}};
    run(std::move(tar), host().open_stream(request.offer_id));
    host().progress(request.bytes, request.bytes, "bytes");
    return request.files;
  }

 private:
  // The host ends the program when the call is cancelled or out of time.
  void run(Program program, const std::string& stream) {
    program.attach = stream;  // its stdin and stdout
    program.timeout_seconds = longest_transfer_seconds;
    const ProgramResult result = host().run(program);
    if (!result.succeeded()) refuse(result);
  }
};

}  // namespace

ROLESYNC_PLUGIN("tar_stream", "1.0.0",
                rolesync::deployer<TarStream>("tar_stream")
                    .summary("a compressed tar stream of whole files")
                    .needs({"process.run", "stream.open", "job.progress"})
                    .parallel()
                    .timeout("serve", longest_transfer_seconds)
                    .timeout("fetch", longest_transfer_seconds));
