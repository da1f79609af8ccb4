// SPDX-License-Identifier: Apache-2.0
// The long-running programs of a demo: started with a log file each, and gone, with everything they
// ever started, when this object is gone. One thread.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "host/values/result.hpp"

namespace rolesync::cli {

class DemoPrograms {
 public:
  // Makes this process the parent of every orphan below it, so that role processes, which outlive
  // their agent on purpose, can be found at the end.
  DemoPrograms();
  ~DemoPrograms();
  DemoPrograms(const DemoPrograms&) = delete;
  DemoPrograms& operator=(const DemoPrograms&) = delete;

  Status start(const std::string& name, const std::vector<std::string>& argv,
               const std::map<std::string, std::string>& environment, const std::string& log_path);
  bool running(const std::string& name) const;
  void stop(const std::string& name);
  void stop_all();

 private:
  struct Program {
    std::string name;
    pid_t pid = -1;
    int pidfd = -1;
  };
  static void end(Program& program);
  std::vector<Program> programs_;
};

}  // namespace rolesync::cli
