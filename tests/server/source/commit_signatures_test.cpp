// SPDX-License-Identifier: Apache-2.0
// Commits signed with real keys by the real ssh-keygen and gpg, and those that are not.
#include "server/source/commit_signatures.hpp"

#include <gmock/gmock.h>

#include "tests/server/source/git_repository.hpp"

namespace rolesync::source {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class CommitSignaturesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = CommitSignatures::open(directory_.path() / "signers");
    ASSERT_TRUE(opened) << opened.error().text();
    signatures_ = std::move(*opened);
  }
  // A key pair; returns the public half as it stands in a list of signers.
  std::string make_ssh_key(const std::string& name) const {
    const fs::path file = directory_.path() / name;
    EXPECT_TRUE(run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file.string()},
                    directory_.path())
                    .succeeded());
    return name + "@example.org " + read_file(file.string() + ".pub");
  }
  std::string ssh_signed(const std::string& name) const {
    repository_.git({"-c", "gpg.format=ssh", "-c",
                     "user.signingKey=" + (directory_.path() / name).string(), "commit", "-q",
                     "--allow-empty", "-S", "-m", "signed by " + name});
    return repository_.head();
  }
  fs::path gpg_home() const { return directory_.path() / "gpg"; }
  std::string make_gpg_key(const std::string& user) const {
    fs::create_directories(gpg_home());
    fs::permissions(gpg_home(), fs::perms::owner_all);
    EXPECT_TRUE(run({"gpg", "--homedir", gpg_home().string(), "--batch", "--passphrase", "",
                     "--quick-generate-key", user, "ed25519", "sign"},
                    directory_.path())
                    .succeeded());
    return run({"gpg", "--homedir", gpg_home().string(), "--armor", "--export", user},
               directory_.path())
        .output;
  }
  std::string gpg_signed(const std::string& user) const {
    write_file(directory_.path() / "gpg-here",
               "#!/bin/sh\nexec gpg --homedir '" + gpg_home().string() + "' \"$@\"\n");
    fs::permissions(directory_.path() / "gpg-here", fs::perms::owner_all);
    repository_.git({"-c", "gpg.program=" + (directory_.path() / "gpg-here").string(), "commit",
                     "-q", "--allow-empty", "-S" + user, "-m", "signed by " + user});
    return repository_.head();
  }
  void TearDown() override {
    if (fs::exists(gpg_home())) {
      run({"gpgconf", "--homedir", gpg_home().string(), "--kill", "gpg-agent"}, directory_.path());
    }
  }
  Status verify(const std::string& commit, const Signers& signers) {
    return signatures_->verify(repository_.path() / ".git", commit, signers);
  }
  std::string reason(const std::string& commit, const Signers& signers) {
    const Status verdict = verify(commit, signers);
    return verdict ? "" : verdict.error().reason;
  }

  TemporaryDirectory directory_;
  GitRepository repository_{directory_.path() / "repository"};
  std::unique_ptr<CommitSignatures> signatures_;
};

TEST_F(CommitSignaturesTest, OnlyTheKeyOfAnAllowedSshSignerCounts) {
  const Signers anna{make_ssh_key("anna"), ""};
  const Signers both{anna.allowed_signers + make_ssh_key("bert"), ""};
  const std::string by_anna = ssh_signed("anna"), by_bert = ssh_signed("bert");
  const std::string bare = repository_.commit("not signed");
  EXPECT_EQ(reason(by_anna, anna), "");
  EXPECT_EQ(reason(by_bert, anna), "commit_signature_refused");
  EXPECT_EQ(reason(by_bert, both), "");
  EXPECT_EQ(reason(bare, both), "commit_unsigned");
  EXPECT_EQ(reason(by_anna, {}), "commit_signature_refused");
}

TEST_F(CommitSignaturesTest, ASignerMayBeAllowedForATimeOnly) {
  const std::string anna = make_ssh_key("anna");
  const std::string key = anna.substr(anna.find(' ') + 1);
  const std::string commit = ssh_signed("anna");
  EXPECT_EQ(reason(commit, {"anna@example.org valid-before=\"20200101\" " + key, ""}),
            "commit_signature_refused");
  EXPECT_EQ(reason(commit, {"anna@example.org namespaces=\"git\" " + key, ""}), "");
  EXPECT_EQ(reason(commit, {"anna@example.org namespaces=\"file\" " + key, ""}),
            "commit_signature_refused");
}

TEST_F(CommitSignaturesTest, ACommitThatWasChangedAfterItWasSignedIsRefused) {
  const Signers anna{make_ssh_key("anna"), ""};
  std::string text = repository_.git({"cat-file", "commit", ssh_signed("anna")});
  text.replace(text.find("signed by"), 9, "forged by");
  const std::string forged =
      repository_.git({"hash-object", "-t", "commit", "-w", "--stdin"}, text + "\n");
  const Status verdict = verify(forged, anna);
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().reason, "commit_signature_refused") << verdict.error().text();
}

TEST_F(CommitSignaturesTest, OnlyAKeyOfTheHeldKeyringCounts) {
  const Signers anna{"", make_gpg_key("anna@example.org")};
  const Signers bert{"", make_gpg_key("bert@example.org")};
  const std::string commit = gpg_signed("anna@example.org");
  const Status verdict = verify(commit, anna);
  EXPECT_TRUE(verdict) << verdict.error().text();
  EXPECT_EQ(reason(commit, bert), "commit_signature_refused");
  EXPECT_EQ(reason(commit, {make_ssh_key("anna"), ""}), "commit_signature_refused");
}

TEST_F(CommitSignaturesTest, WhatCannotBeUsedIsRefusedWhenItIsSet) {
  EXPECT_TRUE(signatures_->check({"# nobody yet\n\n" + make_ssh_key("anna"), ""}));
  const Status line = signatures_->check({make_ssh_key("bert") + "carl@example.org\n", ""});
  ASSERT_FALSE(line);
  EXPECT_THAT(line.error().message, HasSubstr("line 2"));
  const Status keys = signatures_->check({"", "not a key"});
  ASSERT_FALSE(keys);
  EXPECT_EQ(keys.error().reason, "gpg_keys_invalid");
}

}  // namespace
}  // namespace rolesync::source
