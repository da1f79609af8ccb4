// SPDX-License-Identifier: Apache-2.0
#include "host/activation/journal.hpp"

#include <nlohmann/json.hpp>

#include "host/activation/sealed_text.hpp"
#include "host/values/json.hpp"
#include "host/values/names.hpp"

namespace rolesync {
namespace {

// A slot is one plain name, so that a journal can never point out of staging/.
bool is_slot(std::string_view text) {
  return !text.empty() && text.front() != '.' && text.find('/') == std::string_view::npos;
}

bool parse_step(std::string_view head, SwitchStep& step) {
  std::string_view old;
  std::string_view next;
  if (!take_field(head, ' ', old) || !take_field(head, ' ', next)) return false;
  step.slot = head;
  return parse_file(old, step.old) && parse_file(next, step.next) && is_slot(head) &&
         is_relative_path(step.path);
}

}  // namespace

std::string to_text(const Journal& journal) {
  const Json header = {{"sequence", journal.sequence}, {"keep", journal.keep}};
  std::string body = to_text(header) + "\n";
  for (const SwitchStep& step : journal.steps) {
    body += to_text(step.old) + " " + to_text(step.next) + " " + step.slot;
    body += '\0';
    body += step.path;
    body += '\0';
  }
  return seal("journal", body);
}

Result<Journal> parse_journal(std::string_view text, const std::string& path) {
  const Result<std::string_view> body = unseal("journal", text, path);
  if (!body) return body.error();
  std::string_view rest = *body;
  std::string_view line;
  if (!take_field(rest, '\n', line)) return state_damaged(path, "it has no header");
  const Result<Json> header = parse_json(line);
  if (!header) return state_damaged(path, header.error().message);
  Journal journal;
  try {
    header->at("sequence").get_to(journal.sequence);
    header->at("keep").get_to(journal.keep);
  } catch (const Json::exception& problem) {
    return state_damaged(path, problem.what());
  }
  while (!rest.empty()) {
    std::string_view head;
    std::string_view file;
    if (!take_field(rest, '\0', head) || !take_field(rest, '\0', file)) {
      return state_damaged(path, "the last step is cut off");
    }
    SwitchStep step;
    step.path = file;
    if (!parse_step(head, step)) return state_damaged(path, "a step is not readable");
    journal.steps.push_back(std::move(step));
  }
  return journal;
}

std::string edits_text(const FilesByPath& edits) {
  std::string body;
  for (const auto& [path, file] : edits) {
    body += to_text(file);
    body += '\0';
    body += path;
    body += '\0';
  }
  return seal("edits", body);
}

Result<FilesByPath> parse_edits(std::string_view text, const std::string& path) {
  const Result<std::string_view> body = unseal("edits", text, path);
  if (!body) return body.error();
  FilesByPath edits;
  for (std::string_view rest = *body; !rest.empty();) {
    std::string_view head;
    std::string_view file;
    MaybeFile was;
    if (!take_field(rest, '\0', head) || !take_field(rest, '\0', file) || !parse_file(head, was) ||
        !is_relative_path(file)) {
      return state_damaged(path, "a record is not readable");
    }
    edits[std::string(file)] = was;
  }
  return edits;
}

}  // namespace rolesync
