#include "base/result.h"

#include <cctype>
#include <cerrno>
#include <system_error>

namespace paystats::base {

namespace {

int gravity(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kMustNotGoOn:
      return 2;
    case ErrorKind::kFailed:
    case ErrorKind::kClosedOutput:
      return 1;
    case ErrorKind::kInterrupted:
      break;
  }
  return 0;
}

}  // namespace

const Error& graver(const Error& one, const Error& other) {
  return gravity(other.kind) > gravity(one.kind) ? other : one;
}

Error system_error(std::string_view subject, int errno_value) {
  std::string reason = std::generic_category().message(errno_value);
  if (!reason.empty()) {
    reason[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(reason[0])));
  }
  std::string message(subject);
  message += ": ";
  message += reason;
  return Error{std::move(message),
               errno_value == EPIPE ? ErrorKind::kClosedOutput : ErrorKind::kFailed};
}

}  // namespace paystats::base
