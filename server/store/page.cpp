// SPDX-License-Identifier: Apache-2.0
#include "server/store/page.hpp"

#include <algorithm>
#include <charconv>

namespace rolesync::store {
namespace {

Error unknown_column(const std::string& name) {
  return {ErrorKind::invalid, "invalid_query", "this list has no column \"" + name + "\"",
          "see /api/openapi.yaml for what it can be sorted and filtered by"};
}

std::int64_t number_of(const std::string& text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Value value_of(const FilterColumn& filter, const std::string& text) {
  switch (filter.kind) {
    case FilterColumn::Kind::name_in_list:
      return "%\"" + text + "\"%";
    case FilterColumn::Kind::flag:
      return text == "true" ? 1 : 0;
    case FilterColumn::Kind::time:
      return number_of(text);
    default:
      return text;
  }
}

}  // namespace

Result<std::vector<Row>> page_rows(Session& session, const std::string& select,
                                   const ListColumns& columns, const Page& page) {
  const auto sort = std::find_if(columns.sorts.begin(), columns.sorts.end(),
                                 [&](const SortColumn& each) { return each.name == page.sort; });
  if (sort == columns.sorts.end()) return unknown_column(page.sort);
  const std::string column = sort->column, id = columns.id;
  std::string where;
  std::vector<Value> values;
  const auto add = [&](const std::string& condition) {
    where += (where.empty() ? " WHERE (" : " AND (") + condition + ")";
  };
  for (const auto& [name, text] : page.filters) {
    const auto filter =
        std::find_if(columns.filters.begin(), columns.filters.end(),
                     [&, wanted = name](const FilterColumn& each) { return each.name == wanted; });
    if (filter == columns.filters.end()) return unknown_column(name);
    add(filter->condition);
    values.push_back(value_of(*filter, text));
  }
  const std::string beyond = page.descending ? " < ?" : " > ?";
  const std::string order = page.descending ? " DESC" : " ASC";
  if (page.after) {
    const Value value =
        sort->number ? Value(number_of(page.after->value)) : Value(page.after->value);
    add(column + beyond + " OR (" + column + " = ? AND " + id + beyond + ")");
    const Value last = columns.number_id ? Value(number_of(page.after->id)) : page.after->id;
    values.insert(values.end(), {value, value, last});
  }
  std::string sql = select;
  sql.insert(sql.find(" FROM "), ", " + column + ", " + id);
  sql += where + " ORDER BY " + column + order + ", " + id + order + " LIMIT ?";
  values.emplace_back(page.limit + 1);
  return session.query(sql, values);
}

}  // namespace rolesync::store
