// SPDX-License-Identifier: Apache-2.0
// A transaction begun by hand ("BEGIN IMMEDIATE" takes the write lock at once; Poco's own begin()
// cannot), rolled back when it is dropped without commit. On the session's thread.
#pragma once
#include <string_view>
#include <utility>

#include "server/store/session.hpp"

namespace rolesync::store {

class Transaction {
 public:
  static Result<Transaction> begin(Session& session, std::string_view statement) {
    if (const auto begun = session.execute(statement); !begun) return begun.error();
    return Transaction(session);
  }
  Transaction(Transaction&& other) noexcept : session_(std::exchange(other.session_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction() { roll_back(); }

  Status commit() {
    const auto done = session_->execute("COMMIT");
    if (!done) return done.error();  // the destructor rolls back
    session_ = nullptr;
    return {};
  }
  void roll_back() {
    if (session_) (void)session_->execute("ROLLBACK");  // fails when the database did it already
    session_ = nullptr;
  }

 private:
  explicit Transaction(Session& session) : session_(&session) {}
  Session* session_;
};

}  // namespace rolesync::store
