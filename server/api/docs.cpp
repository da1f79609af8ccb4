// SPDX-License-Identifier: Apache-2.0
// /api/docs: openapi.yaml for people. A page, a style and a script of our own, built in, so that it
// works without the web UI and without a network. Nothing in them is inline.
#include "server/api/api.hpp"
#include "server/api/openapi.hpp"

namespace rolesync::api {
namespace {

using http::Response;

const char* type_of(std::string_view name) {
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  return "text/html; charset=utf-8";
}

Response file(std::string_view wanted) {
  for (const auto& [name, text] : docs_files()) {
    if (name != wanted) continue;
    return {200,
            {{"Content-Type", type_of(name)},
             {"Content-Security-Policy",
              "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
              "base-uri 'none'; frame-ancestors 'none'"}},
            std::string(text)};
  }
  return http::problem(
      {ErrorKind::not_found, "no_such_path", "There is nothing at this path", "see /api/docs"});
}

}  // namespace

void add_docs_routes(http::Router& router) {
  using http::Policy;
  router.on("GET", "/api/docs", Policy::open(),
            [](const http::Request&) { return file("index.html"); });
  router.on("GET", "/api/docs/{file}", Policy::open(),
            [](const http::Request& request) { return file(request.parameters.at("file")); });
}

}  // namespace rolesync::api
