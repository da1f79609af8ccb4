// SPDX-License-Identifier: Apache-2.0
// Lists by page: each item once and in order, whatever comes and goes between two pages.
#include "server/store/page.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>

#include "server/store/freezes.hpp"
#include "server/store/jobs.hpp"
#include "temporary_store.hpp"

namespace rolesync::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class PageTest : public StoreTest {
 protected:
  void add(const std::string& id, Millis starts_at, const std::string& by = "me") {
    ASSERT_TRUE(store()
                    .write([&](Session& s) {
                      return add_freeze(s, {.id = id, .starts_at = starts_at, .created_by = by});
                    })
                    .ok());
  }
  Listed<Freeze> list(const Page& page) {
    auto listed = store().read([&](Session& s) { return list_freezes(s, page); });
    EXPECT_TRUE(listed.ok()) << listed.error().text();
    return listed.ok() ? *listed : Listed<Freeze>{};
  }
  // All pages; `between` runs after each.
  std::vector<std::string> walk(Page page, const std::function<void(int)>& between = {}) {
    std::vector<std::string> ids;
    for (int i = 0; i < 100; ++i) {
      const auto listed = list(page);
      EXPECT_LE(listed.items.size(), static_cast<std::size_t>(page.limit));
      for (const Freeze& freeze : listed.items) ids.push_back(freeze.id);
      if (!listed.next) return ids;
      page.after = listed.next;
      if (between) between(i);
    }
    ADD_FAILURE() << "the list does not end";
    return ids;
  }
};

TEST_F(PageTest, EachItemComesOnceAlsoWhereManyHaveTheSameValue) {
  for (int i = 0; i < 7; ++i) add("f" + std::to_string(i), 10 + i / 3);
  for (int limit : {1, 2, 3, 7, 8}) {
    EXPECT_THAT(walk({.sort = "starts_at", .limit = limit}),
                ElementsAre("f0", "f1", "f2", "f3", "f4", "f5", "f6"));
    EXPECT_THAT(walk({.sort = "starts_at", .descending = true, .limit = limit}),
                ElementsAre("f6", "f5", "f4", "f3", "f2", "f1", "f0"));
  }
}

TEST_F(PageTest, WhatIsThereAllTheWhileComesOnceWhateverComesAndGoes) {
  for (int i = 0; i < 9; ++i) add("f" + std::to_string(i), 100 + 10 * i);
  const auto seen = walk({.sort = "starts_at", .limit = 2}, [&](int i) {
    add("a" + std::to_string(i), 50);  // before everything that was shown
    add("f2" + std::to_string(i), 120);
    ASSERT_TRUE(store()
                    .write([&](Session& s) {
                      return status_of(s.execute("DELETE FROM freezes WHERE id = ?",
                                                 {"f" + std::to_string(2 * i)}));
                    })
                    .ok());
  });
  for (const char* id : {"f1", "f3", "f5", "f7"}) {
    EXPECT_EQ(std::count(seen.begin(), seen.end(), id), 1) << id;
  }
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end(), [](const auto& a, const auto& b) {
    return a.substr(0, 2) < b.substr(0, 2);
  })) << testing::PrintToString(seen);
}

TEST_F(PageTest, FiltersAreConditionsAndNothingElse) {
  add("f1", 1, "me");
  add("f2", 2, "x' OR '1'='1");
  EXPECT_THAT(walk({.sort = "starts_at", .filters = {{"created_by", "x' OR '1'='1"}}}),
              ElementsAre("f2"));
  EXPECT_THAT(walk({.sort = "starts_at", .filters = {{"lifted", "true"}}}), IsEmpty());
  EXPECT_THAT(walk({.sort = "starts_at", .filters = {{"lifted", "false"}, {"created_by", "me"}}}),
              ElementsAre("f1"));
  const auto odd = [&](const Page& page) {
    return store().read([&](Session& s) { return list_freezes(s, page); }).error().reason;
  };
  EXPECT_EQ(odd({.sort = "reason"}), "invalid_query");
  EXPECT_EQ(odd({.sort = "starts_at", .filters = {{"id; DROP TABLE freezes", "x"}}}),
            "invalid_query");
}

}  // namespace
}  // namespace rolesync::store
