// SPDX-License-Identifier: Apache-2.0
#include "host/values/secret.hpp"

#include <openssl/rand.h>

#include <stdexcept>

#include "host/values/hash.hpp"

namespace rolesync {

std::string random_hex(std::size_t bytes) {
  std::string raw(bytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(raw.data()), static_cast<int>(bytes)) != 1) {
    throw std::runtime_error("the system's random generator failed");
  }
  return to_hex(raw);
}

std::string new_id(std::string_view prefix) {
  return std::string(prefix) + "_" + random_hex(16);
}

}  // namespace rolesync
