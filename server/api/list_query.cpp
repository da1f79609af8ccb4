// SPDX-License-Identifier: Apache-2.0
#include "server/api/list_query.hpp"

#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "host/values/hash.hpp"
#include "host/values/names.hpp"
#include "host/values/timestamp.hpp"

namespace rolesync::api {
namespace {

using Kind = store::FilterColumn::Kind;

constexpr const char* see = "see /api/openapi.yaml for what this list understands";

Error bad(const std::string& name, std::string detail, std::string hint = see) {
  return {ErrorKind::invalid,
          "invalid_query",
          "the query " + name + " " + detail,
          std::move(hint),
          {{"/query/" + name, std::move(detail)}}};
}

std::string words(const std::vector<std::string_view>& names) {
  std::string text;
  for (const std::string_view name : names) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

std::optional<std::string> from_hex(std::string_view hex) {
  std::string bytes;
  if (hex.size() % 2 != 0) return std::nullopt;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    unsigned value = 0;
    const char* end = hex.data() + i + 2;
    const auto [stop, error] = std::from_chars(hex.data() + i, end, value, 16);
    if (error != std::errc{} || stop != end) return std::nullopt;
    bytes += static_cast<char>(value);
  }
  return bytes;
}

// A token is good for the same list only: sort and filters are part of what is summed.
std::string sum_of(const store::Page& page, const store::PageKey& key) {
  std::string text = page.sort + (page.descending ? "-" : "+");
  for (const auto& [name, value] : page.filters) text += "\n" + name + "=" + value;
  return sha256_hex(text + "\n\n" + key.value + "\n" + key.id).substr(0, 12);
}

std::optional<store::PageKey> key_from(const store::Page& page, const std::string& token) {
  constexpr std::size_t sum = 12;
  if (token.size() < sum || token.size() > 4096) return std::nullopt;
  const auto text = from_hex(std::string_view(token).substr(sum));
  const std::size_t end = text ? text->find('\n') : std::string::npos;
  if (end == std::string::npos) return std::nullopt;
  store::PageKey key{text->substr(0, end), text->substr(end + 1)};
  if (sum_of(page, key) != token.substr(0, sum)) return std::nullopt;
  return key;
}

Status read_limit(const std::string& text, store::Page& page) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, page.limit);
  if (error == std::errc{} && stop == end && page.limit >= 1 && page.limit <= longest_page) {
    return {};
  }
  return bad("limit", "must be a whole number from 1 to " + std::to_string(longest_page),
             "ask for more with page_token");
}

Status read_sort(const std::string& text, const ListRules& rules, store::Page& page) {
  page.descending = text.starts_with('-');
  page.sort = text.substr(page.descending ? 1 : 0);
  if (std::find(rules.sorts.begin(), rules.sorts.end(), page.sort) != rules.sorts.end()) return {};
  return bad("sort", "must be one of " + words(rules.sorts), "a leading '-' turns the order round");
}

Status read_filter(const ListRules::Filter& filter, const std::string& text, store::Page& page) {
  const std::string name(filter.name);
  switch (filter.kind) {
    case Kind::name:
    case Kind::name_in_list:
      // Scopes are words with a ':'.
      if (!is_name(text) && text != "role:command") return bad(name, "is not a valid name");
      break;
    case Kind::flag:
      if (text != "true" && text != "false") return bad(name, "must be true or false");
      break;
    case Kind::time: {
      const auto at = from_rfc3339(text);
      if (!at) return bad(name, "must be a time like 2026-11-28T22:00:00Z");
      page.filters[name] = std::to_string(*at);
      return {};
    }
    case Kind::text:
      if (text.empty() || text.size() > 300 || text.find('\0') != std::string::npos) {
        return bad(name, "must be a text of 1 to 300 characters");
      }
  }
  page.filters[name] = text;
  return {};
}

Status read_one(const std::string& name, const std::string& text, const ListRules& rules,
                store::Page& page) {
  if (name == "page_token" || name == "sort") return {};  // taken apart
  if (name == "limit") return read_limit(text, page);
  const auto filter =
      std::find_if(rules.filters.begin(), rules.filters.end(),
                   [&](const ListRules::Filter& each) { return each.name == name; });
  if (filter != rules.filters.end()) return read_filter(*filter, text, page);
  std::vector<std::string_view> names;
  for (const ListRules::Filter& each : rules.filters) names.push_back(each.name);
  return bad(name, "is not known to this list",
             "it understands limit, sort, page_token" + std::string(names.empty() ? "" : ", ") +
                 words(names));
}

}  // namespace

ListRules rules_of(const store::ListColumns& columns, std::string_view sort, int limit) {
  ListRules rules;
  for (const store::SortColumn& each : columns.sorts) rules.sorts.push_back(each.name);
  for (const store::FilterColumn& each : columns.filters) {
    rules.filters.push_back({each.name, each.kind});
  }
  rules.sort = sort;
  rules.limit = limit;
  return rules;
}

Result<store::Page> read_page(const http::Request& request, const ListRules& rules) {
  store::Page page;
  page.limit = rules.limit;
  const auto sort = request.query.find("sort");
  const std::string wanted = sort == request.query.end() ? std::string(rules.sort) : sort->second;
  if (Status valid = read_sort(wanted, rules, page); !valid) return valid.error();
  for (const auto& [name, text] : request.query) {
    if (Status valid = read_one(name, text, rules, page); !valid) return valid.error();
  }
  const auto token = request.query.find("page_token");
  if (token == request.query.end() || token->second.empty()) return page;
  page.after = key_from(page, token->second);
  if (page.after) return page;
  return bad("page_token", "is not one that this list gave for this sort and these filters",
             "send next_page_token of the page before with the same sort and filters, or begin "
             "without page_token");
}

Json next_page_token(const store::Page& page, const std::optional<store::PageKey>& next) {
  if (!next) return {};
  return sum_of(page, *next) + to_hex(next->value + "\n" + next->id);
}

std::string sortable(std::int64_t number) {
  char text[24];
  // 2^63 is added, so that negative ones come first.
  std::snprintf(text, sizeof text, "%020llu",
                static_cast<unsigned long long>(number) ^ (1ULL << 63));
  return text;
}

bool passes(const store::Page& page, const char* filter, std::string_view value) {
  const auto wanted = page.filters.find(filter);
  return wanted == page.filters.end() || wanted->second == value;
}

}  // namespace rolesync::api
