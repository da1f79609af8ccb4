// SPDX-License-Identifier: Apache-2.0
// One run of the program: what was asked for globally, where words and data go, and the server it
// talks to. Data goes to stdout, words to stderr. One thread.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "host/cli/api.hpp"
#include "host/cli/connection.hpp"
#include "host/cli/exit_code.hpp"
#include "host/cli/table.hpp"

namespace CLI {
class App;
}

namespace rolesync::cli {

struct Terminal {
  bool colour = false;        // of stdout
  bool words_colour = false;  // of stderr
  bool progress = false;      // stderr is a terminal that can redraw a line
  std::size_t width = 0;      // of stdout; 0 when it is not a terminal
};
Terminal find_terminal(const Environment& environment);

enum class Output { table, json };

class Session {
 public:
  explicit Session(Environment environment = process_environment());

  ConnectionFlags flags;
  Output output = Output::table;
  bool quiet = false;
  // Set by the command that was chosen; main runs it after parsing and exits by its value.
  std::function<int()> action;

  const Environment& environment() const { return environment_; }
  const Terminal& terminal() const { return terminal_; }
  bool json() const { return output == Output::json; }

  Result<Api*> api();  // connected at first use

  void print(const std::string& text) const;  // stdout, as it is
  void print(const char* text) const { print(std::string(text)); }
  void print(const Json& value) const;  // stdout, indented
  void print(const Table& table) const;
  void say(const std::string& words) const;  // stderr, one line; silent with --quiet
  void warn(const std::string& words) const;
  void progress(const std::string& words);  // stderr, replaces the line before; terminals only
  void end_progress();

  // What, why, what to do; returns the exit code.
  int fail(const Error& error) const;

  std::string marked(std::string_view text, Style style) const {
    return styled(text, style, terminal_.colour);
  }

 private:
  Environment environment_;
  Terminal terminal_;
  std::optional<Api> api_;
  bool progress_shown_ = false;
};

}  // namespace rolesync::cli
