// What the tests of this room share: pipes, the words of diagnostics, and a source read to its end.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/diagnostics.h"
#include "base/fd.h"
#include "base/stop_signal.h"
#include "io/source.h"
#include "io/wait.h"
#include "unit/support.h"

namespace paystats::io {

inline void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}
inline void append_file(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::app) << bytes;
}
inline std::string file_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Pipe {
  base::UniqueFd read;
  base::UniqueFd write;
  Pipe() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0) std::abort();
    read = base::UniqueFd(fds[0]);
    write = base::UniqueFd(fds[1]);
  }
  void put(std::string_view bytes) const {
    if (!base::write_all(write.get(), bytes, "pipe")) std::abort();
  }
};

// Puts `fd` in the place of `target` (0, 1) as long as it lives.
class Redirected {
 public:
  Redirected(int target, int fd) : target_(target), saved_(::fcntl(target, F_DUPFD_CLOEXEC, 10)) {
    ::dup2(fd, target_);
  }
  Redirected(const Redirected&) = delete;
  Redirected& operator=(const Redirected&) = delete;
  ~Redirected() { ::dup2(saved_.get(), target_); }

 private:
  const int target_;
  const base::UniqueFd saved_;
};

// Diagnostics whose words can be read.
class Words {
 public:
  Words() : diagnostics("t", base::Verbosity::kNormal, pipe_.write.get()) {
    ::fcntl(pipe_.read.get(), F_SETFL, O_NONBLOCK);
  }
  std::string heard() {
    std::string text(1 << 16, '\0');
    const ssize_t n = ::read(pipe_.read.get(), text.data(), text.size());
    text.resize(n > 0 ? static_cast<size_t>(n) : 0);
    return text;
  }

 private:
  Pipe pipe_;

 public:
  base::Diagnostics diagnostics;
};

// What a source needs around it.
struct TestContext {
  base::StopSignal stop;
  base::SystemClock clock;
  Words words;
  Waiter waiter{stop, clock};

  base::Instant in(base::Duration time) const { return clock.now() + time; }
};

// Whether a thread of this process (its gettid()) waits for something.
inline bool sleeps(pid_t thread) {
  return file_bytes("/proc/self/task/" + std::to_string(thread) + "/stat").find(") S ") !=
         std::string::npos;
}

// Does `what` once the thread that has made this waits for something.
class WhenAsleep {
 public:
  explicit WhenAsleep(std::function<void()> what)
      : thread_([what = std::move(what), waiting = ::gettid()] {
          EXPECT_TRUE(eventually([&] { return sleeps(waiting); }));
          what();
        }) {}
  void join() { thread_.join(); }

 private:
  std::thread thread_;
};

struct Everything {
  std::string bytes;
  uint64_t long_lines = 0;
  bool in_order = true;  // each block begins at the line that it says
  ReadStatus status = ReadStatus::kBlock;
  std::string error;
};

// Reads until the end, an error, or nothing for `patience`.
inline Everything read_everything(Source& source, base::Duration patience = kLimit) {
  const base::SystemClock clock;
  Everything all;
  std::string name;
  for (;;) {
    Block block;
    const base::Result<ReadStatus> status = source.read(block, clock.now() + patience);
    if (!status) {
      all.error = status.error().message;
      return all;
    }
    all.status = *status;
    if (*status != ReadStatus::kBlock) return all;
    all.in_order = all.in_order && block.begins_input == (block.source != name);
    name = block.source;
    all.bytes += block.bytes;
    if (block.long_line_bytes > 0) ++all.long_lines;
  }
}

// Runs `work` in a child process and returns its exit status, or minus the signal that ended it.
inline int in_child(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace paystats::io
