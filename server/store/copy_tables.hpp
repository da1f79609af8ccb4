// SPDX-License-Identifier: Apache-2.0
// Copies all tables of one store into another of the same schema, one of which is SQLite, and
// proves it: counts and digests of every table are compared at the end. What was interrupted is
// taken up again: rows that are there already are written once more, complete tables are not.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "server/store/store.hpp"

namespace rolesync::store {

struct CopiedTable {
  std::string name;
  std::uint64_t rows = 0;
  std::string digest;      // of all rows, whatever their order
  bool was_there = false;  // complete before, by an earlier attempt
};

struct CopyOptions {
  Store& from;
  Store& to;
  Store& described;       // the one of the two that is SQLite: it is asked for columns and keys
  std::string from_name;  // whoever goes on with a copy has to come from the same place
  std::function<void(const CopiedTable&)> done;  // after each table
};

// The target must be empty, or hold an unfinished copy from the same place; until it is finished no
// server starts on it (unfinished_copy). Errors: conflict/target_not_empty, failed/copy_differs.
Result<std::vector<CopiedTable>> copy_tables(const CopyOptions& options);

// From where a copy into this store was begun and not finished; empty: none was.
Result<std::string> unfinished_copy(Store& store);

}  // namespace rolesync::store
