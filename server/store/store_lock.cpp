// SPDX-License-Identifier: Apache-2.0
#include "server/store/store_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace rolesync::store {

Result<StoreLock> StoreLock::take(const std::filesystem::path& database) {
  const std::string path = database.string() + ".lock";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return Error{ErrorKind::failed, "store_unreadable",
                 "cannot open " + path + ": " + std::strerror(errno),
                 "check owner and permissions of the state directory"};
  }
  StoreLock lock(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    return Error{ErrorKind::conflict, "store_in_use",
                 "another rolesync-server uses " + database.string(),
                 "stop it first, or give this one its own --state-dir"};
  }
  return lock;
}

StoreLock::~StoreLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace rolesync::store
