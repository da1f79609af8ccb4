// SPDX-License-Identifier: Apache-2.0
// A deployer moves bytes: its server half offers a directory of blobs, its node half brings the
// wanted ones into the staging directory. Verification, activation and rollback are the host's.
#pragma once
#include <rolesync/plugin.hpp>

namespace rolesync {
inline namespace sdk1 {

struct OfferRequest {
  std::string content_id;
  std::uint64_t files = 0, bytes = 0;
};

struct ServeRequest {
  std::string offer_id;
  std::string directory;  // one file per wanted blob, named by its id
  std::string stream;     // stream id to the node
};

struct FetchRequest {
  Values offer;  // what offer() said
  std::string offer_id;
  std::string staging;    // existing directory; afterwards one file per blob id
  std::string basis;      // directory with older versions under the same names; may be empty
  std::string list_file;  // wanted blob ids, each followed by NUL
  std::uint64_t files = 0, bytes = 0;
};

class Deployer : public Instance {
 public:
  // Server: what the node's half must know. With `"pack": true` the host may carry a small change
  // itself, so that serve() and fetch() are not called for it.
  virtual Values offer(const OfferRequest& request) = 0;
  // Server: serves the offer on the stream; returns when the stream is over.
  virtual void serve(const ServeRequest& request) = 0;
  // Node: returns how many files are in staging.
  virtual std::uint64_t fetch(const FetchRequest& request) = 0;
  Json call(std::string_view method, const Json& request) final;
};

template <class T>
Export deployer(const char* id) {
  return Export("deployer", id,
                []() -> std::unique_ptr<Instance> { return std::make_unique<T>(); });
}

}  // namespace sdk1
}  // namespace rolesync
