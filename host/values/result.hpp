// SPDX-License-Identifier: Apache-2.0
// What a function returns when failure is expected: a value, or an Error a person can act on.
// Exceptions are for programming errors and start-up; none crosses a thread or the plugin door.
#pragma once
#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace rolesync {

// The class of an error decides the HTTP status, the CLI's exit code and whether to try again.
enum class ErrorKind {
  invalid,          // the request itself is wrong                      422 (400 if unreadable)
  unauthenticated,  // who is asking is not known                       401
  denied,           // known, but not allowed                           403
  not_found,        //                                                  404
  conflict,         // the world is in another state than assumed       409
  precondition,     // If-Match did not match                           412
  too_large,        //                                                  413
  unavailable,      // may work later: network, busy, disk full         503
  timeout,          // took longer than it may                          504
  failed,           // everything else                                  500
};

struct FieldError {
  std::string pointer;  // JSON pointer into the request body
  std::string detail;
};

struct Error {
  ErrorKind kind = ErrorKind::failed;
  std::string reason;     // snake_case code from docs/reasons.md; stable, for machines
  std::string message;    // what happened and why, one sentence
  std::string hint = {};  // what to do about it, one sentence; may be empty
  std::vector<FieldError> fields = {};

  // "message (hint)", for logs and terminals.
  std::string text() const { return hint.empty() ? message : message + " (" + hint + ")"; }
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return assert(ok()), std::get<0>(state_); }
  const T& value() const& { return assert(ok()), std::get<0>(state_); }
  T&& value() && { return assert(ok()), std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const { return assert(!ok()), std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

// Result without a value. `return {};` is success.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)) {}
  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  const Error& error() const { return assert(error_), *error_; }

 private:
  std::optional<Error> error_;
};

}  // namespace rolesync
