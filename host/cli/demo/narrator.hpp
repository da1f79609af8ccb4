// SPDX-License-Identifier: Apache-2.0
// What the demo tells: numbered steps, the commands it types, what it verified. Everything goes to
// stdout: for a demo the story is the data. One thread.
#pragma once
#include <chrono>
#include <string>

namespace rolesync::cli {

class Narrator {
 public:
  Narrator(bool colour, bool quiet) : colour_(colour), quiet_(quiet) {}

  void step(const std::string& title);
  void command(const std::string& line);  // as a person would type it
  void output(const std::string& text);   // of that command, indented
  void verified(const std::string& what);
  void failed(const std::string& what);
  void words(const std::string& line);
  int checks() const { return checks_; }
  std::chrono::milliseconds elapsed() const;

 private:
  void line(const std::string& text);
  bool colour_, quiet_;
  int steps_ = 0, checks_ = 0;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace rolesync::cli
