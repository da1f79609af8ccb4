// SPDX-License-Identifier: Apache-2.0
#include "host/process/child.hpp"

#include <poll.h>
#include <signal.h>

#include <array>
#include <cerrno>
#include <utility>

#include "host/process/bounded_output.hpp"
#include "host/process/spawn.hpp"

namespace rolesync {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kCancelPoll{100};
// How long output is awaited after the end, from grandchildren that were not in the group.
constexpr milliseconds kAfterExit{200};

// One child from its start to its end: feeds it, listens to it, and ends it when it must.
class Run {
 public:
  explicit Run(const ChildSpec& spec)
      : spec_(spec), output_(spec.output_cap), errors_(spec.output_cap) {}

  Status start() {
    process::ChildFds fds;
    process::Pipe in, out;
    Result<process::Pipe> err = process::make_pipe(process::OurEnd::read);
    if (!err) return err.error();
    if (spec_.stdio_fd >= 0) {
      fds.in = fds.out = spec_.stdio_fd;
    } else {
      Result<process::Pipe> pipe = process::make_pipe(process::OurEnd::read);
      if (!pipe) return pipe.error();
      out = std::move(*pipe);
      fds.out = out.write_end.get();
      if (!spec_.input.empty()) {
        Result<process::Pipe> feed = process::make_pipe(process::OurEnd::write);
        if (!feed) return feed.error();
        in = std::move(*feed);
        fds.in = in.read_end.get();
      }
    }
    fds.err = err->write_end.get();
    Result<process::Spawned> child = process::spawn(spec_, fds, process::Grouping::new_group);
    if (!child) return child.error();
    child_ = std::move(*child);
    if (spec_.started) spec_.started(child_.pid);
    in_ = std::move(in.write_end);
    out_ = std::move(out.read_end);
    err_ = std::move(err->read_end);
    end_at_ = Clock::now() + spec_.time_limit;
    return {};
  }

  ChildResult finish() {
    while (!exited_) {
      end_when_due();
      wait_for_something();
    }
    drain_after_exit();
    result_.output = output_.text();
    result_.errors = errors_.text();
    return std::move(result_);
  }

 private:
  void end_when_due() {
    const auto now = Clock::now();
    const bool cancelled = spec_.cancelled && spec_.cancelled->load();
    if (!ending_ && (cancelled || now >= end_at_)) {
      ending_ = true;
      result_.was_cancelled = cancelled;
      result_.timed_out = !cancelled;
      process::signal_group(child_.pid, SIGTERM);
      end_at_ = now + spec_.term_grace;
    } else if (ending_ && now >= end_at_) {
      process::signal_group(child_.pid, SIGKILL);
      end_at_ = now + milliseconds(500);  // again, for a process forked in between
    }
  }

  int poll_time() const {
    auto left = std::chrono::ceil<milliseconds>(end_at_ - Clock::now());
    if (spec_.cancelled && !ending_) left = std::min(left, kCancelPoll);
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
  }

  void wait_for_something() {
    std::array<pollfd, 4> fds{{{child_.exit_fd.get(), POLLIN, 0},
                               {out_.get(), POLLIN, 0},
                               {err_.get(), POLLIN, 0},
                               {in_.get(), POLLOUT, 0}}};
    if (::poll(fds.data(), fds.size(), poll_time()) <= 0) return tell({});
    if (fds[1].revents) read_some(out_, output_);
    if (fds[2].revents) read_some(err_, errors_);
    if (fds[3].revents) feed();
    if (fds[0].revents) {
      if (auto status = process::reap(child_.pid)) {
        result_.exit_code = status->exit_code;
        result_.signal = status->signal;
        exited_ = true;
      }
    }
  }

  void tell(std::string_view bytes) const {
    if (spec_.on_output) spec_.on_output(bytes);
  }

  // True while there may be more at once.
  bool read_some(UniqueFd& fd, process::BoundedOutput& sink) {
    std::array<char, 16384> buffer;
    const ssize_t size = ::read(fd.get(), buffer.data(), buffer.size());
    if (size > 0) {
      sink.add({buffer.data(), static_cast<std::size_t>(size)});
      tell({buffer.data(), static_cast<std::size_t>(size)});
      return true;
    }
    if (size < 0 && errno == EINTR) return true;
    if (size < 0 && errno == EAGAIN) return false;
    fd.reset();
    return false;
  }

  void feed() {
    const ssize_t size =
        process::write_quietly(in_.get(), spec_.input.data() + fed_, spec_.input.size() - fed_);
    if (size > 0) fed_ += static_cast<std::size_t>(size);
    const bool refused = size < 0 && errno != EAGAIN && errno != EINTR;
    if (refused || fed_ == spec_.input.size()) in_.reset();
  }

  // What the child wrote is in the pipes now; its group was killed. Only a process that left the
  // group can still hold them open, and it is not waited for.
  void drain_after_exit() {
    in_.reset();
    const auto until = Clock::now() + kAfterExit;
    for (;;) {
      while (out_ && read_some(out_, output_)) {
      }
      while (err_ && read_some(err_, errors_)) {
      }
      if ((!out_ && !err_) || Clock::now() >= until) return;
      std::array<pollfd, 2> fds{{{out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}}};
      ::poll(fds.data(), fds.size(), 20);
    }
  }

  const ChildSpec& spec_;
  process::Spawned child_;
  UniqueFd in_, out_, err_;
  process::BoundedOutput output_, errors_;
  std::size_t fed_ = 0;
  Clock::time_point end_at_;
  bool ending_ = false, exited_ = false;
  ChildResult result_;
};

std::string last_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  const std::size_t line = text.rfind('\n');
  if (line != std::string::npos) text.erase(0, line + 1);
  if (text.size() > 400) text.resize(400);
  return text;
}

}  // namespace

std::string ChildResult::explain() const {
  std::string text = timed_out       ? "timed out"
                     : was_cancelled ? "was cancelled"
                     : signal != 0   ? "killed by signal " + std::to_string(signal)
                                     : "exit " + std::to_string(exit_code);
  const std::string said = last_line(errors);
  return said.empty() ? text : text + ": " + said;
}

Result<ChildResult> run_child(const ChildSpec& spec) {
  Run run(spec);
  if (Status started = run.start(); !started) return started.error();
  return run.finish();
}

Result<Child> Child::start(const ChildSpec& spec) {
  Result<process::Pipe> in = process::make_pipe(process::OurEnd::write);
  Result<process::Pipe> out = process::make_pipe(process::OurEnd::read);
  Result<process::Pipe> err = process::make_pipe(process::OurEnd::read);
  for (const auto* pipe : {&in, &out, &err}) {
    if (!*pipe) return pipe->error();
  }
  const process::ChildFds fds{in->read_end.get(), out->write_end.get(), err->write_end.get()};
  Result<process::Spawned> spawned = process::spawn(spec, fds, process::Grouping::new_group);
  if (!spawned) return spawned.error();
  Child child;
  child.pid_ = spawned->pid;
  child.pidfd_ = spawned->exit_fd.release();
  child.input_ = in->write_end.release();
  child.output_ = out->read_end.release();
  child.errors_ = err->read_end.release();
  child.term_grace_ = spec.term_grace;
  return child;
}

Child::Child(Child&& other) noexcept {
  *this = std::move(other);
}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(input_, other.input_);
  std::swap(output_, other.output_);
  std::swap(errors_, other.errors_);
  std::swap(pidfd_, other.pidfd_);
  std::swap(term_grace_, other.term_grace_);
  return *this;
}

Child::~Child() {
  close_input();
  auto wait_for_exit = [this](milliseconds limit) {
    pollfd ended{pidfd_, POLLIN, 0};
    const auto until = Clock::now() + limit;
    while (pid_ > 0 && !poll_exit()) {
      const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
      if (left.count() <= 0) return;
      ::poll(&ended, 1, static_cast<int>(left.count()));
    }
  };
  if (pid_ > 0) {
    process::signal_group(pid_, SIGTERM);
    wait_for_exit(term_grace_);
  }
  while (pid_ > 0) {
    process::signal_group(pid_, SIGKILL);
    wait_for_exit(milliseconds(500));
  }
  for (int fd : {output_, errors_, pidfd_}) {
    if (fd >= 0) ::close(fd);
  }
}

void Child::close_input() {
  if (input_ >= 0) ::close(std::exchange(input_, -1));
}

std::optional<ChildResult> Child::poll_exit() {
  if (pid_ <= 0) return std::nullopt;
  auto status = process::reap(pid_);
  if (!status) return std::nullopt;
  pid_ = -1;
  ChildResult result;
  result.exit_code = status->exit_code;
  result.signal = status->signal;
  return result;
}

}  // namespace rolesync
