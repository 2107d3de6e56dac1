// Descriptors and signals: what happens to a process, so most of it is seen in a child.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "base/fd.h"
#include "base/stop_signal.h"

namespace paystats::base {
namespace {

// The wait status of a child that runs `body` and exits with its value.
int status_of_child(const std::function<int()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(body());
  int status = -1;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return status;
}

bool readable(int fd) {
  pollfd p = {fd, POLLIN, 0};
  return ::poll(&p, 1, 0) == 1;
}

TEST(UniqueFd, ClosesWhatItOwnsAndOnlyThat) {
  UniqueFd fd = *open_file("/dev/null", O_RDONLY);
  const int number = fd.get();
  UniqueFd moved = std::move(fd);
  EXPECT_EQ(moved.get(), number);
  EXPECT_NE(::fcntl(number, F_GETFD), -1);
  EXPECT_TRUE(::fcntl(number, F_GETFD) & FD_CLOEXEC);
  moved.reset();
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

TEST(OpenFile, AnErrorNamesThePathAndTheReason) {
  const auto fd = open_file("/nowhere/at/all", O_RDONLY);
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error().message, "/nowhere/at/all: no such file or directory");
}

TEST(WriteAll, AFullDeviceAndAClosedReaderAreErrorsOfTheirKinds) {
  const UniqueFd full = *open_file("/dev/full", O_WRONLY);
  const auto written = write_all(full.get(), "x", "/dev/full");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().message, "/dev/full: no space left on device");
  EXPECT_EQ(written.error().kind, ErrorKind::kFailed);

  const int status = status_of_child([] {
    const StopSignal stop;  // which ignores SIGPIPE
    int ends[2];
    if (::pipe(ends) != 0) return 1;
    ::close(ends[0]);
    const auto closed = write_all(ends[1], "x", "stdout");
    return !closed && closed.error().kind == ErrorKind::kClosedOutput ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
}

TEST(FdType, TellsFilesPipesAndTheRestApart) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd a(ends[0]);
  const UniqueFd b(ends[1]);
  EXPECT_EQ(fd_type(a.get()), FdType::kPipe);
  EXPECT_EQ(fd_type(open_file("/proc/self/exe", O_RDONLY)->get()), FdType::kRegular);
  EXPECT_EQ(fd_type(open_file("/dev/null", O_RDONLY)->get()), FdType::kOther);
  EXPECT_EQ(fd_type(-1), FdType::kClosed);
}

TEST(SecureStandardFds, EmptyPlacesAreTakenSoThatNoFileGetsTheirNumber) {
  const int status = status_of_child([] {
    ::close(0);
    ::close(1);
    ::close(2);
    secure_standard_fds();
    char c = 0;
    const bool stdin_fails = ::read(0, &c, 1) == -1 && errno == EBADF;
    const bool stdout_fails = ::write(1, "x", 1) == -1 && errno == EBADF;
    const bool stderr_works = ::write(2, "x", 1) == 1;
    const bool next_is_beyond = open_file("/dev/null", O_RDONLY)->get() > 2;
    return stdin_fails && stdout_fails && stderr_works && next_is_beyond ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
}

TEST(StopSignal, TheFirstSignalIsARequestThatALoopCanWaitFor) {
  const int status = status_of_child([] {
    const StopSignal stop;
    if (stop.requested() || readable(stop.fd()) || stop.number() != 0) return 1;
    ::raise(SIGTERM);
    if (!stop.requested() || !readable(stop.fd())) return 2;
    ::raise(SIGINT);  // at once: the same Ctrl-C, come twice
    return stop.number() == SIGTERM ? 0 : 3;
  });
  EXPECT_EQ(status, 0);
}

TEST(StopSignal, ATerminalThatGoesAwayAsksForTheSame) {
  const int status = status_of_child([] {
    const StopSignal stop;
    ::raise(SIGHUP);
    if (!stop.requested() || !readable(stop.fd())) return 1;
    stop.die_of_it();
    return 0;
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGHUP);
}

TEST(StopSignal, UnderNohupATerminalMayGoAway) {
  const int status = status_of_child([] {
    ::signal(SIGHUP, SIG_IGN);
    const StopSignal stop;
    ::raise(SIGHUP);
    if (stop.requested()) return 1;
    ::raise(SIGTERM);
    return stop.requested() ? 0 : 2;
  });
  EXPECT_EQ(status, 0);
}

TEST(StopSignal, ASecondSignalAfterHalfASecondEndsTheProcess) {
  const int status = status_of_child([] {
    const StopSignal stop;
    ::raise(SIGINT);
    ::poll(nullptr, 0, 550);  // the half second itself is what is tested
    ::raise(SIGTERM);
    return 0;
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

TEST(StopSignal, WhoAsksPeersToEndLateDoesNotKillThem) {
  const int status = status_of_child([] {
    StopSignal stop;
    stop.request(SIGTERM);
    ::poll(nullptr, 0, 550);  // a signal would end the process from now on
    stop.request(SIGTERM);
    return 0;
  });
  EXPECT_EQ(status, 0);
}

TEST(StopSignal, DyingOfItShowsTheParentWhichSignal) {
  const int status = status_of_child([] {
    const StopSignal stop;
    ::raise(SIGINT);
    stop.die_of_it();
    return 0;
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGINT);
}

TEST(StopSignal, OnceTheStatusIsDecidedNoSignalChangesIt) {
  const int status = status_of_child([] {
    {
      StopSignal stop;
      stop.ignore_from_now_on();
      ::raise(SIGTERM);
    }
    ::raise(SIGTERM);
    ::raise(SIGINT);
    ::raise(SIGHUP);
    return 2;
  });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 2);
}

TEST(StopSignal, ASignalThatWasIgnoredStaysIgnored) {
  const int status = status_of_child([] {
    ::signal(SIGINT, SIG_IGN);
    const StopSignal stop;
    ::raise(SIGINT);
    return stop.requested() ? 1 : 0;
  });
  EXPECT_EQ(status, 0);
}

TEST(StopSignal, AFileOverItsLimitIsAnErrorOfTheWrite) {
  const int status = status_of_child([] {
    const StopSignal stop;
    const rlimit none = {0, 0};
    if (::setrlimit(RLIMIT_FSIZE, &none) != 0) return 1;
    const UniqueFd file(::open("/tmp", O_TMPFILE | O_WRONLY, 0600));
    const Result<void> written = write_all(file.get(), "x", "out.jsonl");
    return !written && written.error().message == "out.jsonl: file too large" ? 0 : 2;
  });
  EXPECT_EQ(status, 0);
}

TEST(StopSignal, ABlockedReadComesBack) {
  const int status = status_of_child([] {
    int ends[2];
    if (::pipe(ends) != 0) return 1;
    const StopSignal stop;
    ::alarm(5);  // the limit of this test
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child == 0) {
      // Signals until the parent is gone, so that one of them meets it in read().
      while (::kill(parent, SIGTERM) == 0 && ::getppid() == parent) ::poll(nullptr, 0, 20);
      ::_exit(0);
    }
    char c = 0;
    const bool interrupted = ::read(ends[0], &c, 1) == -1 && errno == EINTR;
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    return interrupted && stop.requested() ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace paystats::base
