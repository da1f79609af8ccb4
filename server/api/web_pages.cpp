// SPDX-License-Identifier: Apache-2.0
// The web UI: its built files, or a page that says why there is none.
#include <memory>

#include "server/api/api.hpp"
#include "server/http/static_files.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

constexpr const char* no_ui_page = R"(<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>rolesync</title></head>
<body>
<h1>rolesync-server is running</h1>
<p>Its web UI is not installed here. Everything can be done from the command line:</p>
<pre>rolesync status
rolesync plan
rolesync sync ROLE --approve</pre>
<p>To add the UI, build it where Node.js 20.19 or newer is (<code>script/bootstrap</code> sees to that):</p>
<pre>script/build dev web</pre>
<p>and copy <code>build/web</code> to <code>share/rolesync/web</code> beside the directory of this
program, or name it in server.toml; then start the server again:</p>
<pre>[web]
directory = "/usr/share/rolesync/web"</pre>
<p>The API describes itself: <a href="/api/openapi.yaml">/api/openapi.yaml</a>.</p>
</body>
</html>
)";

Response without_ui(const Request& request) {
  if (request.path != "/") {
    return http::problem({ErrorKind::not_found, "no_such_path", "There is nothing at this path",
                          "see /api/openapi.yaml for what there is"});
  }
  Response response{200, {{"Content-Type", "text/html; charset=utf-8"}}, no_ui_page};
  http::add_page_headers(response);
  return response;
}

}  // namespace

Status add_web_pages(http::Router& router, const std::filesystem::path& directory) {
  if (directory.empty()) {
    router.on_rest(http::Policy::open(), without_ui);
    return {};
  }
  auto loaded = http::StaticFiles::load(directory);
  if (!loaded) return loaded.error();
  if (!loaded->has("index.html")) {
    return Error{ErrorKind::invalid, "directory_unreadable",
                 "the web directory " + directory.string() + " has no index.html",
                 "build the UI with script/build dev web, or leave directory in [web] out"};
  }
  auto files = std::make_shared<const http::StaticFiles>(std::move(*loaded));
  router.on_rest(http::Policy::open(),
                 [files](const Request& request) { return files->answer(request); });
  return {};
}

}  // namespace rolesync::api
