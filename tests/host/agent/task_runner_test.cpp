// SPDX-License-Identifier: Apache-2.0
// The generated cases of a task, done by the real runner: real files and their switch, real
// commands and a real service's control program. A step fails, is killed by a signal, hangs, or the
// agent is killed or ended by TERM in the middle of it and goes on from its record. Afterwards: the
// promised end, one whole release, the service and the load balancer as they should be, every step
// taken in the machine's order, and no process left.
#include "host/agent/task_runner.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/agent/event_queue.hpp"
#include "host/agent/installations.hpp"
#include "host/agent/role_commands.hpp"
#include "host/plugin/registry.hpp"
#include "host/services/clock.hpp"
#include "host/services/durable_file.hpp"
#include "host/services/running_programs.hpp"
#include "tests/host/activation/recording_file_system.hpp"
#include "tests/host/activation/tree_fixture.hpp"
#include "tests/host/agent/task_cases.hpp"
#include "tests/place.hpp"

#ifndef ROLESYNC_TASK_SHAPES
#define ROLESYNC_TASK_SHAPES 1
#endif

namespace rolesync::agent {
namespace {

using namespace task_cases;
namespace stdfs = std::filesystem;

const Tree kOld = {{"version", "one\n"}, {"gone", "leaves\n"}, {"run", "#!/bin/sh\n"}};
const Tree kNew = {{"version", "two\n"}, {"come", "arrives\n"}, {"run", "#!/bin/sh\n# new\n"}};

// What every command of the role and its service's control program are. It knows the step from the
// record, which is written before a step begins, and does what the file `fault.STEP` says.
constexpr const char* kScript = R"sh(
cd "${0%/*}" || exit 9
step=none
for record in state/tasks/*.json; do
  [ -e "$record" ] && step=$(sed 's/.*"step":"\([a-z_]*\)".*/\1/' "$record")
done
case "$1:$step" in status:health|status:restore_health) ;; status:*) step=none ;; esac
echo "$step" >>calls
if [ -e "fault.$step" ]; then
  case $(cat "fault.$step") in
    fails) exit 1 ;;
    is_killed) kill -9 $$ ;;
    hangs) exec sleep 1000 ;;
    agent_dies) rm "fault.$step"; kill -9 $PPID; exec sleep 1000 ;;
    term) rm "fault.$step"; echo >reached; exec sleep 1000 ;;
  esac
fi
case $1 in
  start) : >running ;;
  stop) rm -f running ;;
  drain_cmd) : >drained ;;
  undrain_cmd|undrain_old) rm -f drained ;;
  status) [ -e running ] || exit 3 ;;
esac
)sh";

enum class Fault { ok, fails, is_killed, hangs, agent_dies_unswitched, agent_dies_switched, term };
const char* word(Fault fault) {
  switch (fault) {
    case Fault::ok:
      return "ok";
    case Fault::fails:
      return "fails";
    case Fault::is_killed:
      return "is_killed";
    case Fault::hangs:
      return "hangs";
    case Fault::agent_dies_unswitched:
    case Fault::agent_dies_switched:
      return "agent_dies";
    case Fault::term:
      return "term";
  }
  return "";
}
// TERM ends the agent, and its command with it, as a death does: the record goes on from there.
Event event_of(Fault fault) {
  return fault == Fault::term ? Event::agent_dies_switched : static_cast<Event>(fault);
}

bool is_of_files(Step step) {
  return step == Step::activate || step == Step::restore;
}

struct Case {
  std::string shape_name;
  TaskShape shape;
  Step step;
  Fault fault;
  Arrival arrival;
};
std::ostream& operator<<(std::ostream& out, const Case& each) {
  return out << each.shape_name << " " << step_name(each.step) << " " << word(each.fault);
}

std::vector<std::pair<std::string, TaskShape>> shapes() {
  TaskShape first = everything();
  first.had_release = first.old_commands = first.old_undrain = first.stop_first = false;
  TaskShape live = everything();
  live.stop_first = false;
  TaskShape files;
  files.had_release = true;
  TaskShape commands_only = everything();
  commands_only.has_service = commands_only.has_health = false;
  commands_only.restart = commands_only.stop_first = false;
  TaskShape not_restarted = everything();
  not_restarted.restart = not_restarted.stop_first = false;
  std::vector<std::pair<std::string, TaskShape>> all = {{"everything", everything()},
                                                        {"first_install", first},
                                                        {"live", live},
                                                        {"files_only", files},
                                                        {"commands_only", commands_only},
                                                        {"not_restarted", not_restarted}};
  all.resize(std::min<std::size_t>(all.size(), ROLESYNC_TASK_SHAPES));
  return all;
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const auto& [name, shape] : shapes()) {
    for (const auto& [step, arrival] : arrivals(shape)) {
      for (const Fault fault :
           {Fault::ok, Fault::fails, Fault::is_killed, Fault::hangs, Fault::agent_dies_unswitched,
            Fault::agent_dies_switched, Fault::term}) {
        const bool of_command =
            fault == Fault::is_killed || fault == Fault::hangs || fault == Fault::term;
        if (is_of_files(step) && of_command) continue;
        // Only the switch and the way back from it can be died in on either side of it.
        const bool switched = step > Step::activate && step != Step::resume &&
                              step != Step::resume_undrain && step <= Step::restore;
        if (!is_of_files(step) &&
            fault == (switched ? Fault::agent_dies_unswitched : Fault::agent_dies_switched)) {
          continue;
        }
        // Without a release before, what ran was stopped before its files went.
        if (step == Step::restore_restart && !shape.had_release && fault != Fault::ok) continue;
        all.push_back({name, shape, step, fault, arrival});
      }
    }
  }
  return all;
}

// Fails, or dies, in the middle of a switch.
class FaultyFileSystem : public RecordingFileSystem {
 public:
  const TaskRecord* record = nullptr;
  Step step = Step::pre_sync;
  Fault fault = Fault::ok;

 protected:
  Status before(const Recorded& change) override {
    if (!record || record->phase != TaskPhase::switching || record->position.step != step) {
      return {};
    }
    const bool in_the_loop =
        change.change == Change::exchange || change.change == Change::rename_new;
    // Before the journal nothing has happened; from the first file on, recovery goes forward.
    const bool early = (step == Step::activate) == (fault == Fault::agent_dies_unswitched);
    if (fault == Fault::fails) return Error{ErrorKind::failed, "eio", "the disk is broken"};
    const bool dies = fault == Fault::agent_dies_unswitched || fault == Fault::agent_dies_switched;
    if (dies && (early || in_the_loop)) ::raise(SIGKILL);
    return {};
  }
};

CancelFlag stopping{false};

class TaskCase : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    directory_ = temporary_.path();
    stdfs::create_directories(directory_ + "/root");
    std::ofstream(directory_ + "/act") << kScript;
    task_id_ = "t" + std::to_string(::getpid());
    config_.node_id = "n1";
    config_.state_dir = directory_ + "/state";
    config_.plugin_dirs = {build_directory() + "/plugins/restart_strategy"};
    config_.plugin_host = build_directory() + "/bin/rolesync-plugin-host";
    config_.limits = {{directory_ + "/root"}, {}, true, true};
    config_.health_limit = std::chrono::seconds(1);
    config_.health_settle = std::chrono::milliseconds(30);
    config_.health_down = std::chrono::milliseconds(200);
    ASSERT_TRUE(make_directories(config_.state_dir).ok());
  }

  Command act(const char* what) const { return {"sh", directory_ + "/act", what}; }
  std::string file(const std::string& name) const { return directory_ + "/" + name; }

  Role role(bool old) const {
    const TaskShape& s = GetParam().shape;
    Role role;
    role.name = "web";
    role.source_paths = {"web"};
    role.target_path = directory_ + "/root/web";
    role.restart_strategy = "command";
    role.command_timeout_seconds = 1;
    if (s.has_service) {
      role.restart_options = {{"timeout_seconds", "1"}};
      for (const char* action : {"start", "stop", "status"}) {
        role.restart_options[action] = "sh " + directory_ + "/act " + action;
      }
    }
    if (s.stop_first) role.switch_mode = SwitchMode::stopped;
    if (old ? s.old_commands : s.has_pre_sync) role.pre_sync_cmd = act("pre_sync_cmd");
    if (old ? s.old_commands : s.has_post_sync) role.post_sync_cmd = act("post_sync_cmd");
    if (s.has_drain) role.drain_cmd = act("drain_cmd");
    if (old ? s.old_undrain : s.has_undrain) {
      role.undrain_cmd = act(old ? "undrain_old" : "undrain_cmd");
    }
    return role;
  }

  // Everything that a task needs of an agent.
  struct Agent {
    Agent(const AgentConfig& config, FileSystem& fs)
        : units(systemd_units()),
          ports(kernel_ports()),
          registry(registry_options(config)),
          plugins(config, registry),
          prover([](const std::string&) {}),
          queue(EventQueue::open(config.state_dir + "/queue", 1000)),
          events(*queue, real_clock()),
          store(config.state_dir + "/tasks"),
          installations(fs, config),
          self_updater({config, *queue, stopping, [] { return true; }, [] {}}),
          parts{config,       plugins, prover, *units,       *ports,
                real_clock(), store,   events, self_updater, stopping} {}
    static plugin::RegistryOptions registry_options(const AgentConfig& config) {
      plugin::RegistryOptions options;
      options.packaged_directories = {config.plugin_dirs[0]};
      options.private_directory = config.state_dir + "/plugins";
      options.plugin_host_program = config.plugin_host;
      return options;
    }
    std::unique_ptr<Units> units;
    std::unique_ptr<Ports> ports;
    plugin::Registry registry;
    RolePlugins plugins;
    Prover prover;
    std::unique_ptr<EventQueue> queue;
    TaskEvents events;
    TaskStore store;
    Installations installations;
    SelfUpdater self_updater;
    TaskRunner::Parts parts;
  };

  void install_old() {
    if (!GetParam().shape.had_release) return;
    Installations installations(real_file_system(), config_);
    Result<Held> held = installations.hold(role(true));
    ASSERT_TRUE(held.ok()) << held.error().text();
    fetch(**held, kOld);
    Release release;
    release.role = "web";
    release.role_snapshot = to_text(role_to_json(role(true)));
    release.commit = std::string(40, '1');
    release.manifest = manifest_of(kOld);
    release.content_id = release.manifest.content_id();
    release.task_id = "t1";
    ASSERT_TRUE((*held)->activate(std::move(release), FirstInstall::refuse).ok());
    if (GetParam().shape.has_service) std::ofstream(file("running")) << "";
  }

  TaskRecord new_record() const {
    TaskRecord record;
    record.task.task_id = task_id_;
    record.task.role = role(false);
    record.task.commit = std::string(40, '2');
    record.task.content_id = manifest_of(kNew).content_id();
    record.task.restart = GetParam().shape.restart;
    return record;
  }

  // In a process of its own, which is the agent: 0 when it came to the task's end.
  int agent(bool again) {
    FaultyFileSystem fs;
    Agent agent(config_, fs);
    TaskRecord record = new_record();
    if (again) {
      end_left_programs(programs_root(config_));
      const Result<std::optional<TaskRecord>> kept = agent.store.load(task_id_);
      if (!kept || !*kept) return 4;
      record = **kept;
      record.next_sequence += 1000;  // as Tasks does: those since the record were told already
    }
    Result<Held> held = agent.installations.hold(record.task.role);
    if (!held) return 5;
    if (again) {
      TaskRunner(agent.parts, record, **held, Manifest()).resume();
    } else {
      fetch(**held, kNew);
      if (!(*held)->verify_staged(manifest_of(kNew), FirstInstall::refuse).ok()) return 6;
      fs.record = &record;
      fs.step = GetParam().step;
      fs.fault = GetParam().fault;
      TaskRunner(agent.parts, record, **held, manifest_of(kNew)).run();
    }
    return record.phase == TaskPhase::done ? 0 : 7;
  }

  int run_agent(bool again) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::signal(SIGTERM, [](int) { stopping = true; });
      ::_exit(agent(again));
    }
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(50);
    int status = 0;
    while (::waitpid(pid, &status, WNOHANG) == 0) {
      if (stdfs::exists(file("reached"))) {
        stdfs::remove(file("reached"));
        ::kill(pid, SIGTERM);
      }
      if (std::chrono::steady_clock::now() > until) {
        ADD_FAILURE() << "does not end";
        ::kill(pid, SIGKILL);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  std::vector<Json> events() const {
    const auto queue = EventQueue::open(config_.state_dir + "/queue", 1000);
    std::vector<Json> list;
    for (const QueuedEvent& event : queue->oldest(1000)) list.push_back(Json::parse(event.text));
    return list;
  }

  TemporaryDirectory temporary_;
  std::string directory_, task_id_;
  AgentConfig config_;
};

// The steps that ran a command, in order; doing one again is no step of its own.
std::vector<std::string> steps_with_commands(const Way& way, const TaskShape& shape) {
  std::vector<std::string> names;
  for (const Step step : way.begun) {
    if (is_of_files(step) || (step == Step::restore_restart && !shape.had_release)) continue;
    if (names.empty() || names.back() != step_name(step)) names.emplace_back(step_name(step));
  }
  return names;
}

std::vector<std::string> steps_taken(const std::string& calls) {
  std::vector<std::string> names;
  std::ifstream in(calls);
  for (std::string name; std::getline(in, name);) {
    if (name == "none" || name == "restore") continue;  // looks, and a first install's stop
    if (names.empty() || names.back() != name) names.push_back(name);
  }
  return names;
}

TEST_P(TaskCase, EndsAsPromised) {
  const auto& [shape_name, shape, step, fault, arrival] = GetParam();
  install_old();
  if (HasFatalFailure()) return;
  // A way back from the files alone begins with a step whose failure is one of files, too.
  for (const Step cause : arrival.cause) {
    if (arrival.before.did(cause) && !is_of_files(cause)) {
      std::ofstream(file("fault." + std::string(step_name(cause)))) << "fails";
    }
  }
  if (!is_of_files(step))
    std::ofstream(file("fault." + std::string(step_name(step)))) << word(fault);

  const int first = run_agent(false);
  const Event event = event_of(fault);
  if (is_death(event)) {
    ASSERT_EQ(first, fault == Fault::term ? 7 : -SIGKILL);
    const Json last = events().empty() ? Json() : events().back();
    ASSERT_FALSE(last.value("step", "") == "report") << "the task is over already: " << last;
    ASSERT_EQ(run_agent(true), 0);
  } else {
    ASSERT_EQ(first, 0);
  }

  // A service that was not started again is not well. (The way to `resume` here is a stop that
  // failed, so that it runs in any case.)
  const bool never_started = shape.stop_first && is_bad(event) && step == Step::restore_restart;
  const Way way = after(shape, arrival, event,
                        never_started ? std::set<Step>{Step::restore_health} : std::set<Step>{});
  const End end = promised_end(step, event);
  const std::vector<Json> told = events();
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.back()["state"], wire_state(end)) << told.back();
  EXPECT_EQ(told.back()["step"], "report");
  if (end != End::succeeded) {
    EXPECT_NE(told.back().value("reason", ""), "") << "every end has its cause: " << told.back();
  }
  std::uint64_t sequence = 0;
  for (const Json& each : told) {
    EXPECT_GT(each["sequence"].get<std::uint64_t>(), sequence);
    sequence = each["sequence"].get<std::uint64_t>();
  }
  EXPECT_EQ(steps_taken(file("calls")), steps_with_commands(way, shape)) << way.text();

  // One whole release, the one that the end says.
  const bool stuck = step == Step::restore && fault == Fault::fails;
  const bool is_new = end == End::succeeded || stuck;
  const Tree expected = is_new ? kNew : shape.had_release ? kOld : Tree();
  EXPECT_EQ(tree_at(file("root/web")), expected);

  // The service runs, unless its own start failed; and the node is used when that is known.
  if (shape.has_service && shape.had_release && !stuck) {
    EXPECT_EQ(stdfs::exists(file("running")), !never_started);
  }
  if (!shape.had_release && end == End::rolled_back) {
    EXPECT_FALSE(stdfs::exists(file("running")));
  }
  bool drained = false;
  for (const Step each : way.begun) {
    const bool well = way.well.contains(each) || (each == step && !is_bad(event));
    if (each == Step::drain && well) drained = true;
    const bool used =
        each == Step::undrain || each == Step::resume_undrain || each == Step::restore_undrain;
    if (used && well) drained = false;
  }
  // Died or ended in the drain: whether it had an effect is not known, and it was taken back.
  EXPECT_EQ(stdfs::exists(file("drained")), drained);
  if (end != End::succeeded && shape.has_undrain) {
    const std::string message = told.back().value("message", "");
    // After a drain that failed and an undrain that failed nobody knows.
    const bool in_doubt = step == Step::resume_undrain && is_bad(event);
    EXPECT_EQ(message.find("has not been put back into use") != std::string::npos,
              drained || in_doubt)
        << message;
  }

  EXPECT_EQ(end_left_commands(config_, task_id_), 0u) << "a process of a command was left";
  const TaskStore store(config_.state_dir + "/tasks");
  const auto record = store.load(task_id_);
  ASSERT_TRUE(record.ok() && record->has_value());
  EXPECT_EQ((*record)->phase, TaskPhase::done);
}

std::string case_name(const ::testing::TestParamInfo<Case>& test) {
  std::string name = test.param.shape_name + "_" + std::string(step_name(test.param.step)) + "_" +
                     word(test.param.fault);
  if (is_of_files(test.param.step)) {
    if (test.param.fault == Fault::agent_dies_switched) name += "_switched";
    if (test.param.fault == Fault::agent_dies_unswitched) name += "_unswitched";
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(, TaskCase, ::testing::ValuesIn(cases()), case_name);

}  // namespace
}  // namespace rolesync::agent
