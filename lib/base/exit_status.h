// What a tool's exit status says. The same four for every tool, and a section of each man page.
// A tool that runs a command (paystats-cache --run) may end with that one's status, whatever it is.
#pragma once

namespace paystats::base {

enum class ExitStatus : int {
  kDone = 0,      // all that was asked for
  kRejected = 1,  // done, but some records were rejected
  kFailed = 2,    // could not: usage, input or output, something undelivered
  // Must not go on: that, or starting again, would lose or double payments, and a person must look.
  // A supervisor does not start it again.
  kMustNotGoOn = 3,
};

// How a run of a tool ended that could do what it was asked for.
struct RunOutcome {
  ExitStatus status = ExitStatus::kDone;
  bool cut_short = false;  // by a signal, where the input would have had an end: end by that signal
};

}  // namespace paystats::base
