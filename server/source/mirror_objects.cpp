// SPDX-License-Identifier: Apache-2.0
// Reading trees and blobs of a mirror.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "host/process/spawn.hpp"
#include "server/source/mirror.hpp"
#include "server/source/text.hpp"

namespace rolesync::source {
namespace {

constexpr std::size_t longest_link = 4096;

Error unreadable(const std::string& message) {
  return {ErrorKind::failed, "git_failed", message};
}

// One `git cat-file --batch`. Some ids are asked for ahead, few enough that they always fit into
// the pipe: writing never waits for reading.
class BatchReader {
 public:
  static Result<BatchReader> start(const GitCall& call) {
    auto child = Child::start(git_child(call));
    if (!child) return child.error();
    return BatchReader(std::move(*child));
  }

  Status ask(const std::string& id) {
    const std::string line = id + "\n";
    const ssize_t written = process::write_quietly(child_.input_fd(), line.data(), line.size());
    if (written != static_cast<ssize_t>(line.size())) return unreadable("git cat-file went away");
    return {};
  }

  // "<id> blob <size>"
  Result<std::uint64_t> read_header(const std::string& id) {
    std::size_t end;
    while ((end = buffer_.find('\n', taken_)) == std::string::npos) {
      if (buffer_.size() - taken_ > 4096) return unreadable("git cat-file answered nonsense");
      if (const Status more = fill(); !more) return more.error();
    }
    const std::string line = buffer_.substr(taken_, end - taken_);
    taken_ = end + 1;
    const std::string expected = id + " blob ";
    std::uint64_t size = 0;
    const char* begin = line.data() + std::min(expected.size(), line.size());
    const auto parsed = std::from_chars(begin, line.data() + line.size(), size);
    if (!line.starts_with(expected) || parsed.ec != std::errc{}) {
      return unreadable("git cat-file has no blob " + id + ": " + repair_utf8(line));
    }
    return size;
  }

  Status read_body(std::uint64_t size, const std::function<Status(std::string_view)>& sink) {
    while (size > 0) {
      if (taken_ == buffer_.size()) {
        if (Status more = fill(); !more) return more;
      }
      const std::size_t count = std::min<std::uint64_t>(size, buffer_.size() - taken_);
      Status done = sink(std::string_view(buffer_).substr(taken_, count));
      if (!done) return done;
      taken_ += count;
      size -= count;
    }
    if (taken_ == buffer_.size()) {
      if (Status more = fill(); !more) return more;
    }
    ++taken_;  // the newline after every object
    return {};
  }

 private:
  explicit BatchReader(Child child) : child_(std::move(child)) {}

  Status fill() {
    buffer_.erase(0, taken_);
    taken_ = 0;
    char bytes[64 << 10];
    while (true) {
      pollfd fds[2] = {{child_.output_fd(), POLLIN, 0}, {child_.errors_fd(), POLLIN, 0}};
      if (::poll(fds, errors_open_ ? 2 : 1, 60'000) == 0) {
        return Error{ErrorKind::timeout, "git_timed_out", "git cat-file said nothing for 60 s"};
      }
      if (errors_open_ && fds[1].revents) {
        const ssize_t got = ::read(child_.errors_fd(), bytes, sizeof bytes);
        if (got > 0) errors_.append(bytes, std::min<std::size_t>(got, 1000));
        if (got == 0) errors_open_ = false;
        if (errors_.size() > 4000) errors_.resize(4000);
      }
      if (!fds[0].revents) continue;
      const ssize_t got = ::read(child_.output_fd(), bytes, sizeof bytes);
      if (got > 0) {
        buffer_.append(bytes, got);
        return {};
      }
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      return unreadable("git cat-file ended early: " + repair_utf8(errors_));
    }
  }

  Child child_;
  std::string buffer_;
  std::size_t taken_ = 0;
  std::string errors_;
  bool errors_open_ = true;
};

// "<mode> <type> <id> <padded size>\t<path>"
Result<TreeEntry> entry_of(std::string_view record) {
  const std::size_t tab = record.find('\t');
  std::vector<std::string_view> words;
  std::string_view left = record.substr(0, tab == std::string_view::npos ? 0 : tab);
  while (!left.empty()) {
    const std::size_t end = std::min(left.find(' '), left.size());
    if (end > 0) words.push_back(left.substr(0, end));
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  if (words.size() != 4) return unreadable("git ls-tree answered in a form we do not know");
  TreeEntry entry;
  entry.mode = words[0];
  entry.id = words[2];
  entry.path = record.substr(tab + 1);
  std::from_chars(words[3].data(), words[3].data() + words[3].size(), entry.size);  // "-": 0
  return entry;
}

}  // namespace

Status Mirror::read_blobs(const std::vector<std::string>& ids, const BlobSink& sink) const {
  if (ids.empty()) return {};
  auto reader = BatchReader::start(call({"cat-file", "--batch"}));
  if (!reader) return reader.error();
  constexpr std::size_t ahead = 200;  // times 41 bytes: an eighth of a pipe
  std::size_t asked = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    for (; asked < std::min(ids.size(), i + ahead); ++asked) {
      if (Status sent = reader->ask(ids[asked]); !sent) return sent;
    }
    const auto size = reader->read_header(ids[i]);
    if (!size) return size.error();
    if (Status begun = sink.begin(ids[i], *size); !begun) return begun;
    if (Status read = reader->read_body(*size, sink.chunk); !read) return read;
    if (Status ended = sink.end(); !ended) return ended;
  }
  return {};
}

Result<std::vector<TreeEntry>> Mirror::tree(const std::string& commit) const {
  if (const Status known = require(commit); !known) return known.error();
  const auto text = run_git(call({"ls-tree", "-r", "-z", "-l", "--full-tree", commit}));
  if (!text) return text.error();
  std::vector<TreeEntry> entries;
  for (std::size_t begin = 0; begin < text->size();) {
    const std::size_t end = std::min(text->find('\0', begin), text->size());
    auto entry = entry_of(std::string_view(*text).substr(begin, end - begin));
    if (!entry) return entry.error();
    entries.push_back(std::move(*entry));
    begin = end + 1;
  }
  if (const Status read = read_links(entries); !read) return read.error();
  return entries;
}

Status Mirror::read_links(std::vector<TreeEntry>& entries) const {
  std::vector<TreeEntry*> links;
  std::vector<std::string> ids;
  for (TreeEntry& entry : entries) {
    if (entry.mode != "120000" || entry.size > longest_link) continue;
    links.push_back(&entry);
    ids.push_back(entry.id);
  }
  std::size_t at = 0;
  return read_blobs(ids, {.begin = [](const std::string&, std::uint64_t) { return Status{}; },
                          .chunk =
                              [&](std::string_view chunk) {
                                links[at]->link += chunk;
                                return Status{};
                              },
                          .end =
                              [&] {
                                ++at;
                                return Status{};
                              }});
}

Result<std::vector<std::string>> Mirror::changed_paths(const std::string& from,
                                                       const std::string& to) const {
  for (const std::string* commit : {&from, &to}) {
    if (commit == &from && from.empty()) continue;
    if (const Status known = require(*commit); !known) return known.error();
  }
  const auto text =
      from.empty()
          ? run_git(call({"ls-tree", "-r", "-z", "--name-only", "--full-tree", to}))
          : run_git(call({"diff-tree", "-r", "-z", "--name-only", "--no-renames", from, to}));
  if (!text) return text.error();
  std::vector<std::string> paths;
  for (std::size_t begin = 0; begin < text->size();) {
    const std::size_t end = std::min(text->find('\0', begin), text->size());
    paths.push_back(text->substr(begin, end - begin));
    begin = end + 1;
  }
  return paths;
}

}  // namespace rolesync::source
