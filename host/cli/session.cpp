// SPDX-License-Identifier: Apache-2.0
#include "host/cli/session.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "host/cli/text.hpp"

namespace rolesync::cli {
namespace {

void write(std::FILE* stream, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

}  // namespace

Terminal find_terminal(const Environment& environment) {
  Terminal terminal;
  const bool dumb = environment("TERM").value_or("dumb") == "dumb";
  const bool wants_colour = !environment("NO_COLOR") && !dumb;
  const bool out = ::isatty(STDOUT_FILENO) == 1, err = ::isatty(STDERR_FILENO) == 1;
  terminal.colour = out && wants_colour;
  terminal.words_colour = err && wants_colour;
  terminal.progress = err && !dumb;
  winsize size{};
  if (out && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) terminal.width = size.ws_col;
  return terminal;
}

Session::Session(Environment environment)
    : environment_(std::move(environment)), terminal_(find_terminal(environment_)) {}

Result<Api*> Session::api() {
  if (!api_) {
    auto connection = resolve_connection(flags, environment_);
    if (!connection) return connection.error();
    auto api = Api::connect(std::move(*connection));
    if (!api) return api.error();
    api_.emplace(std::move(*api));
  }
  return &*api_;
}

void Session::print(const std::string& text) const {
  write(stdout, text);
}

void Session::print(const Json& value) const {
  write(stdout, value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

void Session::print(const Table& table) const {
  write(stdout, table.text(terminal_.colour, terminal_.width));
}

void Session::say(const std::string& words) const {
  if (!quiet) write(stderr, words + "\n");
}

void Session::warn(const std::string& words) const {
  write(stderr, styled("warning: ", Style::warn, terminal_.words_colour) + words + "\n");
}

void Session::progress(const std::string& words) {
  if (quiet || !terminal_.progress) return;
  write(stderr, "\r\033[K" + words);
  progress_shown_ = true;
}

void Session::end_progress() {
  if (progress_shown_) write(stderr, "\r\033[K");
  progress_shown_ = false;
}

int Session::fail(const Error& error) const {
  std::string text =
      styled("error: ", Style::bad, terminal_.words_colour) + printable(error.message) + "\n";
  for (const FieldError& field : error.fields)
    text += "  " + printable(field.pointer) + ": " + printable(field.detail) + "\n";
  if (!error.hint.empty()) text += "  -> " + printable(error.hint) + "\n";
  write(stderr, text);
  return exit_code_of(error);
}

}  // namespace rolesync::cli
