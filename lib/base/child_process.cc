#include "base/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <cstdlib>
#include <string_view>

namespace paystats::base {
namespace {

constexpr std::string_view kPathDefault = "/bin:/usr/bin";

// What execv(2) is tried with. Not execvp(3): that hands a file which the kernel does not know how
// to execute to a shell.
std::vector<std::string> places_of(const std::string& command) {
  if (command.find('/') != command.npos) return {command};
  const char* const variable = std::getenv("PATH");
  std::string_view path = variable == nullptr ? kPathDefault : variable;
  std::vector<std::string> places;
  for (;;) {
    const size_t end = path.find(':');
    const std::string_view folder = path.substr(0, end);
    places.push_back(folder.empty() ? "./" + command : std::string(folder) + "/" + command);
    if (end == path.npos) return places;
    path.remove_prefix(end + 1);
  }
}

std::vector<char*> pointers_to(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  // execv(2) takes char* const[] for reasons of C, and changes nothing.
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Holds back every signal, so that none meets the child before it is what it is started as.
class SignalsHeld {
 public:
  SignalsHeld() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;
  ~SignalsHeld() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  const sigset_t& before() const { return before_; }

 private:
  sigset_t before_;
};

// A handler of this process would run in the child, on what both share.
void forget_handlers() {
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action = {};
    if (::sigaction(number, nullptr, &action) != 0 || action.sa_handler == SIG_IGN) continue;
    ::signal(number, SIG_DFL);
  }
  ::signal(SIGPIPE, SIG_DFL);
  ::signal(SIGXFSZ, SIG_DFL);
}

struct Start {
  pid_t parent;
  int output;
  int failure;  // the errno of what could not be done goes there
  const std::vector<char*>& places;
  const std::vector<char*>& words;
  const sigset_t& mask;
};

[[noreturn]] void give_up(int failure, int error) {
  [[maybe_unused]] const ssize_t written = ::write(failure, &error, sizeof error);
  ::_exit(1);
}

// In the child, where nothing but async-signal-safe functions may be called.
[[noreturn]] void become(const Start& start) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != start.parent) ::_exit(1);  // it had ended before
  forget_handlers();
  ::pthread_sigmask(SIG_SETMASK, &start.mask, nullptr);
  if (::dup2(start.output, STDOUT_FILENO) < 0) give_up(start.failure, errno);
  int error = ENOENT;
  for (char* const* place = start.places.data(); *place != nullptr; ++place) {
    ::execv(*place, start.words.data());
    if (errno == EACCES) {
      error = EACCES;  // unless it is found in another folder
    } else if (errno != ENOENT && errno != ENOTDIR) {
      give_up(start.failure, errno);
    }
  }
  give_up(start.failure, error);
}

// 0 once the child has become the command.
int error_of_start(int fd) {
  int error = 0;
  ssize_t n = 0;
  do {
    n = ::read(fd, &error, sizeof error);
  } while (n < 0 && errno == EINTR);
  return n == sizeof error ? error : 0;
}

}  // namespace

Result<ChildProcess> ChildProcess::start(const std::vector<std::string>& words, UniqueFd output) {
  assert(!words.empty() && output.get() > STDERR_FILENO);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(system_error("pipe", errno));
  const UniqueFd told(ends[0]);
  UniqueFd failure(ends[1]);
  const std::vector<std::string> places = places_of(words[0]);
  const std::vector<char*> place_pointers = pointers_to(places);
  const std::vector<char*> word_pointers = pointers_to(words);
  const pid_t parent = ::getpid();
  // Where it was ignored at the start, the kernel would forget how a child has ended.
  ::signal(SIGCHLD, SIG_DFL);

  pid_t pid = 0;
  {
    const SignalsHeld held;
    pid = ::fork();
    if (pid == 0) {
      become({parent, output.get(), failure.get(), place_pointers, word_pointers, held.before()});
    }
  }
  if (pid < 0) return fail(system_error("fork", errno));
  failure.reset();
  output.reset();
  UniqueFd ended(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const int pidfd_error = errno;
  ChildProcess child(pid, std::move(ended));
  if (const int error = error_of_start(told.get()); error != 0) {
    return fail(system_error(words[0], error));
  }
  if (child.fd() < 0) return fail(system_error("pidfd_open", pidfd_error));
  return child;
}

ChildProcess::~ChildProcess() {
  if (pid_ == 0) return;
  send(SIGKILL);
  wait();
}

// Until wait() the number is this child's, also when it has ended.
void ChildProcess::send(int signal_number) const {
  if (pid_ != 0) ::kill(pid_, signal_number);
}

ChildEnd ChildProcess::wait() {
  int status = 0;
  pid_t ended = 0;
  do {
    ended = ::waitpid(pid_, &status, 0);
  } while (ended < 0 && errno == EINTR);
  assert(ended == pid_);
  pid_ = 0;
  if (WIFSIGNALED(status)) return {.signal = WTERMSIG(status)};
  return {.status = WEXITSTATUS(status)};
}

}  // namespace paystats::base
