// SPDX-License-Identifier: Apache-2.0
// The hashes that identify things: SHA-256 for documents, git's SHA-1 blob id for file contents.
// All results are lower-case hex. Pure; any thread; one hasher object belongs to one thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace rolesync {

class Hasher {
 public:
  static Hasher sha256();
  // Git's id of a blob of exactly `size` bytes: sha1("blob " size NUL content).
  static Hasher git_blob(std::uint64_t size);

  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  ~Hasher();

  void update(std::string_view bytes);
  std::string hex();  // ends the hasher

 private:
  struct State;
  explicit Hasher(const char* algorithm);
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view bytes);
std::string git_blob_id(std::string_view content);
std::string hmac_sha256_hex(std::string_view key, std::string_view message);

// Compares without telling by its duration where two secrets differ.
bool equal_secrets(std::string_view a, std::string_view b);

std::string to_hex(std::string_view bytes);

}  // namespace rolesync
