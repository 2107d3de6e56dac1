#include "base/diagnostics.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/terminal_text.h"

namespace paystats::base {
namespace {

constexpr std::string_view kEraseLine = "\r\x1b[K";

}  // namespace

Diagnostics::Diagnostics(Invocation invocation, Verbosity verbosity, int fd)
    : invocation_(std::move(invocation)), verbosity_(verbosity), fd_(fd) {}

Diagnostics::Diagnostics(std::string tool, Verbosity verbosity, int fd)
    : Diagnostics(Invocation(std::move(tool)), verbosity, fd) {}

Diagnostics::~Diagnostics() {
  status({});
}

void Diagnostics::error(std::string_view message) {
  print("error: ", message);
}

void Diagnostics::warning(std::string_view message) {
  if (verbosity_ != Verbosity::kQuiet) print("warning: ", message);
}

void Diagnostics::note(std::string_view message) {
  if (verbosity_ != Verbosity::kQuiet) print("", message);
}

void Diagnostics::detail(std::string_view message) {
  if (verbosity_ == Verbosity::kVerbose) print("", message);
}

void Diagnostics::status(std::string_view line) {
  const MutexLock lock(mutex_);
  if (line == status_) return;
  status_ = line;
  std::string out(kEraseLine);
  out += status_;
  write_out(out);
}

void Diagnostics::print(std::string_view word, std::string_view message) {
  const MutexLock lock(mutex_);
  // One write a message, so that the lines of several processes do not mix.
  std::string out;
  if (!status_.empty()) out += kEraseLine;
  out += invocation_.tool();
  out += ": ";
  out += word;
  out += printable(message);
  out += '\n';
  out += status_;
  write_out(out);
}

void Diagnostics::write_out(std::string_view bytes) {
  // Where stderr itself cannot be written there is nobody left to tell.
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

}  // namespace paystats::base
