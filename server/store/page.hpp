// SPDX-License-Identifier: Apache-2.0
// One page of a list: which rows, in which order, from which row on. A list says by which columns
// it may be sorted and filtered; nothing that a caller names becomes SQL text. Rows are found by
// the key of the last one that was seen, so rows that come and go meanwhile neither shift nor
// repeat the others. Called inside Store::read.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/store/session.hpp"

namespace rolesync::store {

// Of a row: its value of the sort column, and its id for those that have the same.
struct PageKey {
  std::string value, id;
};

struct Page {
  std::string sort;  // a name of SortColumn
  bool descending = false;
  std::optional<PageKey> after;
  int limit = 100;
  // Names of FilterColumn; what the text must be depends on its kind.
  std::map<std::string, std::string> filters;
};

struct SortColumn {
  std::string_view name;
  const char* column;
  bool number = false;
};

struct FilterColumn {
  enum class Kind {
    text,
    name,          // a node's, role's ... name
    name_in_list,  // of a JSON list of words
    flag,          // true, false
    time,          // milliseconds
  };
  std::string_view name;
  const char* condition;  // with one placeholder
  Kind kind = Kind::text;
};

struct ListColumns {
  const char* id;  // unique
  std::vector<SortColumn> sorts;
  std::vector<FilterColumn> filters;
  bool number_id = false;
};

template <class T>
struct Listed {
  std::vector<T> items;
  std::optional<PageKey> next;  // of the last item, when there are more
};

// The rows of the page, and one more when there is one; the two last columns are the key's.
Result<std::vector<Row>> page_rows(Session& session, const std::string& select,
                                   const ListColumns& columns, const Page& page);

// `select` is "SELECT ... FROM table ", without WHERE.
template <class T, class Convert>
Result<Listed<T>> list_page(Session& session, const std::string& select, const ListColumns& columns,
                            const Page& page, Convert convert) {
  const auto rows = page_rows(session, select, columns, page);
  if (!rows) return rows.error();
  Listed<T> listed;
  for (const Row& row : *rows) {
    if (listed.items.size() == static_cast<std::size_t>(page.limit)) break;
    listed.items.push_back(convert(row));
  }
  if (rows->size() > listed.items.size()) {
    const Row& last = (*rows)[listed.items.size() - 1];
    listed.next = PageKey{last.text(last.size() - 2), last.text(last.size() - 1)};
  }
  return listed;
}

}  // namespace rolesync::store
