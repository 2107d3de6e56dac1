#include "base/stop_signal.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>

namespace paystats::base {
namespace {

constexpr int64_t kSecondSignalMs = 500;

// SIGHUP is how a terminal, an ssh session or a supervisor of sessions says the same.
constexpr int kStopSignals[] = {SIGINT, SIGTERM, SIGHUP};

// The only static state of the toolkit: a signal handler can reach nothing else.
std::atomic<int> g_event_fd{-1};
std::atomic<int> g_signal{0};
std::atomic<int64_t> g_first_ms{0};
static_assert(std::atomic<int>::is_always_lock_free);
static_assert(std::atomic<int64_t>::is_always_lock_free);

int64_t now_ms() {
  timespec t = {};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return int64_t{t.tv_sec} * 1000 + t.tv_nsec / 1'000'000;
}

[[noreturn]] void die_of(int signal_number) {
  ::signal(signal_number, SIG_DFL);
  sigset_t only;
  ::sigemptyset(&only);
  ::sigaddset(&only, signal_number);
  ::raise(signal_number);
  ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  // The first process of a container is still there: no signal without a handler ends it.
  ::_exit(128 + signal_number);
}

void note_signal(int signal_number) {
  const int saved_errno = errno;
  // The time goes first: another signal may interrupt this, and looks at it.
  int64_t never = 0;
  g_first_ms.compare_exchange_strong(never, now_ms());
  int none = 0;
  if (g_signal.compare_exchange_strong(none, signal_number)) {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(g_event_fd, &one, sizeof one);
  } else if (now_ms() - g_first_ms >= kSecondSignalMs) {
    die_of(signal_number);
  }
  errno = saved_errno;
}

void handle(int signal_number) {
  struct sigaction old = {};
  ::sigaction(signal_number, nullptr, &old);
  if (old.sa_handler == SIG_IGN) return;
  struct sigaction action = {};
  action.sa_handler = note_signal;
  // No SA_RESTART: a blocked write or poll is to come back. write_all() goes on by itself.
  ::sigaction(signal_number, &action, nullptr);
}

}  // namespace

StopSignal::StopSignal() {
  assert(g_event_fd < 0);
  g_signal = 0;
  g_first_ms = 0;
  g_event_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  for (const int signal_number : kStopSignals) handle(signal_number);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
}

StopSignal::~StopSignal() {
  if (!ignores_) {
    for (const int signal_number : kStopSignals) ::signal(signal_number, SIG_DFL);
  }
  ::close(g_event_fd.exchange(-1));
}

bool StopSignal::requested() const {
  return g_signal != 0;
}

Duration StopSignal::age() const {
  const int64_t first = g_first_ms;
  return std::chrono::milliseconds(first == 0 ? 0 : now_ms() - first);
}

int StopSignal::fd() const {
  return g_event_fd;
}

int StopSignal::number() const {
  return g_signal;
}

void StopSignal::request(int signal_number) {
  if (!requested()) note_signal(signal_number);
}

void StopSignal::ignore_from_now_on() {
  ignores_ = true;
  for (const int signal_number : kStopSignals) ::signal(signal_number, SIG_IGN);
}

void StopSignal::die_of_it() const {
  die_of(g_signal == 0 ? SIGTERM : g_signal.load());
}

}  // namespace paystats::base
