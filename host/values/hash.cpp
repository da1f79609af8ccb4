// SPDX-License-Identifier: Apache-2.0
#include "host/values/hash.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdexcept>

namespace rolesync {

struct Hasher::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Hasher::Hasher(const char* algorithm) : state_(std::make_unique<State>()) {
  if (EVP_DigestInit_ex(state_->context, EVP_get_digestbyname(algorithm), nullptr) != 1) {
    throw std::runtime_error(std::string("OpenSSL offers no ") + algorithm);
  }
}
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

Hasher Hasher::sha256() {
  return Hasher("SHA256");
}

Hasher Hasher::git_blob(std::uint64_t size) {
  Hasher hasher("SHA1");
  const std::string header = "blob " + std::to_string(size);
  hasher.update({header.c_str(), header.size() + 1});  // with the terminating NUL
  return hasher;
}

void Hasher::update(std::string_view bytes) {
  EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
}

std::string Hasher::hex() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_DigestFinal_ex(state_->context, digest, &size);
  return to_hex({reinterpret_cast<const char*>(digest), size});
}

std::string sha256_hex(std::string_view bytes) {
  Hasher hasher = Hasher::sha256();
  hasher.update(bytes);
  return hasher.hex();
}

std::string git_blob_id(std::string_view content) {
  Hasher hasher = Hasher::git_blob(content.size());
  hasher.update(content);
  return hasher.hex();
}

std::string hmac_sha256_hex(std::string_view key, std::string_view message) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest, &size);
  return to_hex({reinterpret_cast<const char*>(digest), size});
}

bool equal_secrets(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string to_hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

}  // namespace rolesync
