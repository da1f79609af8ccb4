// SPDX-License-Identifier: Apache-2.0
// Whether a commit is signed by somebody whom the operator allowed: `git verify-commit` with the
// signers and keys that the server holds, and nothing else of the machine (no user's keyring, no
// key server, no agent). Any thread.
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "host/values/result.hpp"

namespace rolesync::source {

struct Signers {
  std::string allowed_signers;  // ssh: lines as in ssh-keygen(1) "ALLOWED SIGNERS"
  std::string gpg_keys;         // armoured public keys
  bool empty() const { return allowed_signers.empty() && gpg_keys.empty(); }
};

// Every line has principals, a key type and a key. invalid/allowed_signers_invalid with the line.
Status check_allowed_signers(std::string_view text);

class CommitSignatures {
 public:
  // `directory` is ours alone; what an earlier server left there is made anew.
  static Result<std::unique_ptr<CommitSignatures>> open(const std::filesystem::path& directory);

  // That they can be used: invalid/allowed_signers_invalid, invalid/gpg_keys_invalid.
  Status check(const Signers& signers);

  // conflict/commit_unsigned, conflict/commit_signature_refused with git's words. `repository` is
  // a bare one that has the commit.
  Status verify(const std::filesystem::path& repository, const std::string& commit,
                const Signers& signers);

 private:
  explicit CommitSignatures(std::filesystem::path directory) : directory_(std::move(directory)) {}
  Result<std::filesystem::path> prepare(const Signers& signers, const std::string& key);

  const std::filesystem::path directory_;
  std::mutex mutex_;
  std::map<std::string, Status> verdicts_;  // by signers and commit
};

}  // namespace rolesync::source
