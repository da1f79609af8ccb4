// SPDX-License-Identifier: Apache-2.0
#include "host/stream/channel_stream.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace rolesync {
namespace {

using Clock = std::chrono::steady_clock;

Error stream_lost(const std::string& why) {
  return {ErrorKind::unavailable, "stream_lost", "The stream broke: " + why,
          "try again; the other side may have been stopped"};
}

Error stream_stalled(std::chrono::milliseconds limit) {
  return {ErrorKind::timeout, "stream_stalled",
          "Nothing moved on the stream for " + std::to_string(limit.count()) + " ms",
          "check the network between node and server, then try again"};
}

class ChannelStream : public Stream {
 public:
  ChannelStream(std::shared_ptr<Channel> channel, std::string already_read)
      : channel_(std::move(channel)), early_(std::move(already_read)) {}
  ~ChannelStream() override { finish_writing(); }

  Result<std::size_t> read(char* buffer, std::size_t size) override {
    if (early_used_ < early_.size()) {
      const std::size_t n = std::min(size, early_.size() - early_used_);
      std::memcpy(buffer, early_.data() + early_used_, n);
      early_used_ += n;
      return n;
    }
    for (;;) {
      const Channel::Step step = channel_->try_read(buffer, size);
      if (interrupted_) return stream_lost("it was interrupted");
      if (step.state == Channel::State::done) return step.bytes;
      if (step.state == Channel::State::end) return std::size_t{0};
      if (step.state == Channel::State::lost) return stream_lost(channel_->failure());
      if (Status waited = wait(step.state); !waited) return waited.error();
    }
  }

  Status write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const Channel::Step step = channel_->try_write(bytes);
      if (interrupted_) return stream_lost("it was interrupted");
      if (step.state == Channel::State::done) {
        bytes.remove_prefix(step.bytes);
      } else if (step.state == Channel::State::want_read ||
                 step.state == Channel::State::want_write) {
        if (Status waited = wait(step.state); !waited) return waited;
      } else {
        return stream_lost(channel_->failure());
      }
    }
    return {};
  }

  void finish_writing() override {
    if (!finished_.exchange(true)) channel_->end_writing();
  }

  void set_stall_limit(std::chrono::milliseconds limit) override { stall_limit_ = limit; }

  void interrupt() override {
    interrupted_ = true;
    channel_->shutdown();
  }

  int plain_descriptor() const override {
    return channel_->secure() || early_used_ < early_.size() ? -1 : channel_->descriptor();
  }

 private:
  Status wait(Channel::State wanted) {
    const std::chrono::milliseconds limit = stall_limit_;
    if (wait_for(*channel_, wanted, Clock::now() + limit) == Waited::timeout) {
      return stream_stalled(limit);
    }
    return {};
  }

  std::shared_ptr<Channel> channel_;
  const std::string early_;
  std::size_t early_used_ = 0;  // only the reading thread moves it
  std::atomic<std::chrono::milliseconds> stall_limit_{std::chrono::seconds(60)};
  std::atomic<bool> finished_{false};
  std::atomic<bool> interrupted_{false};
};

}  // namespace

std::unique_ptr<Stream> make_stream(std::shared_ptr<Channel> channel, std::string already_read) {
  return std::make_unique<ChannelStream>(std::move(channel), std::move(already_read));
}

}  // namespace rolesync
