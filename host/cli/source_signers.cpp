// SPDX-License-Identifier: Apache-2.0
// `rolesync source signers|require-signed|allow-unsigned`: whose signature commits need.
#include "host/cli/source_signers.hpp"

#include <CLI/CLI.hpp>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "host/cli/fields.hpp"
#include "host/cli/session.hpp"
#include "host/cli/text.hpp"

namespace rolesync::cli {
namespace {

struct SignersCommand {
  std::string source = "main", allowed_signers_file, gpg_keys_file;
};

int print_signers(Session& session, const Json& signers) {
  if (session.json()) return session.print(signers), kOk;
  session.say(flag_of(signers, "required") ? "commits must be signed by one of these"
                                           : "commits need no signature");
  session.print(text_of(signers, "allowed_signers"));
  session.print(text_of(signers, "gpg_keys"));
  return kOk;
}

int show(Session& session, const SignersCommand& command) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto signers = (*api)->get("/api/code-source/signers?source=" + encoded(command.source));
  if (!signers) return session.fail(signers.error());
  return print_signers(session, *signers);
}

// Leaves the text as it is when no file is named.
Status read_into(Json& request, const char* field, const std::string& file) {
  if (file.empty()) return {};
  std::ifstream input(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(input), {}};
  if (!input) {
    return Error{ErrorKind::invalid, "file_unreadable", "cannot read " + file,
                 "name a file that you may read"};
  }
  request[field] = text;
  return {};
}

int put(Session& session, const SignersCommand& command, bool required) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto request = (*api)->get("/api/code-source/signers?source=" + encoded(command.source));
  if (!request) return session.fail(request.error());
  (*request)["required"] = required;
  if (auto read = read_into(*request, "allowed_signers", command.allowed_signers_file); !read)
    return session.fail(read.error());
  if (auto read = read_into(*request, "gpg_keys", command.gpg_keys_file); !read)
    return session.fail(read.error());
  auto signers = (*api)->put("/api/code-source/signers", *request);
  if (!signers) return session.fail(signers.error());
  return print_signers(session, *signers);
}

int require_signed(Session& session, const SignersCommand& command) {
  return put(session, command, true);
}

int allow_unsigned(Session& session, const SignersCommand& command) {
  return put(session, command, false);
}

}  // namespace

void add_signer_verbs(CLI::App& source, Session& session) {
  auto command = std::make_shared<SignersCommand>();
  const auto verb = [&](const char* name, const char* about,
                        int (*run)(Session&, const SignersCommand&)) {
    CLI::App* sub = source.add_subcommand(name, about);
    sub->add_option("--source", command->source, "code source (default main)");
    sub->callback([&session, command, run] {
      session.action = [&session, command, run] { return run(session, *command); };
    });
    return sub;
  };
  verb("signers", "whose signature commits need", show);
  CLI::App* require = verb("require-signed",
                           "deploy only commits that an allowed signer has signed", require_signed);
  require->add_option("--allowed-signers", command->allowed_signers_file,
                      "file as ssh-keygen(1) describes it; replaces the one there is");
  require->add_option("--gpg-keys", command->gpg_keys_file,
                      "file of armoured public keys; replaces the one there is");
  verb("allow-unsigned", "require no signatures", allow_unsigned);
}

}  // namespace rolesync::cli
