// SPDX-License-Identifier: Apache-2.0
#include "host/cli/plugin/markdown.hpp"

#include <nlohmann/json.hpp>
#include <vector>

#include "host/cli/fields.hpp"
#include "host/cli/text.hpp"

namespace rolesync::cli {
namespace {

// A table cell: one line, no bar of its own.
std::string cell(const std::string& text) {
  std::string safe;
  for (const char c : printable(text)) {
    if (c == '|') safe += '\\';
    safe += c == '\n' ? ' ' : c;
  }
  return safe;
}

std::string code(const std::string& text) {
  return "`" + cell(text) + "`";
}

std::string value_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : to_text(value);
}

std::string allowed_values(const Json& rule) {
  std::string text;
  if (const auto list = rule.find("enum"); list != rule.end()) {
    for (const Json& value : *list) text += (text.empty() ? "" : ", ") + code(value_text(value));
    return text;
  }
  if (rule.contains("minimum")) text = "at least " + to_text(rule["minimum"]);
  if (rule.contains("maximum"))
    text += (text.empty() ? "at most " : ", at most ") + to_text(rule["maximum"]);
  return text;
}

std::string default_text(const Json& rule) {
  if (rule.value("required", false)) return "required";
  return rule.contains("default") ? code(value_text(rule["default"])) : "";
}

std::string spoken_kind(const std::string& kind) {
  return kind == "restart_strategy" ? "restart strategy" : kind;
}

std::string provided_text(const plugin::Provided& provided) {
  std::string text = "\n## " + spoken_kind(provided.kind) + " " + code(provided.id) + "\n\n";
  if (!provided.summary.empty()) text += cell(provided.summary) + "\n\n";
  std::vector<std::string> needs;
  for (const std::string& need : provided.needs) needs.push_back(code(need));
  text += "* Asks the host for: " + (needs.empty() ? "nothing" : joined(needs)) + "\n";
  text += std::string("* Calls at once: ") + (provided.parallel ? "several" : "one") + "\n";
  std::vector<std::string> limits;
  for (const auto& [method, seconds] : provided.timeouts)
    limits.push_back(code(method) + " " + std::to_string(seconds) + " s");
  if (!limits.empty()) text += "* Time limits: " + joined(limits) + "\n";
  if (const std::string table = option_table(provided.options_schema); !table.empty())
    text += "\n" + table;
  return text;
}

}  // namespace

std::string option_table(const std::string& options_schema) {
  const auto schema = parse_json(options_schema);
  if (!schema || !schema->is_object() || schema->empty()) return "";
  std::string text =
      "| option | type | default | allowed | meaning |\n"
      "|---|---|---|---|---|\n";
  for (const auto& [name, rule] : schema->items()) {
    text += "| " + code(name) + " | " + cell(text_of(rule, "type")) + " | " + default_text(rule) +
            " | " + allowed_values(rule) + " | " + cell(text_of(rule, "help")) + " |\n";
  }
  return text;
}

std::string plugin_markdown(const plugin::Descriptor& descriptor) {
  std::string text = "# " + cell(descriptor.name) + " " + cell(descriptor.version_text) + "\n";
  for (const auto& provided : descriptor.provides) text += provided_text(provided);
  return text;
}

}  // namespace rolesync::cli
