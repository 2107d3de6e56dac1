// Errors are values. An operation that can fail returns Result<T>; a bad *record* is not such a
// failure (it is counted and put aside, see record/), and a programmer's error is an assert().
//
//   Result<UniqueFd> fd = open_file(path, O_RDONLY);
//   if (!fd) return fail(fd.error());
//
// A message is lower case, without a full stop, and names what it is about:
// "payments.jsonl: permission denied". The tool that prints it puts "payagg: error: " in front.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

#include "base/exit_status.h"

namespace paystats::base {

enum class ErrorKind {
  kFailed,        // could not be done: exit status 2
  kClosedOutput,  // nobody reads our output any more (EPIPE): what that means, the tool decides
  kInterrupted,   // a stop signal ended the wait
  kMustNotGoOn,   // going on would lose or double payments: exit status 3
};

struct Error {
  std::string message;
  ErrorKind kind = ErrorKind::kFailed;
};

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

// The exit status of a tool that this error ended.
inline ExitStatus exit_status_of(const Error& error) {
  return error.kind == ErrorKind::kMustNotGoOn ? ExitStatus::kMustNotGoOn : ExitStatus::kFailed;
}

// Of two errors that ended a tool the one that it tells: first what must not be begun again, last
// what a stop signal ended. The first of two that are alike.
const Error& graver(const Error& one, const Error& other);

// Turns an error into the failed Result of whatever type the caller returns.
inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}
inline tl::unexpected<Error> fail(std::string message, ErrorKind kind = ErrorKind::kFailed) {
  return tl::unexpected<Error>(Error{std::move(message), kind});
}

// "SUBJECT: no such file or directory" for an errno value. Thread-safe.
Error system_error(std::string_view subject, int errno_value);

}  // namespace paystats::base
