// SPDX-License-Identifier: Apache-2.0
// Types rolesync commands like a person would: the demo does everything through the real program,
// so that what it shows is what users get. One thread.
#pragma once
#include <string>
#include <vector>

#include "host/cli/demo/narrator.hpp"
#include "host/process/child.hpp"
#include "host/values/json.hpp"
#include "host/values/result.hpp"

namespace rolesync::cli {

class CommandLine {
 public:
  CommandLine(Narrator& narrator, const CancelFlag& cancelled)
      : narrator_(narrator), cancelled_(cancelled) {}

  void connect(std::string url, std::string token);

  struct Outcome {
    int exit_code = -1;
    std::string output, words;  // stdout, stderr
  };
  Outcome run(std::vector<std::string> arguments) const;   // silently
  Outcome show(std::vector<std::string> arguments) const;  // tells command and output
  // Must exit with 0; the words become the error's message otherwise.
  Status must(const std::vector<std::string>& arguments) const;
  Result<Json> json(std::vector<std::string> arguments) const;  // with -o json, must exit with 0

 private:
  Outcome execute(std::vector<std::string> argv) const;
  Narrator& narrator_;
  const CancelFlag& cancelled_;
  std::string url_, token_;
};

}  // namespace rolesync::cli
