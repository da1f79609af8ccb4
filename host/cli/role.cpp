// SPDX-License-Identifier: Apache-2.0
// `rolesync role list|show|apply|remove`.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "host/cli/commands.hpp"
#include "host/cli/fields.hpp"
#include "host/cli/json_input.hpp"
#include "host/cli/role_action.hpp"
#include "host/cli/session.hpp"
#include "host/cli/text.hpp"
#include "host/cli/wall_clock.hpp"

namespace rolesync::cli {
namespace {

std::string restart_words(const Json& role) {
  if (text_of(role, "systemd_service").empty()) return "-";
  return text_of(role, "systemd_service") + (flag_of(role, "auto_restart") ? "" : " (by hand)");
}

std::string check_words(const Json& role) {
  const auto port = number_of(role, "health_check_port");
  return port == 0 ? "-" : std::to_string(port) + " " + text_of(role, "health_check_path");
}

int list_roles(Session& session) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto list = (*api)->get_list("/api/roles", "roles");
  if (!list) return session.fail(list.error());
  if (session.json()) return session.print(*list), kOk;
  Table table({"ROLE", "FROM", "TO", "SERVICE", "CHECK", "PLUGIN", "NEWEST"});
  for (const Json& role : array_of(*list, "roles")) {
    const Json& latest = object_of(role, "latest");
    const std::string error = text_of(role, "error");
    const std::string files =
        text_of(latest, "commit").empty()
            ? "-"
            : short_commit(text_of(latest, "commit")) + ", " +
                  counted(static_cast<std::size_t>(number_of(latest, "files")), "file");
    table.add({text_of(role, "role_name"), joined(texts_of(role, "source_paths")),
               text_of(role, "target_path"), restart_words(role), check_words(role),
               text_of(role, "plugin"), error.empty() ? Cell(files) : Cell(error, Style::bad)});
  }
  session.print(table);
  return kOk;
}

std::string value_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : to_text(value);
}

int show_role(Session& session, const std::string& name) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto role = (*api)->get("/api/roles/" + encoded(name));
  if (!role) return session.fail(role.error());
  if (session.json()) return session.print(*role), kOk;
  const Json& provenance = object_of(*role, "provenance");
  Table table({"FIELD", "FROM", "VALUE"});
  for (const auto& [field, value] : role->items())
    if (provenance.contains(field))
      table.add({field, {text_of(provenance, field.c_str()), Style::dim}, value_text(value)});
  session.print(table);
  session.say(printable("revision " + text_of(*role, "role_revision")));
  if (const auto error = text_of(*role, "error"); !error.empty()) session.warn(printable(error));
  return kOk;
}

Result<Json> read_role(const std::string& path) {
  auto role = read_json_input(path);
  if (!role) return role.error();
  if (text_of(*role, "role_name").empty())
    return Error{ErrorKind::invalid, "role_without_name", path + " names no role",
                 "it needs at least {\"role_name\": \"...\"}"};
  return role;
}

int apply_role(Session& session, const std::string& path) {
  auto role = read_role(path);
  if (!role) return session.fail(role.error());
  auto api = session.api();
  if (!api) return session.fail(api.error());
  const std::string name = text_of(*role, "role_name");
  auto now = (*api)->put("/api/roles/" + encoded(name), *role);
  if (!now) return session.fail(now.error());
  if (session.json()) return session.print(*now), kOk;
  session.say(printable(name + " is at revision " + text_of(*now, "role_revision") +
                        "; nothing is deployed before: rolesync plan --role " + name));
  return kOk;
}

int remove_role(Session& session, const std::string& name) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto status = (*api)->remove("/api/roles/" + encoded(name));
  if (!status) return session.fail(status.error());
  session.say(name + ": what was set by hand is gone; a plugin's definition counts again");
  return kOk;
}

int list_held(Session& session) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto list = (*api)->get("/api/held-contents");
  if (!list) return session.fail(list.error());
  if (session.json()) return session.print(*list), kOk;
  Table table({"ROLE", "COMMIT", "SINCE", "JOB", "WHY"});
  for (const Json& held : array_of(*list, "held_contents")) {
    const std::string message = text_of(held, "message");
    table.add({text_of(held, "role_name"), short_commit(text_of(held, "commit")),
               age_of(text_of(held, "held_at")), text_of(held, "job_id"),
               first_line(message.empty() ? text_of(held, "reason") : message)});
  }
  if (table.empty()) return session.say("nothing is held"), kOk;
  session.print(table);
  return kOk;
}

int unhold_role(Session& session, const std::string& name) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto status = (*api)->remove("/api/held-contents/" + encoded(name));
  if (!status) return session.fail(status.error());
  session.say(name + ": automatic runs may deploy all of its contents again");
  return kOk;
}

}  // namespace

void add_role(CLI::App& app, Session& session) {
  CLI::App* role = app.add_subcommand("role", "what goes where")->require_subcommand(1);
  auto name = std::make_shared<std::string>();
  role->add_subcommand("list", "all roles")->callback([&session] {
    session.action = [&session] { return list_roles(session); };
  });
  CLI::App* show = role->add_subcommand("show", "every field and where its value comes from");
  show->add_option("role", *name)->required();
  show->callback([&session, name] {
    session.action = [&session, name] { return show_role(session, *name); };
  });
  CLI::App* apply = role->add_subcommand("apply", "create or change a role from a JSON file");
  apply->add_option("file", *name, "the file; - is standard input")->required();
  apply->callback([&session, name] {
    session.action = [&session, name] { return apply_role(session, *name); };
  });
  add_role_actions(*role, session);
  role->add_subcommand("held", "contents that broke a rollout; automatic runs leave them out")
      ->callback([&session] { session.action = [&session] { return list_held(session); }; });
  CLI::App* unhold = role->add_subcommand("unhold", "let the held contents of a role go");
  unhold->add_option("role", *name)->required();
  unhold->callback([&session, name] {
    session.action = [&session, name] { return unhold_role(session, *name); };
  });

  CLI::App* remove = role->add_subcommand("remove", "drop what was set by hand");
  remove->add_option("role", *name)->required();
  remove->callback([&session, name] {
    session.action = [&session, name] { return remove_role(session, *name); };
  });
}

}  // namespace rolesync::cli
