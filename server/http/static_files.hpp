// SPDX-License-Identifier: Apache-2.0
// The files of the web UI, read once into memory: a request can only name what was found then, so
// no path leads out of the directory. Immutable after load; any thread.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "host/values/result.hpp"
#include "server/http/router.hpp"

namespace rolesync::http {

class StaticFiles {
 public:
  // Regular files only, no links. `x.gz` beside `x` is x compressed, for clients that take it.
  // Reasons: directory_unreadable, too_many_files.
  static Result<StaticFiles> load(const std::filesystem::path& directory);

  // 200, 304 or problem+json 404. What looks like a page ("/nodes/n1", asked for by a browser) and
  // is no file is index.html: the page itself knows its paths.
  Response answer(const Request& request) const;
  bool has(std::string_view path) const { return files_.find(path) != files_.end(); }

 private:
  struct File {
    std::string bytes, gzip, etag, type;
    bool immutable = false;  // its name holds a hash of what is in it
  };
  static Response send(const File& file, const Request& request);

  std::map<std::string, File, std::less<>> files_;  // by path without the first slash
};

// Headers of every page and file: nothing from elsewhere, no inline script or style, no frame.
void add_page_headers(Response& response);

}  // namespace rolesync::http
