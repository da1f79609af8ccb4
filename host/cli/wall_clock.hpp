// SPDX-License-Identifier: Apache-2.0
// Times of the server's answers, as seen from now. Any thread.
#pragma once
#include <string>

namespace rolesync::cli {

std::string age_of(const std::string& rfc3339);  // "3m ago"; "-" when there is no time

}  // namespace rolesync::cli
