// SPDX-License-Identifier: Apache-2.0
#include "host/cli/exit_code.hpp"

namespace rolesync::cli {

ExitCode exit_code_of(const Error& error) {
  switch (error.kind) {
    case ErrorKind::invalid:
    case ErrorKind::too_large:
      return kUsage;
    case ErrorKind::unauthenticated:
    case ErrorKind::denied:
      return kNotAllowed;
    case ErrorKind::not_found:
      return kNotFound;
    case ErrorKind::conflict:
    case ErrorKind::precondition:
      return kConflict;
    case ErrorKind::unavailable:
      return kUnreachable;
    case ErrorKind::timeout:
      return kTimedOut;
    case ErrorKind::failed:
      break;
  }
  return kFailed;
}

ExitCode exit_code_of_job(std::string_view state) {
  if (state == "partly_failed") return kPartlyFailed;
  if (state == "failed" || state == "rolled_back" || state == "cancelled") return kFailed;
  return kOk;
}

bool job_has_ended(std::string_view state) {
  return state == "succeeded" || state == "partly_failed" || state == "failed" ||
         state == "rolled_back" || state == "cancelled";
}

}  // namespace rolesync::cli
