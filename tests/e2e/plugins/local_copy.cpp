// SPDX-License-Identifier: Apache-2.0
// A second deployer, for tests on one machine: the server's half tells over the stream in which
// local directory the blobs lie, the node's half copies them from there.
#include <rolesync/deployer.hpp>

namespace {

using rolesync::Error;

class LocalCopy : public rolesync::Deployer {
  rolesync::Values offer(const rolesync::OfferRequest&) override {
    return {{"version", std::int64_t{STORY_NUMBER}}};
  }
  // The directory is ours as long as the stream is open: until the node's `cp` has ended.
  void serve(const rolesync::ServeRequest& request) override {
    rolesync::Program program;
    program.argv = {"sh", "-c", "printf '%s\\n' \"$1\" && cat > /dev/null", "serve",
                    request.directory};
    program.attach = request.stream;
    check(host().run(program));
  }
  std::uint64_t fetch(const rolesync::FetchRequest& request) override {
    if (std::get<std::int64_t>(request.offer.at("version")) < 1) {
      throw Error(rolesync::Code::invalid, "offer_unknown", "this offer is not ours");
    }
    rolesync::Program program;
    program.argv = {"sh", "-c", "read -r from && cp -- \"$from\"/* \"$1\"/", "fetch",
                    request.staging};
    program.attach = host().open_stream(request.offer_id);
    check(host().run(program));
    host().progress(request.files, request.files, "files");
    return request.files;
  }
  static void check(const rolesync::ProgramResult& result) {
    if (result.succeeded()) return;
    throw Error(rolesync::Code::transient, "copy_failed", "copying failed: " + result.explain());
  }
};

}  // namespace

ROLESYNC_PLUGIN("local_copy", STORY_VERSION,
                rolesync::deployer<LocalCopy>("local_copy")
                    .summary("copies from a local directory, for the drop-in story")
                    .needs({"process.run", "stream.open", "job.progress"})
                    .parallel());
