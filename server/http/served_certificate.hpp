// SPDX-License-Identifier: Apache-2.0
// The certificate that the server shows, followed on disk: when its files change, or somebody asks,
// new connections get the new one. Files that cannot be used change nothing, and that is said.
// Owned by the program, with a thread of its own; any thread may ask.
#pragma once
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "host/values/result.hpp"
#include "host/values/timestamp.hpp"

namespace rolesync::http {

class ServedCertificate {
 public:
  struct Files {
    std::filesystem::path certificate, key;
  };
  // Takes it into use for new connections, or says why not (Front::use_certificate).
  using Use = std::function<Status(const Files&)>;

  // What the files hold now. Errors as certificate_fingerprint.
  static Result<std::unique_ptr<ServedCertificate>> open(Files files);
  ~ServedCertificate();

  // From now on, until stop(). Looks at the files that often.
  void follow(Use use, std::chrono::milliseconds every = std::chrono::seconds(2));
  void stop();
  // At once, also when nothing seems to have changed. Before follow(): no effect.
  Status reload();

  struct State {
    std::string fingerprint;  // of the one in use
    Millis expires_at = 0;    // likewise
    std::string problem;      // why the files on disk are not in use; empty: they are
  };
  State state() const;

 private:
  explicit ServedCertificate(Files files) : files_(std::move(files)) {}
  std::string look() const;
  void run(std::chrono::milliseconds every);

  const Files files_;
  Use use_;
  std::mutex reloading_;  // one at a time
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  State state_;
  std::string tried_;  // how the files looked when they were last tried
  std::thread thread_;
};

}  // namespace rolesync::http
