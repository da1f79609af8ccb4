// SPDX-License-Identifier: Apache-2.0
// The child's half of probe.hpp, apart so that rolesync-plugin-host stays small.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "host/plugin/library.hpp"
#include "host/plugin/private_wire.hpp"
#include "host/plugin/probe.hpp"
#include "host/plugin/status_codes.hpp"
#include "host/plugin/wire.hpp"

namespace rolesync::plugin {
namespace {

Json answer_of(const std::filesystem::path& file) {
  const auto library = load_library(file);
  if (!library) return {{"refused", error_to_json(library.error())}};
  const Result<std::string> text = describe(**library);
  if (!text) return {{"refused", error_to_json(text.error())}};
  return {{"descriptor", *text}};
}

}  // namespace

int run_probe(const std::filesystem::path& file) {
  const PrivateWire wire = take_private_wire();
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  const bool told = write_line(wire.out.get(), answer_of(file), patience).ok();
  std::_Exit(told ? 0 : 1);  // its static destructors are its own affair
}

}  // namespace rolesync::plugin
