// SPDX-License-Identifier: Apache-2.0
#include "server/source/commit_signatures.hpp"

#include <algorithm>
#include <sstream>
#include <vector>

#include "host/process/child.hpp"
#include "host/services/durable_file.hpp"
#include "host/values/hash.hpp"
#include "host/values/names.hpp"
#include "host/values/secret.hpp"
#include "server/source/git.hpp"
#include "server/source/text.hpp"

namespace rolesync::source {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_verdicts = 10'000;
constexpr std::size_t longest_words = 400;

// Nothing is asked of the network or of other programs; who is in the keyring is trusted.
constexpr const char* gpg_config =
    "no-autostart\nno-auto-key-locate\nno-auto-key-retrieve\ntrust-model always\nbatch\nno-tty\n"
    "no-greeting\n";

bool is_key_type(const std::string& word) {
  return word.starts_with("ssh-") || word.starts_with("ecdsa-sha2-") || word.starts_with("sk-");
}

bool is_base64(const std::string& word) {
  return word.size() >= 32 &&
         word.find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") ==
             std::string::npos;
}

// principals [options] type key [comment]; options may hold spaces between quotes.
bool is_signer_line(const std::string& line) {
  std::istringstream words(line);
  std::string principals, word, before;
  words >> principals;
  while (words >> word) {
    if (is_base64(word) && is_key_type(before)) return true;
    before = word;
  }
  return false;
}

// What git and the programs below it said, as one line.
std::string words_of(const std::string& errors) {
  std::string words = repair_utf8(errors);
  std::replace_if(
      words.begin(), words.end(), [](unsigned char c) { return c < 32 || c == 127; }, ' ');
  if (words.size() > longest_words) words = repair_utf8(words.substr(0, longest_words)) + " ...";
  while (words.ends_with(' ')) words.pop_back();
  return words;
}

Error unsigned_commit(const std::string& commit) {
  return {ErrorKind::conflict, "commit_unsigned",
          "commit " + commit.substr(0, 12) + " is not signed",
          "sign it (git commit -S) with a key that `rolesync source signers` shows"};
}

Error refused(const std::string& commit, const std::string& words) {
  return {ErrorKind::conflict, "commit_signature_refused",
          "the signature of commit " + commit.substr(0, 12) + " does not count: " + words,
          "sign it with a key that `rolesync source signers` shows, or allow that signer"};
}

Status import_keys(const fs::path& home, const std::string& keys) {
  ChildSpec spec;
  spec.argv = {"gpg", "--homedir", home.string(), "--import"};
  spec.environment = {
      {"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"HOME", "/nonexistent"}, {"LC_ALL", "C"}};
  spec.input = keys;
  const auto done = run_child(spec);
  if (done && done->succeeded()) return {};
  return Error{
      ErrorKind::invalid, "gpg_keys_invalid",
      "gpg does not take the keys: " + (done ? words_of(done->errors) : done.error().text()),
      "give public keys as `gpg --armor --export` writes them"};
}

}  // namespace

Status check_allowed_signers(std::string_view text) {
  std::istringstream lines{std::string(text)};
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string::npos || line[first] == '#') continue;
    if (!is_signer_line(line)) {
      return Error{ErrorKind::invalid, "allowed_signers_invalid",
                   "line " + std::to_string(number) + " of the allowed signers is not one",
                   "write lines like: anna@example.org ssh-ed25519 AAAA..."};
    }
  }
  return {};
}

Result<std::unique_ptr<CommitSignatures>> CommitSignatures::open(const fs::path& directory) {
  std::error_code problem;
  fs::remove_all(directory, problem);
  if (Status made = make_directories(directory.string(), 0700); !made) return made.error();
  return std::unique_ptr<CommitSignatures>(new CommitSignatures(directory));
}

// A directory for exactly these signers, never changed once it is there.
Result<fs::path> CommitSignatures::prepare(const Signers& signers, const std::string& key) {
  const fs::path ready = directory_ / key;
  std::error_code problem;
  if (fs::exists(ready, problem)) return ready;
  const fs::path making = directory_ / ("new-" + random_hex(8));
  if (Status made = make_directories((making / "gnupg").string(), 0700); !made) return made.error();
  if (Status written = write_whole((making / "allowed_signers").string(), signers.allowed_signers);
      !written) {
    return written.error();
  }
  if (Status written = write_whole((making / "gnupg" / "gpg.conf").string(), gpg_config);
      !written) {
    return written.error();
  }
  if (!signers.gpg_keys.empty()) {
    if (Status imported = import_keys(making / "gnupg", signers.gpg_keys); !imported) {
      fs::remove_all(making, problem);
      return imported.error();
    }
  }
  fs::rename(making, ready, problem);
  if (problem && !fs::exists(ready)) {
    return Error{ErrorKind::failed, "state_unwritable",
                 "cannot write " + ready.string() + ": " + problem.message()};
  }
  fs::remove_all(making, problem);  // somebody else was faster
  return ready;
}

Status CommitSignatures::check(const Signers& signers) {
  if (Status valid = check_allowed_signers(signers.allowed_signers); !valid) return valid;
  const std::string key = sha256_hex(signers.allowed_signers + '\0' + signers.gpg_keys);
  const auto prepared = prepare(signers, key);
  return prepared ? Status{} : Status{prepared.error()};
}

Status CommitSignatures::verify(const fs::path& repository, const std::string& commit,
                                const Signers& signers) {
  if (!is_commit(commit)) return Error{ErrorKind::invalid, "invalid_commit", "not a commit id"};
  const std::string key = sha256_hex(signers.allowed_signers + '\0' + signers.gpg_keys);
  {
    const std::lock_guard lock(mutex_);
    const auto known = verdicts_.find(key + commit);
    if (known != verdicts_.end()) return known->second;
  }
  const auto place = prepare(signers, key);
  if (!place) return place.error();
  GitCall call;
  call.repository = repository;
  call.arguments = {"-c",
                    "gpg.ssh.allowedSignersFile=" + (*place / "allowed_signers").string(),
                    "-c",
                    "gpg.x509.program=/bin/false",
                    "verify-commit",
                    commit};
  ChildSpec spec = git_child(call);
  spec.environment["GNUPGHOME"] = (*place / "gnupg").string();
  const auto answer = run_child(spec);
  if (!answer) return answer.error();
  if (answer->timed_out) {
    return Error{ErrorKind::timeout, "git_timed_out", "git verify-commit: " + answer->explain()};
  }
  Status verdict;
  if (!answer->succeeded()) {
    const std::string words = words_of(answer->errors);
    verdict = words.empty() ? unsigned_commit(commit) : refused(commit, words);
  }
  const std::lock_guard lock(mutex_);
  if (verdicts_.size() >= most_verdicts) verdicts_.clear();
  verdicts_.insert_or_assign(key + commit, verdict);
  return verdict;
}

}  // namespace rolesync::source
