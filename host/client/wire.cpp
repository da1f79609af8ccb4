// SPDX-License-Identifier: Apache-2.0
#include "host/client/wire.hpp"

#include <Poco/Exception.h>
#include <Poco/MemoryStream.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/String.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <stdexcept>

#include "host/client/chunked.hpp"

namespace rolesync {
namespace {

constexpr std::size_t kMaxHead = 64 << 10;

Error connection_lost(const std::string& why) {
  return {ErrorKind::unavailable, "connection_lost", "The connection to the server broke: " + why,
          "try again"};
}

Error bad_answer(const std::string& why) {
  return {ErrorKind::unavailable, "bad_answer",
          "What answers at the server's address does not speak HTTP: " + why,
          "check the server's URL"};
}

Error answer_too_large() {
  return {ErrorKind::too_large, "answer_too_large", "The server's answer is too large", ""};
}

Result<HttpAnswer> parse_head(std::string_view bytes) {
  Poco::Net::HTTPResponse parsed;
  try {
    Poco::MemoryInputStream in(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    parsed.read(in);
  } catch (const Poco::Exception& e) {
    return bad_answer(e.displayText());
  }
  HttpAnswer answer;
  answer.status = parsed.getStatus();
  if (answer.status < 100 || answer.status > 599) return bad_answer("no status");
  for (const auto& [name, value] : parsed) {
    auto [at, fresh] = answer.headers.try_emplace(Poco::toLower(name), value);
    if (!fresh) at->second += ", " + value;
  }
  return answer;
}

std::string header(const HttpAnswer& answer, const char* name) {
  const auto found = answer.headers.find(name);
  return found == answer.headers.end() ? std::string{} : found->second;
}

}  // namespace

Interrupter::Interrupter() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (descriptor_ < 0) throw std::runtime_error("no descriptor for an HTTP client");
}

Interrupter::~Interrupter() {
  ::close(descriptor_);
}

void Interrupter::interrupt() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(descriptor_, &one, sizeof one);
}

void Interrupter::clear() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto n = ::read(descriptor_, &count, sizeof count);
}

Status Wire::wait(Channel::State wanted, Deadline deadline) {
  switch (wait_for(*channel_, wanted, deadline, interrupter_->descriptor())) {
    case Waited::ready:
      return {};
    case Waited::woken:
      interrupter_->clear();
      return Error{ErrorKind::unavailable, "interrupted", "The request was interrupted", ""};
    case Waited::timeout:
      break;
  }
  return Error{ErrorKind::timeout, "server_silent", "The server did not answer in time",
               "check that the server runs and is not overloaded, then try again"};
}

Status Wire::handshake(Deadline deadline) {
  for (;;) {
    const Channel::Step step = channel_->try_handshake();
    if (step.state == Channel::State::done) return {};
    if (step.state == Channel::State::end || step.state == Channel::State::lost) {
      return connection_lost(channel_->failure());
    }
    if (Status waited = wait(step.state, deadline); !waited) return waited;
  }
}

Status Wire::write(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const Channel::Step step = channel_->try_write(bytes);
    if (step.state == Channel::State::done) {
      bytes.remove_prefix(step.bytes);
    } else if (step.state == Channel::State::end || step.state == Channel::State::lost) {
      return connection_lost(channel_->failure());
    } else if (Status waited = wait(step.state, deadline); !waited) {
      return waited;
    }
  }
  return {};
}

Result<bool> Wire::fill(Deadline deadline) {
  std::array<char, 16 << 10> piece;
  for (;;) {
    const Channel::Step step = channel_->try_read(piece.data(), piece.size());
    if (step.state == Channel::State::done) {
      in_.append(piece.data(), step.bytes);
      heard_ = true;
      return true;
    }
    if (step.state == Channel::State::end) return false;
    if (step.state == Channel::State::lost) return connection_lost(channel_->failure());
    if (Status waited = wait(step.state, deadline); !waited) return waited.error();
  }
}

// Looks before it takes, so that not one byte behind the head leaves the socket.
Result<bool> Wire::fill_head_exactly(Deadline deadline) {
  std::array<char, 4 << 10> piece;
  for (;;) {
    const Channel::Step step = channel_->try_peek(piece.data(), piece.size());
    if (step.state == Channel::State::end) return false;
    if (step.state == Channel::State::lost) return connection_lost(channel_->failure());
    if (step.state == Channel::State::done) {
      const std::size_t before = in_.size();
      in_.append(piece.data(), step.bytes);
      const std::size_t end = in_.find("\r\n\r\n");
      if (end != std::string::npos) in_.resize(end + 4);
      channel_->try_read(piece.data(), in_.size() - before);
      heard_ = true;
      return true;
    }
    if (Status waited = wait(step.state, deadline); !waited) return waited.error();
  }
}

Result<HttpAnswer> Wire::read_head(Deadline deadline, bool exactly) {
  for (;;) {
    const std::size_t end = in_.find("\r\n\r\n");
    if (end != std::string::npos) {
      Result<HttpAnswer> answer = parse_head(std::string_view(in_).substr(0, end + 4));
      in_.erase(0, end + 4);
      if (answer && answer->status < 200 && answer->status != 101) continue;
      return answer;
    }
    if (in_.size() > kMaxHead) return bad_answer("its head has no end");
    Result<bool> more = exactly ? fill_head_exactly(deadline) : fill(deadline);
    if (!more) return more.error();
    if (!*more) return connection_lost("the server closed it without an answer");
  }
}

Status Wire::read_body(HttpAnswer& answer, const std::string& method, std::size_t most,
                       Deadline deadline) {
  framed_ = true;
  if (method == "HEAD" || answer.status < 200 || answer.status == 204 || answer.status == 304) {
    return {};
  }
  if (Poco::icompare(header(answer, "transfer-encoding"), "chunked") == 0) {
    return read_chunked(answer.body, most, deadline);
  }
  const std::string length = header(answer, "content-length");
  std::size_t wanted = most + 1;  // until the end, unless it says how much
  framed_ = !length.empty();
  if (framed_) {
    const auto [stop, failed] =
        std::from_chars(length.data(), length.data() + length.size(), wanted);
    if (failed != std::errc{} || *stop != '\0') return bad_answer("its length is not a number");
    if (wanted > most) return answer_too_large();
  }
  while (in_.size() < wanted) {
    Result<bool> more = fill(deadline);
    if (!more) return more.error();
    if (!*more && framed_) return connection_lost("the server closed it within an answer");
    if (!*more) break;
    if (in_.size() > most && !framed_) return answer_too_large();
  }
  answer.body = in_.substr(0, wanted);
  in_.erase(0, wanted);
  return {};
}

Status Wire::read_chunked(std::string& body, std::size_t most, Deadline deadline) {
  ChunkedDecoder decoder;
  for (;;) {
    Result<bool> complete = decoder.feed(in_, body, most);
    if (!complete) return complete.error();
    if (*complete) return {};
    Result<bool> more = fill(deadline);
    if (!more) return more.error();
    if (!*more) return connection_lost("the server closed it within an answer");
  }
}

bool Wire::alive() {
  if (!in_.empty()) return false;  // bytes nobody asked for
  char byte = 0;
  return channel_->try_read(&byte, 1).state == Channel::State::want_read;
}

bool Wire::reusable(const HttpAnswer& answer) const {
  return framed_ && answer.status != 101 &&
         Poco::icompare(header(answer, "connection"), "close") != 0;
}

}  // namespace rolesync
