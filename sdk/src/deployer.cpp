// SPDX-License-Identifier: Apache-2.0
#include <rolesync/deployer.hpp>

#include "fields.hpp"

namespace rolesync {
inline namespace sdk1 {
namespace {

FetchRequest fetch_request(const Json& json) {
  FetchRequest request;
  request.offer = fields::values(fields::get<Json>(json, "offer", "an object"));
  request.offer_id = fields::text(json, "offer_id");
  request.staging = fields::text(json, "staging");
  request.basis = fields::optional_text(json, "basis");
  request.list_file = fields::text(json, "list_file");
  request.files = fields::count(json, "files");
  request.bytes = fields::count(json, "bytes");
  return request;
}

}  // namespace

Json Deployer::call(std::string_view method, const Json& request) {
  if (method == "offer") {
    return fields::to_json(
        offer({fields::text(request, "content_id"), fields::count(request, "files"),
               fields::count(request, "bytes")}));
  }
  if (method == "serve") {
    serve({fields::text(request, "offer_id"), fields::text(request, "directory"),
           fields::text(request, "stream")});
    return Json::object();
  }
  if (method == "fetch") return {{"files", fetch(fetch_request(request))}};
  throw Error(Code::unsupported, "method_unknown",
              "a deployer has no method " + std::string(method));
}

}  // namespace sdk1
}  // namespace rolesync
