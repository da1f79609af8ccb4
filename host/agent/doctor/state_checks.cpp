// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "host/agent/credential.hpp"
#include "host/agent/doctor/checks.hpp"
#include "host/agent/recovery.hpp"
#include "host/process/unique_fd.hpp"
#include "host/services/durable_file.hpp"

namespace rolesync::agent::doctor {
namespace {

constexpr std::uint64_t kMegabyte = 1 << 20;
constexpr const char* kRamDisk = "tmpfs";

std::string file_system_name(long type) {
  switch (type) {
    case TMPFS_MAGIC:
    case RAMFS_MAGIC:
      return kRamDisk;
    case EXT4_SUPER_MAGIC:
      return "ext4";
    case XFS_SUPER_MAGIC:
      return "xfs";
    case BTRFS_SUPER_MAGIC:
      return "btrfs";
    case OVERLAYFS_SUPER_MAGIC:
      return "overlay";
    case NFS_SUPER_MAGIC:
      return "nfs";
    default: {
      std::ostringstream text;
      text << "type 0x" << std::hex << type;
      return text.str();
    }
  }
}

}  // namespace

Finding check_state_directory(const AgentConfig& config) {
  const std::string& directory = config.state_dir;
  struct stat found {};
  if (::stat(directory.c_str(), &found) != 0) {
    return failure("state.directory", "state_missing", directory + ": " + std::strerror(errno),
                   "`rolesync-agent join` makes it; is this run as the agent's user?");
  }
  if (!S_ISDIR(found.st_mode) || found.st_uid != ::geteuid()) {
    return failure("state.directory", "state_not_ours",
                   directory + " is not a directory of the user who runs this (" +
                       std::to_string(::geteuid()) + ")",
                   "run the doctor as the agent's user, or chown the directory to it");
  }
  const std::string probe = directory + "/doctor-" + std::to_string(::getpid());
  if (Status written = write_durably(probe, ""); !written) {
    return failure("state.directory", "state_unwritable", written.error().message,
                   "check space, permissions and the unit's ReadWritePaths=");
  }
  ::unlink(probe.c_str());
  if ((found.st_mode & 077) != 0) {
    return warning("state.directory", "state_open_to_others",
                   directory + " may be read by others than its owner", "chmod 0700 " + directory);
  }
  return fine("state.directory", directory + " is ours and can be written");
}

Finding judge_space(std::uint64_t free_bytes, const std::string& file_system) {
  const std::string seen = std::to_string(free_bytes / kMegabyte) + " MB free on " + file_system;
  if (free_bytes < kMegabyte) {
    return failure("state.space", "disk_full", seen + ": tasks cannot be recorded, so none begins",
                   "free some space");
  }
  if (file_system == kRamDisk) {
    return warning("state.space", "state_volatile",
                   seen + ": what the agent must remember is lost at a reboot",
                   "put state_dir on a disk");
  }
  if (free_bytes < 100 * kMegabyte) {
    return warning("state.space", "disk_nearly_full", seen, "free some space");
  }
  return fine("state.space", seen);
}

Finding check_state_space(const AgentConfig& config) {
  struct statfs disk {};
  if (::statfs(config.state_dir.c_str(), &disk) != 0) {
    return failure("state.space", "state_missing", config.state_dir + ": " + std::strerror(errno),
                   "see state.directory");
  }
  const auto block = static_cast<std::uint64_t>(disk.f_bsize);
  return judge_space(disk.f_bavail * block, file_system_name(disk.f_type));
}

Finding check_running(const AgentConfig& config) {
  if (const auto pid = lock_holder(config)) {
    return fine("state.lock", "the agent runs as process " + *pid);
  }
  return warning("state.lock", "agent_not_running",
                 "no agent uses " + config.state_dir + " at the moment",
                 "systemctl start rolesync-agent, or `rolesync-agent run`");
}

Finding check_credential(const AgentConfig& config) {
  struct stat found {};
  if (::stat(config.credential_file.c_str(), &found) != 0 && errno != ENOENT) {
    return failure("state.credential", "credential_unreadable",
                   config.credential_file + ": " + std::strerror(errno),
                   "run the doctor as the agent's user");
  }
  const Result<std::string> credential = Credential::read(config);
  if (!credential) return failure("state.credential", credential.error());
  if ((found.st_mode & 077) != 0) {
    return failure("state.credential", "credential_exposed",
                   config.credential_file + " may be read by others than its owner",
                   "chmod 0600 it; if somebody else may have read it, let the node join again");
  }
  return fine("state.credential", config.credential_file + " is there, for its owner only");
}

Finding check_last_end(const AgentConfig& config, const std::string& boot_id) {
  const auto mark = read_if_there(config.state_dir + "/running");
  if (mark && *mark && **mark != boot_id) {
    return warning("state.last_end", "unclean_end",
                   "the machine went down while the agent ran, and it has not run since",
                   "nothing to do: at its start it ends interrupted switches and reads all files");
  }
  return fine("state.last_end", "no unclean end is waiting to be looked at");
}

}  // namespace rolesync::agent::doctor
