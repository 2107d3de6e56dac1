#include "base/child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "unit/support.h"

namespace paystats::base {
namespace {

struct Pipe {
  UniqueFd out;
  UniqueFd in;
};

Pipe make_pipe() {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::string all_of(int fd) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const Result<size_t> n = read_some(fd, buffer, sizeof buffer, "the child");
    if (!n || *n == 0) return text;
    text.append(buffer, *n);
  }
}

// What the command says, and how it ends.
struct Ran {
  std::string output;
  ChildEnd end;
};

Ran run(const std::vector<std::string>& words) {
  Pipe pipe = make_pipe();
  Result<ChildProcess> child = ChildProcess::start(words, std::move(pipe.in));
  EXPECT_TRUE(child) << child.error().message;
  if (!child) return {};
  Ran ran;
  ran.output = all_of(pipe.out.get());
  ran.end = child->wait();
  return ran;
}

std::string refusal(const std::vector<std::string>& words) {
  Pipe pipe = make_pipe();
  const Result<ChildProcess> child = ChildProcess::start(words, std::move(pipe.in));
  return child ? "" : child.error().message;
}

bool readable(int fd, int wait_ms) {
  pollfd p = {fd, POLLIN, 0};
  return ::poll(&p, 1, wait_ms) == 1;
}

bool has_children() {
  return ::waitpid(-1, nullptr, WNOHANG) != -1 || errno != ECHILD;
}

TEST(ChildProcess, ItsOutputGoesIntoThePipeAndItsStatusIsKnown) {
  const Ran ran = run({"sh", "-c", "echo \"$1\"; exit 3", "sh", "two words; $HOME"});
  EXPECT_EQ(ran.output, "two words; $HOME\n");
  EXPECT_EQ(ran.end.status, 3);
  EXPECT_EQ(ran.end.signal, 0);
  EXPECT_FALSE(has_children());
}

TEST(ChildProcess, ASignalThatKillsItIsKnown) {
  const Ran ran = run({"sh", "-c", "kill -9 $$"});
  EXPECT_EQ(ran.end.signal, SIGKILL);
}

TEST(ChildProcess, ItsDescriptorIsReadableOnceItHasEnded) {
  Pipe pipe = make_pipe();
  Result<ChildProcess> child = ChildProcess::start({"sleep", "1000"}, std::move(pipe.in));
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_FALSE(readable(child->fd(), 0));
  child->send(SIGTERM);
  EXPECT_TRUE(readable(child->fd(), 60'000));
  EXPECT_EQ(child->wait().signal, SIGTERM);
}

TEST(ChildProcess, WhatCannotBeExecutedIsAnErrorThatNamesIt) {
  const TempFolder folder;
  EXPECT_EQ(refusal({"no-such-command"}), "no-such-command: no such file or directory");
  EXPECT_EQ(refusal({"/no/such/command"}), "/no/such/command: no such file or directory");
  EXPECT_EQ(refusal({folder / "."}), folder / ".: permission denied");
  const std::string file = folder / "file";
  std::ofstream(file) << "echo a shell would run this\n";
  EXPECT_EQ(refusal({file}), file + ": permission denied");
  ASSERT_EQ(::chmod(file.c_str(), 0755), 0);
  EXPECT_EQ(refusal({file}), file + ": exec format error");
  EXPECT_FALSE(has_children());
}

TEST(ChildProcess, PathIsSearchedBeyondWhatMayNotBeExecuted) {
  const TempFolder folder;
  std::ofstream(folder / "sh") << "not executable\n";
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", ((folder / ":") + path).c_str(), 1);
  EXPECT_EQ(run({"sh", "-c", "echo found"}).output, "found\n");
  ::setenv("PATH", (folder / "").c_str(), 1);
  EXPECT_EQ(refusal({"sh"}), "sh: permission denied");
  ::unsetenv("PATH");
  EXPECT_EQ(run({"sh", "-c", "echo found"}).output, "found\n");
  ::setenv("PATH", path.c_str(), 1);
}

TEST(ChildProcess, ItHasTheDescriptorsThatAreMeantForItAndNoOthers) {
  const UniqueFd kept_back = *open_file("/dev/null", O_RDONLY);
  const UniqueFd handed_on(::open("/dev/null", O_RDONLY));
  const std::string script = "ls /proc/$$/fd";
  const std::string listed = run({"sh", "-c", script}).output;
  EXPECT_EQ(listed.find("\n" + std::to_string(kept_back.get()) + "\n"), listed.npos) << listed;
  EXPECT_NE(listed.find("\n" + std::to_string(handed_on.get()) + "\n"), listed.npos) << listed;
}

// Whether a child ignores a signal, by what /proc says of it. (Of others it says what this program
// was started with.)
bool is_ignored_in_child(int number) {
  const std::string status = run({"sh", "-c", "grep SigIgn: /proc/self/status"}).output;
  const uint64_t mask = std::stoull(status.substr(status.find('\t') + 1), nullptr, 16);
  return (mask >> (number - 1) & 1) != 0;
}

TEST(ChildProcess, SignalsThatThisProgramIgnoresForItselfAreNotIgnoredInIt) {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  EXPECT_FALSE(is_ignored_in_child(SIGPIPE));
  EXPECT_TRUE(is_ignored_in_child(SIGHUP));  // as under nohup
  ::signal(SIGHUP, SIG_DFL);
  EXPECT_FALSE(is_ignored_in_child(SIGHUP));
  ::signal(SIGPIPE, SIG_DFL);
}

TEST(ChildProcess, ItsStatusIsKnownWhereEndsOfChildrenWereIgnoredAtTheStart) {
  ::signal(SIGCHLD, SIG_IGN);
  EXPECT_EQ(run({"sh", "-c", "exit 3"}).end.status, 3);
}

TEST(ChildProcess, ItEndsWithTheProcessThatStartedIt) {
  Pipe names = make_pipe();
  const pid_t supervisor = ::fork();
  if (supervisor == 0) {
    Pipe pipe = make_pipe();
    const Result<ChildProcess> child = ChildProcess::start({"sleep", "1000"}, std::move(pipe.in));
    if (!child) ::_exit(1);
    const pid_t pid = child->pid();
    [[maybe_unused]] const ssize_t n = ::write(names.in.get(), &pid, sizeof pid);
    for (;;) ::pause();
  }
  names.in.reset();
  pid_t child = 0;
  ASSERT_EQ(*read_some(names.out.get(), reinterpret_cast<char*>(&child), sizeof child, "pid"),
            sizeof child);
  ASSERT_EQ(::kill(child, 0), 0);
  ::kill(supervisor, SIGKILL);
  ::waitpid(supervisor, nullptr, 0);
  // It is another process's to reap by now; as a zombie it runs no more.
  const auto runs = [&] {
    std::ifstream stat("/proc/" + std::to_string(child) + "/stat");
    std::string text((std::istreambuf_iterator<char>(stat)), std::istreambuf_iterator<char>());
    return !text.empty() && text.find(") Z ") == text.npos;
  };
  for (int looks = 0; looks < 3000 && runs(); ++looks) ::poll(nullptr, 0, 20);
  EXPECT_FALSE(runs());
}

TEST(ChildProcess, WhoDoesNotWaitForItKillsIt) {
  {
    Pipe pipe = make_pipe();
    const Result<ChildProcess> child = ChildProcess::start({"sleep", "1000"}, std::move(pipe.in));
    ASSERT_TRUE(child) << child.error().message;
  }
  EXPECT_FALSE(has_children());
}

}  // namespace
}  // namespace paystats::base
