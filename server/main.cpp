// SPDX-License-Identifier: Apache-2.0
// rolesync-server: `init` prepares a server, `run` (the default) is one until SIGTERM.
#include <Poco/Util/ServerApplication.h>
#include <signal.h>

#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

#include "host/services/own_process.hpp"
#include "host/services/service_manager.hpp"
#include "server/config.hpp"
#include "server/init.hpp"
#include "server/log.hpp"
#include "server/maintenance.hpp"
#include "server/program.hpp"
#include "server/version.hpp"

namespace {

using rolesync::ServerConfig;

struct Flags {
  std::string config = "/etc/rolesync/server.toml";
  std::string state_dir, listen, store;
  std::vector<std::string> plugin_dirs, drop_in_dirs, allowed_sources, names;
  bool tls = false;
};

int fail(const rolesync::Error& error) {
  return rolesync::failed(error);
}

std::vector<std::filesystem::path> absolute(const std::vector<std::string>& paths) {
  std::vector<std::filesystem::path> result;
  result.reserve(paths.size());
  for (const std::string& path : paths) result.push_back(std::filesystem::absolute(path));
  return result;
}

void apply_flags(ServerConfig& config, const Flags& flags) {
  if (!flags.state_dir.empty()) config.state_dir = std::filesystem::absolute(flags.state_dir);
  if (!flags.listen.empty()) config.listen = flags.listen;
  if (!flags.store.empty()) config.store = flags.store;
  if (!flags.plugin_dirs.empty()) config.plugin_dirs = absolute(flags.plugin_dirs);
  if (!flags.drop_in_dirs.empty()) config.drop_in_dirs = absolute(flags.drop_in_dirs);
  for (auto& path : absolute(flags.allowed_sources)) config.allowed_sources.push_back(path);
}

int init(const Flags& flags) {
  rolesync::InitOptions options;
  options.config_file = flags.config;
  rolesync::apply_environment(options.config);
  apply_flags(options.config, flags);
  options.tls = flags.tls;
  options.names = flags.names;
  const auto done = rolesync::init_server(options);
  if (!done) return fail(done.error());
  std::printf("wrote %s\n", flags.config.c_str());
  if (done->tls) std::printf("CA certificate: %s\n", done->ca_file.c_str());
  std::printf("admin token (also in %s, shown only now): %s\n", done->token_file.c_str(),
              done->admin_token.c_str());
  std::printf("next: rolesync-server run --config %s\n", flags.config.c_str());
  return 0;
}

sigset_t awaited_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP}) sigaddset(&signals, signal);
  return signals;
}

// Whatever hangs while we stop: the process ends in time. All that was answered is on the disk, and
// jobs are taken up again from there.
class StopLimit {
 public:
  StopLimit() : thread_([this] { watch(); }) {}
  ~StopLimit() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

 private:
  void watch() {
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, std::chrono::seconds(25), [this] { return stopped_; })) return;
    spdlog::error("event=stop_forced message=\"not everything ended within 25 s\"");
    std::_Exit(EXIT_FAILURE);
  }
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopped_ = false;
  std::thread thread_;
};

class Application : public Poco::Util::ServerApplication {
 public:
  explicit Application(ServerConfig config) : program_(std::move(config)) {}

 protected:
  int main(const std::vector<std::string>&) override {
    if (rolesync::Status started = program_.start(); !started) return fail(started.error());
    rolesync::tell_service_manager("READY=1");
    wait_for_end();
    rolesync::tell_service_manager("STOPPING=1");
    const StopLimit limit;
    program_.stop();
    return EXIT_OK;
  }

 private:
  // SIGHUP means: read again what may change while we run.
  void wait_for_end() {
    const sigset_t awaited = awaited_signals();
    for (int signal = 0; sigwait(&awaited, &signal) == 0 && signal == SIGHUP;) program_.reload();
  }

  rolesync::ServerProgram program_;
};

rolesync::Result<ServerConfig> read_config(const Flags& flags) {
  auto config = rolesync::load_config(flags.config);
  if (!config) return config.error();
  rolesync::apply_environment(*config);
  apply_flags(*config, flags);
  if (rolesync::Status valid = rolesync::complete(*config); !valid) return valid.error();
  return config;
}

int maintain(const Flags& flags, int (*work)(const ServerConfig&, const std::string&),
             const std::string& what) {
  const auto config = read_config(flags);
  return config ? work(*config, what) : fail(config.error());
}

int run(const Flags& flags, char* program_name) {
  auto config = read_config(flags);
  if (!config) return fail(config.error());
  rolesync::start_logging(config->log_format, config->log_level);

  rolesync::keep_heaps(2);
  rolesync::open_many_files();
  // Before any thread exists, so that the signal reaches the one that waits for it.
  const sigset_t awaited = awaited_signals();
  pthread_sigmask(SIG_BLOCK, &awaited, nullptr);
  signal(SIGPIPE, SIG_IGN);

  Application application(std::move(*config));
  char* argv[] = {program_name, nullptr};
  return application.run(1, argv);  // the command line is read already
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  if (const char* file = std::getenv("ROLESYNC_SERVER_CONFIG")) flags.config = file;
  CLI::App app("The rolesync server");
  app.set_version_flag("--version", rolesync::server_version);
  app.fallthrough();
  app.add_option("--config", flags.config, "configuration file")->capture_default_str();
  app.add_option("--state-dir", flags.state_dir, "database, mirrors, cache, secrets");
  app.add_option("--listen", flags.listen, "address:port");
  app.add_option("--store", flags.store, "sqlite, or postgresql://user@host/database");
  app.add_option("--plugin-dir", flags.plugin_dirs, "packaged plugins; repeatable")
      ->allow_extra_args(false);
  app.add_option("--drop-in-dir", flags.drop_in_dirs, "dropped-in plugins; repeatable")
      ->allow_extra_args(false);
  app.add_option("--allow-source", flags.allowed_sources,
                 "directory whose repositories may be a source of transport file; repeatable")
      ->allow_extra_args(false);
  auto* init_command = app.add_subcommand("init", "make state directory, config and first token");
  init_command->add_flag("--tls", flags.tls, "make a CA and a certificate");
  init_command->add_option("--name", flags.names, "name or address in the certificate; repeatable")
      ->allow_extra_args(false);
  std::string backup_file, restore_file, migrate_to;
  auto* backup_command =
      app.add_subcommand("backup", "write the database to a file; the server may go on");
  backup_command->add_option("FILE", backup_file, "a new file")->required();
  auto* restore_command =
      app.add_subcommand("restore", "put a backup in the place of the database; no server runs");
  restore_command->add_option("FILE", restore_file, "made by backup")->required();
  auto* migrate_command =
      app.add_subcommand("migrate", "move the database from SQLite to PostgreSQL");
  migrate_command->add_option("--to", migrate_to, "postgresql://user@host/database")->required();
  app.add_subcommand("run", "serve until SIGTERM (the default)");
  app.require_subcommand(0, 1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    const int code = app.exit(problem);
    return code == 0 ? 0 : 2;
  }
  if (backup_command->parsed()) return maintain(flags, rolesync::back_up_store, backup_file);
  if (restore_command->parsed()) return maintain(flags, rolesync::restore_store, restore_file);
  if (migrate_command->parsed()) return maintain(flags, rolesync::migrate_store_to, migrate_to);
  return init_command->parsed() ? init(flags) : run(flags, argv[0]);
}
