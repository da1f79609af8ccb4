// SPDX-License-Identifier: Apache-2.0
// What this node says about its roles: what is detected, what is installed, and what the disk
// proves. Made for every heartbeat and looked at in between; one at a time, from any thread.
#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "host/agent/definitions.hpp"
#include "host/agent/installations.hpp"
#include "host/agent/observer.hpp"
#include "host/agent/proof_schedule.hpp"
#include "host/agent/prover.hpp"
#include "host/agent/rereader.hpp"
#include "host/agent/role_plugins.hpp"
#include "host/facts/facts.hpp"
#include "host/services/clock.hpp"
#include "host/values/json.hpp"

namespace rolesync::agent {

// Compact JSON texts of the parts of a heartbeat that seldom change.
struct LocalReport {
  std::string roles;            // role_report
  std::string listening_ports;  // listening_ports
};

class RoleReporter {
 public:
  struct Parts {
    DefinitionStore& definitions;
    Installations& installations;
    Prover& prover;
    RolePlugins& plugins;
    Units& units;
    Ports& ports;
    Clock& clock;
    std::string node_id;
  };
  // `full_first`: the machine did not end cleanly, so nothing is believed.
  // `late`: something became known after a look; another one is due. Any thread.
  RoleReporter(Parts parts, bool full_first, std::function<void()> late)
      : parts_(std::move(parts)),
        full_first_(full_first),
        rereader_(parts_.installations, [late](const std::string&) { late(); }),
        observer_(std::move(late)) {}

  // At start, before a task uses an installation again: what the markers say is installed. Until it
  // can be proven, that is reported, and not that there is nothing.
  void learn_releases();

  enum class Occasion { heartbeat, between };
  LocalReport look(Occasion occasion);

  void touch(const std::string& role);  // prove it at the next look
  void touch_all();

 private:
  struct Installed {
    Installed(bool full_first, std::chrono::seconds until_daily)
        : schedule(full_first, until_daily) {}
    ProofSchedule schedule;
    std::string task_id;                // of the release that is being watched
    bool present = false;               // there is a release
    bool rereading = false;             // all its files are being read
    std::shared_ptr<const Json> facts;  // version, content_id, ... as they stand in the report
    Moment activation;
    Millis verified_at = 0, reported_at = 0;
    std::string error, error_reason;  // why what is installed is not known or not proven
  };
  Installed& installed(const std::string& role);
  void prove(const Role& role, Installed& state, Occasion occasion);
  ProofSchedule::Due reread(const Role& role, Installed& state, ProofSchedule::Due due);
  void prove_now(const Role& role, Installed& state, const Held& held,
                 std::chrono::steady_clock::time_point begin, ProofSchedule::Due due);
  static void take_release(Installed& state, const Release* release);
  static void take_trouble(Installed& state, const Error& error);
  Observation observe(const Role& role, const std::shared_ptr<const Facts>& facts,
                      const CancelFlag* cancelled) const;
  static Json report_role(const Role& role, const Facts& facts, const Installed& state,
                          const Observation& observation, const std::string& boot_id);
  const FactQuestion& question(const std::shared_ptr<const Definitions>& definitions);

  Parts parts_;
  const bool full_first_;
  std::mutex look_mutex_;
  std::shared_ptr<const Definitions> asked_for_;  // what question_ was made of
  FactQuestion question_;
  std::mutex mutex_;  // the map and the schedules' touches
  std::map<std::string, Installed> installed_;
  Rereader rereader_;
  Observer observer_;  // last: its threads use the others
};

}  // namespace rolesync::agent
