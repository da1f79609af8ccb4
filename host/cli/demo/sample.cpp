// SPDX-License-Identifier: Apache-2.0
#include "host/cli/demo/sample.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "host/cli/demo/git.hpp"
#include "host/values/file_text.hpp"

namespace rolesync::cli {
namespace {

namespace fs = std::filesystem;

// Serves the directory it lies in. Python, because every machine that builds rolesync has it.
constexpr const char* kFrontEnd = R"(import functools, http.server, os, sys

here = os.path.dirname(os.path.abspath(__file__))
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=here)
handler.log_message = lambda *arguments: None
address = (os.environ["ROLESYNC_ADDRESS"], int(sys.argv[1]))
http.server.ThreadingHTTPServer(address, handler).serve_forever()
)";

constexpr const char* kBackEnd = R"(import http.server, json, os, sys

class Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        found = self.path == "/api/health"
        body = json.dumps({"status": "ok" if found else "not found"}).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass

address = (os.environ["ROLESYNC_ADDRESS"], int(sys.argv[1]))
http.server.ThreadingHTTPServer(address, Api).serve_forever()
)";

}  // namespace

const std::map<std::string, std::string>& sample_files() {
  static const std::map<std::string, std::string> files = {
      {"README.md", "# The demo's repository\n\nA front end, a back end, and pages about them.\n"},
      {".gitignore", ".env\n*.log\n"},
      {"autobot-vue/serve.py", kFrontEnd},
      {"autobot-vue/index.html",
       "<!doctype html>\n<title>AutoBot</title>\n<h1>AutoBot</h1>\n<script src=\"src/app.js\">"
       "</script>\n"},
      {"autobot-vue/src/app.js", "document.title += \" is ready\";\n"},
      {"autobot-vue/src/old page.html", "<p>Names with spaces, and in UTF-8, are fine.</p>\n"},
      {"autobot-vue/src/größe.css", "h1 { font-size: 3rem; }\n"},
      {"backend/app.py", kBackEnd},
      {"backend/settings.json", "{\"workers\": 2}\n"},
      {"src/shared/limits.py", "MAX_REQUESTS = 100\n"},
      {"demo-docs/index.md", "# Pages of the role that is dropped in later\n"},
      {"demo-docs/guide/first-steps.md", "Edit a file, commit, then look at `rolesync plan`.\n"},
  };
  return files;
}

std::string broken_front_end() {
  return R"(import http.server, os, sys

class Broken(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(500, "this commit is broken on purpose")

    def log_message(self, *arguments):
        pass

address = (os.environ["ROLESYNC_ADDRESS"], int(sys.argv[1]))
http.server.ThreadingHTTPServer(address, Broken).serve_forever()
)";
}

Status write_text(const std::string& path, const std::string& text, bool executable) {
  std::error_code ignored;
  fs::create_directories(fs::path(path).parent_path(), ignored);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file || ::chmod(path.c_str(), executable ? 0755 : 0644) != 0)
    return Error{ErrorKind::failed, "demo_unwritable", "cannot write " + path,
                 "choose another place with TMPDIR"};
  return {};
}

Result<std::string> read_text(const std::string& path) {
  if (auto text = file_text(path)) return std::move(*text);
  return Error{ErrorKind::not_found, "file_unreadable", "cannot read " + path};
}

Status make_sample_repository(const std::string& directory) {
  std::error_code ignored;
  fs::create_directories(directory, ignored);
  const DemoGit git(directory);
  if (auto made = git.run({"init", "--quiet", "--initial-branch=main"}); !made) return made.error();
  // So that a person's own `git commit` works here too.
  for (const auto& [key, value] : {std::pair{"user.name", "Demo Developer"},
                                   std::pair{"user.email", "developer@demo.invalid"}})
    if (auto set = git.run({"config", key, value}); !set) return set.error();
  for (const auto& [path, text] : sample_files())
    if (auto status = write_text(fs::path(directory) / path, text); !status) return status;
  auto commit = git.commit_all("First version");
  return commit ? Status() : Status(commit.error());
}

}  // namespace rolesync::cli
