// The one way to stderr. A tool makes a Diagnostics and hands it down; a library never prints by
// any other means and never exits. Messages have one form:
//
//   payagg: error: payments.jsonl:17: paymentAmt: not a decimal number
//
// What is shown passes through printable(). A status line (progress) is drawn below the messages
// and removed before each of them. Thread-safe: any thread may report.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/invocation.h"
#include "base/mutex.h"

namespace paystats::base {

enum class Verbosity { kQuiet, kNormal, kVerbose };  // -q, neither, -v

class Diagnostics {
 public:
  // Messages go to `fd`, which is borrowed and not closed.
  Diagnostics(Invocation invocation, Verbosity verbosity, int fd = 2);
  Diagnostics(std::string tool, Verbosity verbosity, int fd = 2);
  Diagnostics(const Diagnostics&) = delete;
  Diagnostics& operator=(const Diagnostics&) = delete;
  ~Diagnostics();

  void error(std::string_view message);    // always shown
  void warning(std::string_view message);  // shown unless -q
  void note(std::string_view message);     // shown unless -q, without a word in front
  void detail(std::string_view message);   // shown with -v

  // Replaces the status line; an empty one removes it. Only for a terminal (see progress.h).
  void status(std::string_view line);

  const std::string& tool() const { return invocation_.tool(); }
  const Invocation& invocation() const { return invocation_; }  // for a message that advises one
  Verbosity verbosity() const { return verbosity_; }

 private:
  void print(std::string_view word, std::string_view message);
  void write_out(std::string_view bytes) PAYSTATS_REQUIRES(mutex_);

  const Invocation invocation_;
  const Verbosity verbosity_;
  const int fd_;
  Mutex mutex_;
  std::string status_ PAYSTATS_GUARDED_BY(mutex_);  // what is drawn now, without its newline
};

}  // namespace paystats::base
