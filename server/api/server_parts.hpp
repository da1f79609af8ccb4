// SPDX-License-Identifier: Apache-2.0
// What the API tells about the program around it: /metrics, /readyz. All may be missing, as in a
// test that has no front.
#pragma once
#include <filesystem>
#include <functional>

#include "server/http/front.hpp"
#include "server/http/request_counts.hpp"
#include "server/http/served_certificate.hpp"

namespace rolesync::api {

struct ServerParts {
  const http::RequestCounts* requests = nullptr;
  std::function<http::FrontCounts()> front;
  const http::ServedCertificate* certificate = nullptr;  // null: no TLS
  std::filesystem::path state_dir;
};

}  // namespace rolesync::api
