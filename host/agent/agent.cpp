// SPDX-License-Identifier: Apache-2.0
#include "host/agent/agent.hpp"

#include <signal.h>
#include <unistd.h>

#include "host/agent/commands.hpp"
#include "host/agent/contact.hpp"
#include "host/agent/contact_text.hpp"
#include "host/agent/credential.hpp"
#include "host/agent/event_sender.hpp"
#include "host/agent/heartbeat.hpp"
#include "host/agent/inquirer.hpp"
#include "host/agent/log.hpp"
#include "host/agent/recovery.hpp"
#include "host/agent/rotation.hpp"
#include "host/agent/self_update/self_updater.hpp"
#include "host/agent/supervision.hpp"
#include "host/agent/tasks.hpp"
#include "host/agent/version.hpp"
#include "host/services/clock.hpp"
#include "host/services/file_system.hpp"

namespace rolesync::agent {
namespace {

plugin::RegistryOptions registry_options(const AgentConfig& config) {
  plugin::RegistryOptions options;
  options.packaged_directories.assign(config.plugin_dirs.begin(), config.plugin_dirs.end());
  options.drop_in_directories.assign(config.drop_in_dirs.begin(), config.drop_in_dirs.end());
  options.private_directory = config.state_dir + "/plugins";
  options.plugin_host_program = config.plugin_host;
  options.policy = config.plugin_policy;
  return options;
}

}  // namespace

// In the order in which each needs the ones above it.
struct Agent::Parts {
  Parts(const AgentConfig& config, UniqueFd lock, std::unique_ptr<EventQueue> queue_,
        std::string credential)
      : state_lock(std::move(lock)),
        queue(std::move(queue_)),
        unclean(begin_run(config, real_clock().boot_id())),
        contact(config, real_clock().boot_id()),
        heartbeat(
            {config, link, definitions, reporter, commands, registry, *queue, contact, liveness}),
        units(systemd_units()),
        ports(ports_at(kernel_ports(), config.health_address)),
        registry(registry_options(config)),
        plugins(config, registry),
        link(config, std::move(credential)),
        rotation(link, contact),
        events(*queue, real_clock()),
        store(config.state_dir + "/tasks"),
        installations(real_file_system(), config),
        definitions(config),
        sender(*queue, link),
        reporter({definitions, installations, prover, plugins, *units, *ports, real_clock(),
                  config.node_id},
                 unclean, [this] { heartbeat.poke(); }),
        prover([this](const std::string& role) {
          reporter.touch(role);
          heartbeat.poke();
        }),
        self_updater({config, *queue, stopping, [this] { return contact.has_reached_server(); },
                      [this] {
                        wants_restart = true;
                        ::kill(::getpid(), SIGUSR1);
                      }}),
        tasks({config, link, plugins, installations, prover, *units, *ports, real_clock(), store,
               events, self_updater, liveness},
              {.urgent = [this] { heartbeat.hurry(); },
               .ended = [this] { heartbeat.poke_and_report(); }}),
        inquirer({real_file_system(), config, link, installations, prover},
                 [this](const std::string& role) {
                   reporter.touch(role);
                   heartbeat.poke_and_report();
                 }),
        commands(config, link, tasks,
                 {[this] {
                    reporter.touch_all();
                    heartbeat.poke_and_report();
                  },
                  [this](const std::string& plugin) { return registry.unquarantine(plugin); },
                  [this](const std::string& inquiry) { inquirer.take(inquiry); }},
                 rotation) {}

  UniqueFd state_lock;
  std::unique_ptr<EventQueue> queue;
  const bool unclean;
  CancelFlag stopping{false}, wants_restart{false};
  Liveness liveness;
  Contact contact;
  // Poked by threads of what stands below until that is gone, so it goes last; its own threads,
  // which use what stands below, are ended before all.
  Heartbeat heartbeat;
  std::unique_ptr<Units> units;
  std::unique_ptr<Ports> ports;
  plugin::Registry registry;
  RolePlugins plugins;
  ServerLink link;
  Rotation rotation;
  TaskEvents events;
  TaskStore store;
  Installations installations;
  DefinitionStore definitions;
  EventSender sender;
  RoleReporter reporter;  // called back by the prover's thread
  Prover prover;
  SelfUpdater self_updater;
  Tasks tasks;
  Inquirer inquirer;
  Commands commands;
  std::unique_ptr<Supervision> supervision;
};

Agent::Agent() = default;

Result<std::unique_ptr<Agent>> Agent::start(const AgentConfig& config) {
  Result<std::string> credential = Credential::read(config);
  if (!credential) return credential.error();
  Result<UniqueFd> lock = lock_state(config);
  if (!lock) return lock.error();
  if (Status known = check_state_format(config); !known) return known.error();
  const StartInProgress starting;
  remove_leftovers(config);
  std::unique_ptr<EventQueue> queue =
      EventQueue::open(config.state_dir + "/queue", config.queue_limit);

  std::unique_ptr<Agent> agent(new Agent);
  agent->parts_ =
      std::make_unique<Parts>(config, std::move(*lock), std::move(queue), std::move(*credential));
  Parts& parts = *agent->parts_;
  (void)recover_installations(parts.installations);  // logged; the agent must reach its server
  parts.reporter.learn_releases();
  parts.registry.on_change([&parts] { parts.heartbeat.poke_and_report(); });
  parts.registry.start_watching();
  parts.tasks.resume_all();
  parts.commands.finish_rotation();
  parts.sender.start();
  parts.heartbeat.start();
  parts.supervision = std::make_unique<Supervision>(parts.liveness, [&parts] {
    return contact_line(parts.contact.now()) + "; " +
           std::to_string(parts.definitions.current()->roles.size()) + " roles";
  });
  log_event(LogLevel::info, "agent.started",
            {{"node", config.node_id},
             {"version", kAgentVersion},
             {"server", config.server_urls.front()}});
  return agent;
}

void Agent::stop() {
  parts_->link.stop();
  parts_->queue->stop();  // workers may be waiting for it
  parts_->tasks.stop();
  parts_->inquirer.stop();
  parts_->commands.stop();
  parts_->stopping = true;  // after the tasks know
}

bool Agent::wants_restart() const {
  return parts_->wants_restart;
}

Agent::~Agent() {
  if (!parts_) return;
  stop();
  parts_->registry.on_change({});
  parts_->heartbeat.end();
  parts_->contact.stopped();
}

}  // namespace rolesync::agent
