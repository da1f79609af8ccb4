// SPDX-License-Identifier: Apache-2.0
// Arrows point down only: plugins -> sdk; server -> host -> sdk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

#include "tests/house/source_tree.hpp"
#include "tests/place.hpp"

namespace rolesync::house {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

bool begins_with_one_of(const std::string& text, const Words& beginnings) {
  for (const std::string& beginning : beginnings) {
    if (text.starts_with(beginning)) return true;
  }
  return false;
}

// What a server source may see of the host.
const Words host_for_server = {"host/values/",         "host/role/",
                               "host/process/",        "host/stream/",
                               "host/plugin/",         "host/services/",
                               "host/client/",         "host/activation/manifest",
                               "host/activation/pack", "host/activation/content_id"};
const Words heavy = {"<boost/", "<Poco/"};

// Why this file must not include that; empty when it may.
std::string objection(const SourceFile& file, const std::string& header) {
  const bool ours = begins_with_one_of(header, {"host/", "server/", "plugins/", "tests/", "sdk/"});
  if (file.is_in("sdk") || file.is_in("plugins")) {
    if (ours) return "plugins and sdk see nothing but sdk";
    if (begins_with_one_of(header, heavy)) return "plugins and sdk use std and nlohmann only";
  }
  if (file.is_in("host")) {
    if (begins_with_one_of(header, {"server/", "plugins/", "tests/"})) return "host is below it";
    if (header.starts_with("<rolesync/") && header != "<rolesync/abi.h>") {
      return "the host knows plugins through the C door only";
    }
    for (const char* top : {"host/agent", "host/cli", "host/plugin_host"}) {
      if (header.starts_with(std::string(top) + "/") && !file.is_in(top)) {
        return std::string(top) + " is a program; nobody else may use it";
      }
    }
    if (file.is_in("host/values") && ours && !header.starts_with("host/values/")) {
      return "values know nothing";
    }
    if (file.is_in("host/role") && ours &&
        !begins_with_one_of(header, {"host/role/", "host/values/"})) {
      return "roles know values only";
    }
  }
  if (file.is_in("server")) {
    if (begins_with_one_of(header, {"plugins/", "tests/"})) return "server is not above it";
    if (header.starts_with("<rolesync/")) return "the server knows plugins through host/plugin";
    if (header.starts_with("host/") && !begins_with_one_of(header, host_for_server)) {
      return "the server may not use this part of the host";
    }
  }
  if (file.is_in("server/domain")) {
    if (begins_with_one_of(header, heavy)) return "the domain is pure";
    if (ours && !begins_with_one_of(
                    header, {"server/domain/", "host/values/", "host/role/", "host/activation/"})) {
      return "the domain is pure";
    }
  }
  if (header.starts_with("<boost/dll") && file.path != "host/plugin/library.cpp") {
    return "Boost.DLL lives in one file";
  }
  if (file.is_header() && (file.is_in("host") || file.is_in("server"))) {
    if (header == "<nlohmann/json.hpp>") return "headers include json_fwd.hpp only";
    if (header.starts_with("<boost/")) return "Boost stays out of headers";
  }
  return "";
}

Words violations(const fs::path& root) {
  Words found;
  for (const SourceFile& file : read_sources(root, {"sdk", "plugins", "host", "server"})) {
    if (file.is_in("sdk/testing")) continue;  // the test kit may show JSON
    for (const std::string& line : file.lines) {
      const std::string header = included(line);
      if (header.empty()) continue;
      const std::string why = objection(file, header);
      if (!why.empty()) found.push_back(file.path + " includes " + header + ": " + why);
    }
  }
  return found;
}

TEST(IncludeDirection, TheSourcesKeepIt) {
  EXPECT_THAT(violations(source_directory()), testing::IsEmpty());
}

TEST(IncludeDirection, EveryArrowThatPointsUpIsFound) {
  const std::pair<const char*, const char*> planted[] = {
      {"plugins/a.cpp", "#include \"host/values/json.hpp\""},
      {"plugins/b.cpp", "  #  include <Poco/File.h>"},
      {"sdk/include/rolesync/c.hpp", "#include <boost/any.hpp>"},
      {"host/plugin/d.cpp", "#include \"server/store/store.hpp\""},
      {"host/plugin/e.cpp", "#include <rolesync/role.hpp>"},
      {"host/plugin/f.cpp", "#include <boost/dll/import.hpp>"},
      {"host/facts/g.cpp", "#include \"host/agent/config.hpp\""},
      {"host/values/h.cpp", "#include \"host/role/role.hpp\""},
      {"host/stream/i.hpp", "#include <nlohmann/json.hpp>"},
      {"server/api/j.cpp", "#include \"host/agent/config.hpp\""},
      {"server/api/k.cpp", "#include \"host/activation/journal.hpp\""},
      {"server/domain/l.cpp", "#include <Poco/Net/Socket.h>"},
      {"server/domain/m.cpp", "#include \"server/store/store.hpp\""},
  };
  const std::pair<const char*, const char*> allowed[] = {
      {"plugins/z.cpp", "#include <rolesync/role.hpp>"},
      {"host/plugin/library.cpp", "#include <boost/dll/import.hpp>"},
      {"host/plugin/z.cpp", "#include <rolesync/abi.h>"},
      {"host/agent/z.cpp", "#include \"host/agent/config.hpp\""},
      {"server/api/z.cpp", "#include \"host/activation/manifest.hpp\""},
      {"server/domain/z.cpp", "#include \"host/role/role.hpp\""},
  };
  std::string name = fs::temp_directory_path() / "rolesync-house-XXXXXX";
  const fs::path root = ::mkdtemp(name.data());
  const auto write = [&](const auto& file) {
    fs::create_directories((root / file.first).parent_path());
    std::ofstream(root / file.first) << "// a comment\n" << file.second << "\n";
  };
  for (const auto& file : planted) write(file);
  for (const auto& file : allowed) write(file);
  const Words found = violations(root);
  EXPECT_EQ(found.size(), std::size(planted));
  for (const auto& file : planted) {
    EXPECT_THAT(found, testing::Contains(testing::StartsWith(std::string(file.first) + " ")));
  }
  fs::remove_all(root);
}

}  // namespace
}  // namespace rolesync::house
