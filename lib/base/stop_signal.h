// SIGINT, SIGTERM and SIGHUP, turned into something that a loop can wait for.
//
//   StopSignal stop;                       // one per process, made before any thread
//   wait_for_either(input, stop.fd());     // the descriptor is readable once a signal has come
//   if (stop.requested()) ...
//   if (interrupted) stop.die_of_it();
//
// A second signal, 500 ms or more after the first, ends the process at once by that signal: Ctrl-C
// always works, even where the loop is stuck in a write. (Sooner ones are the same Ctrl-C reaching
// us twice, by the terminal and by a supervisor.) SIGPIPE is ignored: a closed output is an error
// of write(2); so is a file that would outgrow `ulimit -f` (SIGXFSZ). A signal that was ignored
// when the process began (nohup, `&` in a script) stays so.
#pragma once

#include "base/stop.h"

namespace paystats::base {

class StopSignal final : public Stop {
 public:
  // REQUIRES: no other StopSignal in this process. (A handler can reach only static state.)
  StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  ~StopSignal() override;

  bool requested() const override;
  Duration age() const override;  // since the first signal
  int fd() const override;

  // The signal that came, or 0: what a child process is to be told as well.
  int number() const;

  // As if a first signal had come: for tests, and for a thread that wants its peers to end.
  void request(int signal_number);

  // The exit status is decided: until the process has ended no signal changes it. (Else a SIGTERM
  // just then would make a failure look like an orderly end.)
  void ignore_from_now_on();

  // Ends the process by the signal that came, so that a parent shell sees why; with status 128 +
  // signal where it is the first of a container, which no signal ends.
  [[noreturn]] void die_of_it() const;

 private:
  bool ignores_ = false;
};

}  // namespace paystats::base
