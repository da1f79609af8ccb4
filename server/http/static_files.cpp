// SPDX-License-Identifier: Apache-2.0
#include "server/http/static_files.hpp"

#include <optional>

#include "host/values/file_text.hpp"
#include "host/values/hash.hpp"
#include "server/http/head.hpp"
#include "server/http/uri.hpp"

namespace rolesync::http {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_files = 2'000;
constexpr std::uintmax_t max_bytes = 64 << 20;

std::string type_of(const fs::path& path) {
  static const std::map<std::string, std::string> types = {
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".ico", "image/x-icon"},
      {".woff2", "font/woff2"},
      {".txt", "text/plain; charset=utf-8"}};
  const auto type = types.find(path.extension().string());
  return type == types.end() ? "application/octet-stream" : type->second;
}

std::string header(const Request& request, const char* name) {
  const auto found = request.headers.find(name);
  return found == request.headers.end() ? "" : found->second;
}

Response not_found() {
  return problem({ErrorKind::not_found, "no_such_path", "There is nothing at this path",
                  "see /api/openapi.yaml for what there is"});
}

// A browser that follows a link or reloads asks for HTML; a program with a wrong path does not.
bool looks_like_a_page(std::string_view path, const Request& request) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return name.find('.') == std::string_view::npos && !path.starts_with("assets/") &&
         header(request, "accept").find("text/html") != std::string::npos;
}

Error too_many(const fs::path& directory) {
  return {ErrorKind::invalid, "too_many_files",
          "the web directory " + directory.string() + " holds more than " +
              std::to_string(max_files) + " files or 64 MB",
          "set directory in [web] to the built UI and nothing else"};
}

}  // namespace

Result<StaticFiles> StaticFiles::load(const fs::path& directory) {
  StaticFiles result;
  std::map<std::string, std::string> compressed;
  std::error_code error;
  std::uintmax_t bytes = 0;
  for (fs::recursive_directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code ignored;
    if (it->is_symlink(ignored) || !it->is_regular_file(ignored)) continue;
    std::string name = it->path().lexically_relative(directory).generic_string();
    bytes += it->file_size(ignored);
    if (result.files_.size() + compressed.size() >= max_files || bytes > max_bytes) {
      return too_many(directory);
    }
    if (it->path().extension() == ".gz") {
      compressed[name.substr(0, name.size() - 3)] = file_text(it->path()).value_or("");
      continue;
    }
    File file;
    file.bytes = file_text(it->path()).value_or("");
    file.etag = '"' + sha256_hex(file.bytes).substr(0, 32) + '"';
    file.type = type_of(it->path());
    file.immutable = name.starts_with("assets/");
    result.files_.emplace(std::move(name), std::move(file));
  }
  if (error) {
    return Error{ErrorKind::invalid, "directory_unreadable",
                 "the web directory " + directory.string() + " cannot be read: " + error.message(),
                 "correct directory in [web], or leave it out"};
  }
  for (auto& [name, text] : compressed) {
    const auto file = result.files_.find(name);
    if (file != result.files_.end()) file->second.gzip = std::move(text);
  }
  return result;
}

Response StaticFiles::answer(const Request& request) const {
  const auto decoded = percent_decode(request.path);
  if (!decoded || decoded->empty()) return not_found();
  std::string_view path = std::string_view(*decoded).substr(1);
  if (path.empty()) path = "index.html";
  auto file = files_.find(path);
  if (file == files_.end() && looks_like_a_page(path, request)) file = files_.find("index.html");
  return file == files_.end() ? not_found() : send(file->second, request);
}

Response StaticFiles::send(const File& file, const Request& request) {
  Response response{200, {{"Content-Type", file.type}, {"ETag", file.etag}}, ""};
  response.headers["Cache-Control"] =
      file.immutable ? "public, max-age=31536000, immutable" : "no-cache";
  add_page_headers(response);
  if (!file.gzip.empty()) response.headers["Vary"] = "Accept-Encoding";
  if (header(request, "if-none-match").find(file.etag) != std::string::npos) {
    response.status = 304;
    return response;
  }
  if (!file.gzip.empty() && lists_word(header(request, "accept-encoding"), "gzip")) {
    response.headers["Content-Encoding"] = "gzip";
    response.body = file.gzip;
  } else {
    response.body = file.bytes;
  }
  return response;
}

void add_page_headers(Response& response) {
  response.headers["Content-Security-Policy"] =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
      "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
      "frame-ancestors 'none'";
  response.headers["X-Frame-Options"] = "DENY";
  response.headers["Referrer-Policy"] = "no-referrer";
  response.headers["Cross-Origin-Opener-Policy"] = "same-origin";
}

}  // namespace rolesync::http
