// SPDX-License-Identifier: Apache-2.0
#include "host/activation/survey.hpp"

#include <unordered_set>

#include "host/activation/known_file.hpp"
#include "host/activation/state_directory.hpp"

namespace rolesync {
namespace {

// A virtual environment or a data directory may lie there too: nobody needs its exact number.
constexpr std::size_t kMostCounted = 100'000;
constexpr std::size_t kExamples = 20;
constexpr std::size_t kMostOdd = 1'000;

class Surveyor {
 public:
  Surveyor(FileSystem& fs, const InstallationOptions& options,
           const std::vector<std::string>& paths, const std::function<bool()>& going)
      : fs_(fs), target_(options.target.string()), paths_(paths), going_(going) {}

  Status look_at_known() {
    std::vector<const std::string*> paths;
    paths.reserve(paths_.size());
    for (const std::string& path : paths_) paths.push_back(&path);
    std::vector<std::pair<std::size_t, FileStat>> files;
    fs_.stat_below(target_, paths, [&](std::size_t i, const Result<FileStat>& stat) {
      if (stat && mode_of(*stat)) {
        files.emplace_back(i, *stat);
      } else if (stat) {
        odd(paths_[i], "not_a_file");
      } else if (stat.error().reason == "eloop") {
        odd(paths_[i], "symlink_in_path");
      } else if (stat.error().reason != "enoent" && stat.error().reason != "enotdir") {
        odd(paths_[i], "unreadable");
      }
    });
    for (const auto& [i, stat] : files) {
      if (!going_()) return stopped();
      read(paths_[i], stat);
    }
    return {};
  }

  // Everything below one place of the role's territory, without following links.
  Status count_others(const std::string& place) {
    for (const std::string& path : paths_) known_.insert(path);
    std::vector<std::string> directories;
    const auto top = look(fs_, place.empty() ? target_ : path_below(target_, place));
    if (!top || !*top) return {};
    if ((*top)->type == FileType::directory) {
      directories.push_back(place);
    } else {
      count(place);
    }
    while (!directories.empty() && survey_.counted_all) {
      if (!going_()) return stopped();
      const std::string directory = std::move(directories.back());
      directories.pop_back();
      list(directory, directories);
    }
    return {};
  }

  Survey take() { return std::move(survey_); }

 private:
  static Error stopped() {
    return {ErrorKind::conflict, "cancelled", "the look at the tree was broken off"};
  }

  void odd(const std::string& path, const char* reason) {
    if (survey_.odd.size() < kMostOdd) survey_.odd.push_back({path, reason});
  }

  void read(const std::string& path, const FileStat& stat) {
    const Result<std::string> id = hash_file(fs_, path_below(target_, path), stat);
    if (id) {
      survey_.found.push_back({*mode_of(stat), *id, stat.size, path});
    } else if (id.error().kind != ErrorKind::not_found) {
      odd(path, "unreadable");
    }
  }

  void list(const std::string& directory, std::vector<std::string>& directories) {
    const Result<std::vector<std::string>> names =
        fs_.list(directory.empty() ? target_ : path_below(target_, directory));
    if (!names) {
      odd(directory.empty() ? "." : directory, "unreadable");
      return;
    }
    std::vector<std::string> paths;
    std::vector<const std::string*> pointers;
    for (const std::string& name : *names) {
      if (directory.empty() && name == kStateName) continue;
      paths.push_back(path_below(directory, name));
    }
    pointers.reserve(paths.size());
    for (const std::string& path : paths) pointers.push_back(&path);
    fs_.stat_below(target_, pointers, [&](std::size_t i, const Result<FileStat>& stat) {
      if (stat && stat->type == FileType::directory) {
        directories.push_back(paths[i]);
      } else if (stat) {
        count(paths[i]);
      }
    });
  }

  void count(const std::string& path) {
    if (known_.contains(path)) return;
    if (survey_.others == kMostCounted) {
      survey_.counted_all = false;
      return;
    }
    ++survey_.others;
    if (survey_.examples.size() < kExamples) survey_.examples.push_back(path);
  }

  FileSystem& fs_;
  const std::string target_;
  const std::vector<std::string>& paths_;
  const std::function<bool()>& going_;
  std::unordered_set<std::string_view> known_;
  Survey survey_;
};

}  // namespace

Result<Survey> survey(FileSystem& fs, InstallationOptions options,
                      const std::vector<std::string>& paths, const std::function<bool()>& going) {
  if (Status status = make_canonical(fs, options); !status) return status.error();
  const auto target = look(fs, options.target.string());
  if (!target) return target.error();
  if (!*target || (*target)->type != FileType::directory) {
    return Error{ErrorKind::not_found, "nothing_there",
                 "there is no directory " + options.target.string(),
                 "sync the role; there is nothing to identify"};
  }
  Surveyor surveyor(fs, options, paths, going);
  if (Status looked = surveyor.look_at_known(); !looked) return looked.error();
  const std::vector<std::string> whole = {""};
  for (const std::string& place : options.owned.empty() ? whole : options.owned) {
    if (Status counted = surveyor.count_others(place); !counted) return counted.error();
  }
  return surveyor.take();
}

}  // namespace rolesync
