// A command as a child process of this one, without a shell.
//
//   Result<ChildProcess> child = ChildProcess::start({"payagg", "log"}, std::move(out));
//   if (!child) return fail(child.error());
//   wait_readable(child->fd());  // it is, once the child has ended
//   child->send(signal_number);
//   const ChildEnd end = child->wait();  // no zombie is left
//
// The child has the standard input, the standard error, the environment and the process group of
// this process, and of its other descriptors those that are not O_CLOEXEC, as of a shell's child.
// Signals that were ignored at the start of this process are ignored in the child; SIGPIPE and
// SIGXFSZ, which a StopSignal ignores, are not. When the thread that started it ends, and with it
// at the latest this process, however that comes, the kernel kills the child: it leaves nothing
// that runs without its supervisor.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace paystats::base {

struct ChildEnd {
  int status = 0;  // what it has ended with, where no signal has killed it
  int signal = 0;  // the signal that has killed it, or 0
};

class ChildProcess {
 public:
  // Runs words[0], looked for in PATH where it has no slash, with `output` as its standard output.
  // Returns once it runs: where it cannot be executed, that is the error, which names it.
  // REQUIRES: words is not empty; `output` is above 2.
  static Result<ChildProcess> start(const std::vector<std::string>& words, UniqueFd output);

  ChildProcess(ChildProcess&& other) noexcept
      : pid_(std::exchange(other.pid_, 0)), ended_(std::move(other.ended_)) {}
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();  // kills it where wait() was not called

  pid_t pid() const { return pid_; }
  int fd() const { return ended_.get(); }
  void send(int signal_number) const;  // does nothing once it has ended

  // Waits for the end. Call once.
  ChildEnd wait();

 private:
  ChildProcess(pid_t pid, UniqueFd ended) : pid_(pid), ended_(std::move(ended)) {}

  pid_t pid_;
  UniqueFd ended_;  // a pidfd
};

}  // namespace paystats::base
