// SPDX-License-Identifier: Apache-2.0
#include "host/cli/plan_text.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "host/cli/fields.hpp"
#include "host/cli/table.hpp"
#include "host/cli/text.hpp"

namespace rolesync::cli {
namespace {

constexpr std::size_t kFilesShown = 12;

std::string version_text(const Json& version) {
  const std::string commit = text_of(version, "commit");
  return commit.empty() ? "nothing" : short_commit(commit);
}

std::string file_counts(const Json& row) {
  std::vector<std::string> parts;
  for (const auto& [key, sign] : {std::pair{"files_added", "+"}, std::pair{"files_changed", "~"},
                                  std::pair{"files_removed", "-"}})
    if (const auto n = number_of(row, key); n > 0) parts.push_back(sign + std::to_string(n));
  return parts.empty() ? "-" : joined(parts, " ");
}

// "content_changed" reads "content changed".
std::string words(std::string code) {
  for (char& c : code)
    if (c == '_') c = ' ';
  return code;
}

std::string restart_text(const Json& row) {
  const std::string why = words(text_of(row, "restart_reason"));
  const std::string what = flag_of(row, "restart") ? "yes" : "no";
  return why.empty() ? what : what + ": " + why;
}

Table rows_table(const Json& plan) {
  Table table({"ROLE", "NODE", "FROM", "TO", "CHANGE", "FILES", "BYTES", "RESTART", "GATE"});
  table.right(6);
  for (const Json& row : array_of(plan, "rows")) {
    const std::string change = text_of(row, "change");
    table.add({text_of(row, "role"),
               text_of(row, "node"),
               version_text(object_of(row, "from")),
               version_text(object_of(row, "to")),
               {change, change == "none" ? Style::dim : Style::strong},
               file_counts(row),
               human_bytes(static_cast<std::uint64_t>(number_of(row, "bytes"))),
               restart_text(row),
               text_of(row, "gate")});
  }
  return table;
}

// Once for each role: its rows differ in them only when some restart and others do not.
std::string commands_text(const Json& plan) {
  std::map<std::string, std::vector<std::string>> by_role;
  for (const Json& row : array_of(plan, "rows")) {
    auto& known = by_role[text_of(row, "role")];
    for (const Json& field : array_of(row, "commands")) {
      const std::string name = field.is_string() ? field.get<std::string>() : "";
      if (std::find(known.begin(), known.end(), name) == known.end()) known.push_back(name);
    }
  }
  std::string out;
  for (const auto& [role, commands] : by_role)
    if (!commands.empty())
      out += printable(role + " runs commands: " + joined(commands, ", ")) + "\n";
  return out.empty() ? out : "\n" + out;
}

std::string blockers_text(const Json& plan, bool colour) {
  std::string out;
  for (const Json& row : array_of(plan, "rows")) {
    for (const Json& blocker : array_of(row, "blockers")) {
      const bool stops = text_of(blocker, "severity") != "warning";
      out += styled(stops ? "blocked" : "warning", stops ? Style::bad : Style::warn, colour) +
             "  " +
             printable(text_of(row, "role") + " on " + text_of(row, "node") + ": " +
                       text_of(blocker, "message") + " [" + text_of(blocker, "reason") + "]") +
             "\n";
      if (const auto hint = text_of(blocker, "hint"); !hint.empty())
        out += "         -> " + printable(hint) + "\n";
    }
  }
  return out.empty() ? out : "\n" + out;
}

std::string file_line(const char* sign, Style style, const Json& file, bool colour) {
  std::string note;
  if (*sign != '-')
    note = "  " + human_bytes(static_cast<std::uint64_t>(number_of(file, "size_bytes")));
  if (const auto mode = text_of(file, "mode"); mode == "100755")
    note += "  executable";
  else if (mode == "120000")
    note += "  symlink";
  return "  " + styled(std::string(sign) + " " + printable(text_of(file, "path")), style, colour) +
         styled(note, Style::dim, colour) + "\n";
}

std::string file_list(const Json& list, const PlanTextOptions& options) {
  std::string out = "\n" + styled(printable(text_of(list, "role")), Style::strong, options.colour) +
                    (text_of(list, "from_content_id").empty() ? ", first install" : "") + "\n";
  std::size_t shown = 0, total = 0;
  struct Kind {
    const char *key, *sign;
    Style style;
  };
  for (const Kind& kind : {Kind{"added", "+", Style::good}, Kind{"changed", "~", Style::warn},
                           Kind{"removed", "-", Style::bad}}) {
    for (const Json& file : array_of(list, kind.key)) {
      ++total;
      if (!options.all_files && shown == kFilesShown) continue;
      ++shown;
      out += file_line(kind.sign, kind.style, file, options.colour);
    }
  }
  if (total == 0) return {};
  if (total > shown) out += "  and " + std::to_string(total - shown) + " more (--all-files)\n";
  if (flag_of(list, "truncated")) out += "  the server lists 1,000 at most\n";
  return out;
}

std::string commits_text(const Json& plan, bool colour) {
  std::string out;
  for (const Json& commit : array_of(plan, "commits"))
    out += "  " + styled(short_commit(text_of(commit, "commit")), Style::warn, colour) + " " +
           printable(first_line(text_of(commit, "message"))) + "\n";
  return out.empty() ? out : "\ncommits\n" + out;
}

}  // namespace

std::string plan_text(const Json& plan, const PlanTextOptions& options) {
  std::string out = "plan " + printable(text_of(plan, "plan_hash")) + "\n\n";
  out += rows_table(plan).text(options.colour, options.width);
  out += commands_text(plan);
  out += blockers_text(plan, options.colour);
  for (const Json& list : array_of(plan, "files")) out += file_list(list, options);
  return out + commits_text(plan, options.colour);
}

}  // namespace rolesync::cli
