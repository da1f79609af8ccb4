// SPDX-License-Identifier: Apache-2.0
// What every list of the API understands: `limit` (at most 500), `sort` (a leading '-' turns it
// round), `page_token` (next_page_token of the page before) and its own filters; anything else is
// refused as 400 invalid_query, with a pointer below /query. Pages follow the key of the last item,
// so an item that was there all the while comes exactly once. Any thread.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/values/json.hpp"
#include "server/http/router.hpp"
#include "server/store/page.hpp"

namespace rolesync::api {

constexpr int longest_page = 500;

struct ListRules {
  struct Filter {
    std::string_view name;
    store::FilterColumn::Kind kind = store::FilterColumn::Kind::text;
  };
  std::vector<std::string_view> sorts;
  std::vector<Filter> filters;
  std::string_view sort;  // when none is asked for
  int limit = 100;        // likewise
};

ListRules rules_of(const store::ListColumns& columns, std::string_view sort, int limit = 100);

// Error: invalid_query.
Result<store::Page> read_page(const http::Request& request, const ListRules& rules);

// The token of the page after: text, or null when there is none.
Json next_page_token(const store::Page& page, const std::optional<store::PageKey>& next);

// Numbers as texts with the same order, for keys of lists in memory.
std::string sortable(std::int64_t number);

// The same of a list in memory. `key_of(item)` is its key for page.sort, by text.
template <class Item, class KeyOf>
store::Listed<Item> page_of(std::vector<Item> items, const store::Page& page, KeyOf key_of) {
  const auto before = [&](const store::PageKey& a, const store::PageKey& b) {
    const store::PageKey &x = page.descending ? b : a, &y = page.descending ? a : b;
    return x.value != y.value ? x.value < y.value : x.id < y.id;
  };
  std::vector<std::pair<store::PageKey, Item>> keyed;
  for (Item& item : items) {
    store::PageKey key = key_of(item);
    if (page.after && !before(*page.after, key)) continue;
    keyed.emplace_back(std::move(key), std::move(item));
  }
  std::sort(keyed.begin(), keyed.end(),
            [&](const auto& a, const auto& b) { return before(a.first, b.first); });
  store::Listed<Item> listed;
  const std::size_t count = std::min(keyed.size(), static_cast<std::size_t>(page.limit));
  for (std::size_t i = 0; i < count; ++i) listed.items.push_back(std::move(keyed[i].second));
  if (keyed.size() > count && count > 0) listed.next = keyed[count - 1].first;
  return listed;
}

// True when the page has no such filter, or the value is the wanted one.
bool passes(const store::Page& page, const char* filter, std::string_view value);

// {member: [...], "next_page_token": ...}. `Object` so that only callers need the whole json.hpp.
template <class Item, class ToJson, class Object = Json>
Object list_json(const char* member, const store::Page& page, const store::Listed<Item>& listed,
                 ToJson to_json) {
  Object items = Object::array();
  for (const Item& item : listed.items) items.push_back(to_json(item));
  return {{member, std::move(items)}, {"next_page_token", next_page_token(page, listed.next)}};
}

}  // namespace rolesync::api
