// SPDX-License-Identifier: Apache-2.0
#include "fleet.hpp"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

namespace rolesync::simulated {
namespace {

constexpr std::uint64_t kSignals = ~std::uint64_t{0};
constexpr std::size_t kOtherFiles = 64;

Error cannot(const std::string& what, const std::string& hint = "") {
  return {ErrorKind::failed, "simulation", what, hint};
}

Status raise_file_limit(std::size_t wanted) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < wanted) {
    return cannot("this process may open only " + std::to_string(limit.rlim_max) + " files",
                  "simulate fewer nodes in one process");
  }
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return {};
}

Result<std::string> first_word(const std::string& file) {
  std::ifstream in(file);
  std::string word;
  if (!(in >> word)) return cannot("cannot read " + file);
  return word;
}

std::size_t share(double percent, std::size_t nodes) {
  return static_cast<std::size_t>(static_cast<double>(nodes) * percent / 100 + 0.5);
}

std::string node_name(const Options& options, std::size_t index) {
  std::string number = std::to_string(index + 1);
  number.insert(0, number.size() < 5 ? 5 - number.size() : 0, '0');
  return options.prefix + number;
}

}  // namespace

Result<std::unique_ptr<Fleet>> Fleet::make(const Options& options) {
  std::unique_ptr<Fleet> fleet(new Fleet(options));
  if (Status ready = fleet->prepare(); !ready) return ready.error();
  return fleet;
}

Fleet::~Fleet() = default;

Status Fleet::prepare() {
  const auto nodes = static_cast<std::size_t>(options_.nodes);
  if (Status raised = raise_file_limit(nodes + kOtherFiles); !raised) return raised;
  Result<Endpoint> endpoint = Endpoint::parse(options_.urls, options_.ca_file);
  if (!endpoint) return endpoint.error();
  endpoint_ = std::move(*endpoint);
  if (Status read = read_credentials(); !read) return read;
  std::string token;
  if (!options_.admin_token_file.empty()) {
    Result<std::string> word = first_word(options_.admin_token_file);
    if (!word) return word.error();
    token = std::move(*word);
  }
  sigset_t wanted;
  ::sigemptyset(&wanted);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) ::sigaddset(&wanted, signal);
  ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  signals_ = UniqueFd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  epoll_ = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{EPOLLIN, {.u64 = kSignals}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, signals_.get(), &event);
  world_.reset(new World{options_, endpoint_, std::move(token), epoll_.get(), {}, {}, {}, {}, {}});
  make_nodes();
  return {};
}

Status Fleet::read_credentials() {
  if (options_.credentials_file.empty()) return {};
  std::ifstream in(options_.credentials_file);
  for (std::string node, credential; in >> node >> credential;) credentials_[node] = credential;
  return {};
}

// Which node is which depends on the seed alone, and the shares are exact.
std::vector<Traits> Fleet::traits() const {
  const auto nodes = static_cast<std::size_t>(options_.nodes);
  std::vector<std::size_t> order(nodes);
  std::iota(order.begin(), order.end(), 0);
  Dice dice(options_.seed);
  for (std::size_t i = nodes; i > 1; --i) std::swap(order[i - 1], order[dice.below(i)]);
  std::vector<Traits> traits(nodes);
  std::size_t at = 0;
  const auto mark = [&](double percent, bool Traits::*trait) {
    for (std::size_t n = share(percent, nodes); n > 0 && at < nodes; --n)
      traits[order[at++]].*trait = true;
  };
  mark(options_.failing, &Traits::failing);
  mark(options_.slow, &Traits::slow);
  mark(options_.vanishing, &Traits::vanishing);
  mark(options_.drifting, &Traits::drifting);
  return traits;
}

void Fleet::make_nodes() {
  world_->wake_at = [this](TimePoint when, std::size_t node) { wakes_.emplace(when, node); };
  world_->settled = [this](std::size_t) {
    world_->counts.settled = ++settled_;
    if (settled_ == nodes_.size()) say("settled");
  };
  if (!options_.deliveries_file.empty()) {
    world_->delivered = [this](const std::string& node, const std::string& kind,
                               const std::string& task) {
      const std::chrono::duration<double> at = Clock::now().time_since_epoch();
      deliveries_ += std::to_string(at.count()) + " " + node + " " + kind + " " + task + "\n";
    };
  }
  const std::vector<Traits> all = traits();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string name = node_name(options_, i);
    const auto known = credentials_.find(name);
    nodes_.push_back(std::make_unique<Node>(*world_, i, name, all[i],
                                            known == credentials_.end() ? "" : known->second));
  }
}

// Not all at once: a machine park does not boot in one moment either.
void Fleet::start_some() {
  while (started_ < nodes_.size() &&
         started_ < settled_ + static_cast<std::size_t>(options_.concurrency)) {
    nodes_[started_++]->start();
  }
}

int Fleet::time_to_next() const {
  if (wakes_.empty()) return 1000;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(wakes_.top().first - Clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1000));
}

void Fleet::wake_due() {
  const TimePoint now = Clock::now();
  while (!wakes_.empty() && wakes_.top().first <= now) {
    const std::size_t node = wakes_.top().second;
    wakes_.pop();
    nodes_[node]->on_timer();
  }
}

// False: it is time to end.
bool Fleet::take_signal() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    if (info.ssi_signo != SIGUSR1) return false;
    write_files();
    say("counts");
  }
  return true;
}

void Fleet::say(const char* event) const {
  Json line = world_->counts.json();
  line["event"] = event;
  line["nodes"] = nodes_.size();
  line["seconds"] = std::chrono::duration<double>(Clock::now() - began_).count();
  std::printf("%s\n", to_text(line).c_str());
  std::fflush(stdout);
}

// The credentials are secrets of real value to the server they are for.
void Fleet::write_files() const {
  if (!options_.deliveries_file.empty()) std::ofstream(options_.deliveries_file) << deliveries_;
  if (options_.credentials_file.empty()) return;
  const mode_t mask = ::umask(077);
  std::ofstream out(options_.credentials_file);
  ::umask(mask);
  for (const auto& node : nodes_) {
    if (!node->credential().empty()) out << node->name() << " " << node->credential() << "\n";
  }
}

void Fleet::run() {
  began_ = Clock::now();
  std::array<epoll_event, 256> events{};
  for (;;) {
    start_some();
    const int n = ::epoll_wait(epoll_.get(), events.data(), events.size(), time_to_next());
    for (int i = 0; i < n; ++i) {
      const std::uint64_t id = events[i].data.u64;
      if (id == kSignals) {
        if (take_signal()) continue;
        write_files();
        return say("ended");
      }
      nodes_[id]->on_ready();
    }
    wake_due();
  }
}

}  // namespace rolesync::simulated
