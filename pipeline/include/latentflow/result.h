// result.h: errors as values; every fallible call across a boundary returns Result<T> or Status.
#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace latentflow {

/// What kind of failure an Error is; the ledger groups by it.
enum class Code {
  invalid_argument,  ///< the caller (or the graph file) asked for something impossible
  bad_input,         ///< the data of one item cannot be used
  not_found,         ///< a file, model, node or partner item does not exist
  unsupported,       ///< valid, but not something this build can do
  io,                ///< reading or writing failed
  out_of_memory,     ///< the item needs more than the memory budget
  cancelled,         ///< the run was interrupted before the item was done
  filtered,          ///< a node dropped the item on purpose; counts as neither success nor failure
  internal,          ///< an exception or a broken invariant: a defect of the program
};

/// The word that logs and ledgers print for a code, for example "bad_input".
constexpr const char* to_string(Code code) {
  switch (code) {
    case Code::invalid_argument: return "invalid_argument";
    case Code::bad_input: return "bad_input";
    case Code::not_found: return "not_found";
    case Code::unsupported: return "unsupported";
    case Code::io: return "io";
    case Code::out_of_memory: return "out_of_memory";
    case Code::cancelled: return "cancelled";
    case Code::filtered: return "filtered";
    case Code::internal: return "internal";
  }
  return "internal";
}

/// One failure. Messages are lower case, without full stop: subject, fact, allowed range, hint.
struct Error {
  Code code = Code::internal;
  std::string message;
  std::string node;  ///< graph node where it happened; filled in by the executor
};

/// A T or an Error, nothing else. Implicit from both, so `return value;` and `return bad_input("...")` read alike.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  /// Requires ok().
  T& value() & { return assert(ok()), *std::get_if<0>(&state_); }
  const T& value() const& { return assert(ok()), *std::get_if<0>(&state_); }
  T&& value() && { return assert(ok()), std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  /// Requires !ok().
  const Error& error() const& { return assert(!ok()), *std::get_if<1>(&state_); }
  Error&& error() && { return assert(!ok()), std::move(*std::get_if<1>(&state_)); }

 private:
  std::variant<T, Error> state_;
};

/// Success without a value, or an Error.
using Status = Result<std::monostate>;
inline Status success() { return std::monostate{}; }

inline Error invalid_argument(std::string message) { return {Code::invalid_argument, std::move(message), {}}; }
inline Error bad_input(std::string message) { return {Code::bad_input, std::move(message), {}}; }
inline Error not_found(std::string message) { return {Code::not_found, std::move(message), {}}; }
inline Error unsupported(std::string message) { return {Code::unsupported, std::move(message), {}}; }
inline Error io_error(std::string message) { return {Code::io, std::move(message), {}}; }
inline Error out_of_memory(std::string message) { return {Code::out_of_memory, std::move(message), {}}; }
inline Error cancelled(std::string message) { return {Code::cancelled, std::move(message), {}}; }
inline Error filtered(std::string reason) { return {Code::filtered, std::move(reason), {}}; }
inline Error internal_error(std::string message) { return {Code::internal, std::move(message), {}}; }

}  // namespace latentflow
