// SPDX-License-Identifier: Apache-2.0
#include "server/store/postgres_text.hpp"

#include <gtest/gtest.h>

namespace rolesync::store {
namespace {

TEST(PostgresText, PlacesAreNumberedOutsideOfQuotesAndComments) {
  EXPECT_EQ(with_numbered_places("SELECT ? WHERE a = ? AND b IN (?, ?)"),
            "SELECT $1 WHERE a = $2 AND b IN ($3, $4)");
  EXPECT_EQ(with_numbered_places("SELECT '?', \"?\", 'it''s ?', ?"),
            "SELECT '?', \"?\", 'it''s ?', $1");
  EXPECT_EQ(with_numbered_places("SELECT ? -- why?\n, ? - ?"), "SELECT $1 -- why?\n, $2 - $3");
  EXPECT_EQ(with_numbered_places("SELECT '?"), "SELECT '?");
  EXPECT_EQ(with_numbered_places(""), "");
}

TEST(PostgresText, AnAddressIsTakenApartAndHoldsNoPassword) {
  const auto address =
      parse_postgres_address("postgresql://me@db.example:5433/rolesync?passfile=/x");
  ASSERT_TRUE(address.ok()) << address.error().text();
  const std::vector<std::pair<std::string, std::string>> expected = {{"passfile", "/x"},
                                                                     {"user", "me"},
                                                                     {"dbname", "rolesync"},
                                                                     {"host", "db.example"},
                                                                     {"port", "5433"}};
  for (const auto& each : expected) {
    EXPECT_EQ(std::count(address->settings.begin(), address->settings.end(), each), 1)
        << each.first;
  }
  for (const char* wrong :
       {"", "mysql://x", "postgresql://me:secret@host/db", "postgresql://h/db?nonsense=1",
        "postgresql://h/a%20b", "postgresql://h/a'b", "/var/lib/x.db"}) {
    const auto refused = parse_postgres_address(wrong);
    ASSERT_FALSE(refused.ok()) << wrong;
    EXPECT_EQ(refused.error().reason, "store_address_invalid") << wrong;
    EXPECT_EQ(refused.error().text().find("secret"), std::string::npos) << wrong;
  }
}

TEST(PostgresText, ErrorsAreNamedByTheirCode) {
  const auto reason = [](const char* state) { return postgres_error(state, "x").reason; };
  EXPECT_EQ(reason("23505"), "constraint");
  EXPECT_EQ(reason("23503"), "constraint");
  EXPECT_EQ(reason("40001"), "store_busy");
  EXPECT_EQ(reason("40P01"), "store_busy");
  EXPECT_EQ(reason("55P03"), "store_busy");
  EXPECT_EQ(reason("53100"), "disk_full");
  EXPECT_EQ(reason("57P01"), "store_unreachable");
  EXPECT_EQ(reason("08006"), "store_unreachable");
  EXPECT_EQ(reason("42P01"), "store_failed");
  EXPECT_EQ(reason(""), "store_failed");
  EXPECT_EQ(postgres_error("23505", "x").kind, ErrorKind::conflict);
  EXPECT_EQ(postgres_error("57P03", "x").kind, ErrorKind::unavailable);
}

}  // namespace
}  // namespace rolesync::store
