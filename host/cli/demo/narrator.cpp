// SPDX-License-Identifier: Apache-2.0
#include "host/cli/demo/narrator.hpp"

#include <cstdio>

#include "host/cli/table.hpp"

namespace rolesync::cli {

void Narrator::line(const std::string& text) {
  if (quiet_) return;
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

std::chrono::milliseconds Narrator::elapsed() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               began_);
}

void Narrator::step(const std::string& title) {
  char time[32];
  std::snprintf(time, sizeof time, "%.1fs", static_cast<double>(elapsed().count()) / 1000);
  line("\n" + styled(std::to_string(++steps_) + ". " + title, Style::strong, colour_) + "  " +
       styled(time, Style::dim, colour_));
}

void Narrator::command(const std::string& text) {
  line("   " + styled("$ " + text, Style::warn, colour_));
}

void Narrator::output(const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    line("   | " + text.substr(at, end - at));
    at = end + 1;
  }
}

void Narrator::verified(const std::string& what) {
  ++checks_;
  line("   " + styled("ok", Style::good, colour_) + " " + what);
}

void Narrator::failed(const std::string& what) {
  // Never quiet: this is why the program fails.
  std::fprintf(stderr, "   %s %s\n", styled("FAILED", Style::bad, colour_).c_str(), what.c_str());
}

void Narrator::words(const std::string& text) {
  line(text);
}

}  // namespace rolesync::cli
