#include "cli/tool_main.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "base/large_array.h"
#include "unit/support.h"

namespace paystats::cli {
namespace {

struct Options {
  std::string how = "done";
};

void declare(CommandLine& line, Options& options) {
  line.text("--how", options.how, "WORD", "how it ends");
}

base::Result<base::ExitStatus> run(const Options& options, base::RunContext& context) {
  context.diagnostics.note("runs");
  if (options.how == "rejected") return base::ExitStatus::kRejected;
  if (options.how == "fills") base::LargeArray<char>(SIZE_MAX / 4);
  if (options.how == "throws") std::thread([] { throw std::bad_alloc(); }).join();
  if (options.how == "fails") return base::fail("out.jsonl: no space left on device");
  if (options.how == "must not go on")
    return base::fail("log: shrank\x1b", base::ErrorKind::kMustNotGoOn);
  if (options.how == "status 3") return base::ExitStatus::kMustNotGoOn;
  if (options.how.ends_with("/gone")) {
    std::filesystem::remove(options.how);
    return base::fail("log: shrank", base::ErrorKind::kMustNotGoOn);
  }
  return base::ExitStatus::kDone;
}

struct Ending {
  int status = -1;
  std::string out;
  std::string err;
};

std::string read_all(int fd) {
  std::string text;
  char part[4096];
  while (const size_t n = *base::read_some(fd, part, sizeof part, "pipe")) text.append(part, n);
  return text;
}

// What a tool of these options does with `words`, in a process of its own.
Ending end_of(std::vector<std::string> words) {
  int out[2];
  int err[2];
  EXPECT_EQ(::pipe2(out, O_CLOEXEC) | ::pipe2(err, O_CLOEXEC), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(out[1], 1);
    ::dup2(err[1], 2);
    words.insert(words.begin(), "tool");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    ::_exit(tool_main<Options>(static_cast<int>(argv.size()), argv.data(), "tool", "does a thing",
                               declare, run));
  }
  ::close(out[1]);
  ::close(err[1]);
  const base::UniqueFd out_end(out[0]);
  const base::UniqueFd err_end(err[0]);
  Ending ending{.status = -1, .out = read_all(out[0]), .err = read_all(err[0])};
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  if (WIFEXITED(status)) ending.status = WEXITSTATUS(status);
  return ending;
}

TEST(ToolMain, TheStatusIsWhatRunSaid) {
  EXPECT_EQ(end_of({}).status, 0);
  EXPECT_EQ(end_of({"--how", "rejected"}).status, 1);
}

TEST(ToolMain, AnErrorIsPrintedOnceAndIsStatusTwo) {
  const Ending ending = end_of({"--how", "fails"});
  EXPECT_EQ(ending.status, 2);
  EXPECT_EQ(ending.err, "tool: runs\ntool: error: out.jsonl: no space left on device\n");
}

TEST(ToolMain, MemoryThatIsNotThereIsAnErrorThatSaysSoWhoeverAskedForIt) {
  for (const char* how : {"fills", "throws"}) {
    const Ending ending = end_of({"-q", "--how", how});
    EXPECT_EQ(ending.status, 2) << how;
    EXPECT_TRUE(ending.err.ends_with(": error: no more memory\n")) << ending.err;
  }
}

TEST(ToolMain, AMistakeOnTheLineIsStatusTwoAndSaysWhereToLook) {
  const Ending ending = end_of({"--hwo"});
  EXPECT_EQ(ending.status, 2);
  EXPECT_EQ(ending.out, "");
  EXPECT_EQ(ending.err.find("tool: error: "), 0u) << ending.err;
  EXPECT_NE(ending.err.find("(see tool --help)\n"), std::string::npos) << ending.err;
}

TEST(ToolMain, HelpAndVersionAnswerOnStdoutEvenBesideAMistake) {
  const Ending help = end_of({"--hwo", "--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_EQ(help.err, "");
  for (const char* option : {"--how", "--quiet", "--verbose", "--progress", "--no-start-file",
                             "--version", "--generate"}) {
    EXPECT_NE(help.out.find(option), std::string::npos) << option;
  }
  EXPECT_EQ(end_of({"--version"}).out.find("tool " PAYSTATS_VERSION " (librdkafka "), 0U);
}

TEST(ToolMain, ACompletionScriptIsPrintedAndNothingIsRun) {
  const Ending ending = end_of({"--how", "fails", "--generate", "complete-bash"});
  EXPECT_EQ(ending.status, 0);
  EXPECT_EQ(ending.err, "");
  EXPECT_NE(ending.out.find("complete -F _tool tool\n"), std::string::npos) << ending.out;
  for (const char* name : {"--how", "--quiet", "--progress", "--help", "--version", "--generate"}) {
    EXPECT_NE(ending.out.find(std::string("\n    ") + name + "\n"), std::string::npos) << name;
  }
  EXPECT_EQ(end_of({"--generate=complete-zsh"}).out.find("#compdef tool\n"), 0U);
  EXPECT_NE(end_of({"--generate=complete-fish"}).out.find("complete -c tool -f\n"),
            std::string::npos);
}

TEST(ToolMain, OfOtherThingsToGenerateNoneIsKnown) {
  const Ending ending = end_of({"--generate", "complete-ksh"});
  EXPECT_EQ(ending.status, 2);
  EXPECT_EQ(ending.out, "");
  EXPECT_EQ(ending.err,
            "tool: error: --generate: complete-ksh: not one of complete-bash, complete-zsh, "
            "complete-fish (see tool --help)\n");
  EXPECT_NE(end_of({"--generate", "complete-bash", "--hwo"}).status, 0) << "a mistake is one still";
  EXPECT_EQ(end_of({"--generate", "complete-ksh", "--help"}).status, 0);
}

TEST(ToolMain, QuietMeansErrorsOnly) {
  EXPECT_EQ(end_of({"-q"}).err, "");
  EXPECT_EQ(end_of({"-q", "--how", "fails"}).err,
            "tool: error: out.jsonl: no space left on device\n");
}

// ---- --no-start-file

std::string contents_of(const std::string& path) {
  const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return fd ? read_all(fd.get()) : "(not there)";
}

TEST(ToolMain, AfterStatusThreeThereIsNoStartUntilTheFileIsRemoved) {
  const TempFolder folder;
  const std::string file = folder / "it's there";
  const std::string remedy = "tool: error: no start while " + file +
                             " is there; once a person has looked: rm -- '" +
                             folder / "it'\\''s there" + "'\n";
  const Ending first = end_of({"-q", "--no-start-file", file, "--how", "must not go on"});
  EXPECT_EQ(first.status, 3);
  EXPECT_EQ(first.err, "tool: error: log: shrank\\u001b\n" + remedy);
  const std::string kept = contents_of(file);
  EXPECT_TRUE(holds(kept, "Z log: shrank\\u001b\n"));

  const std::string all_of_it = "tool: error: " + kept + remedy;
  for (const char* how : {"done", "fails", "must not go on"}) {
    const Ending next = end_of({"-q", "--no-start-file", file, "--how", how});
    EXPECT_EQ(next.status, 3);
    EXPECT_EQ(next.err, all_of_it);
    EXPECT_EQ(contents_of(file), kept);
  }
  ASSERT_TRUE(std::filesystem::remove(file));
  EXPECT_EQ(end_of({"--no-start-file", file}).status, 0);
  EXPECT_EQ(folder.entries(), 0U);
}

TEST(ToolMain, OfOtherEndsNothingIsKept) {
  const TempFolder folder;
  for (const char* how : {"done", "rejected", "fails"}) {
    end_of({"--no-start-file", folder / "no-start", "--how", how});
    EXPECT_EQ(folder.entries(), 0U) << how;
  }
}

TEST(ToolMain, AStatusThreeThatACommandHasToldIsKeptAsWell) {
  const TempFolder folder;
  EXPECT_EQ(end_of({"--no-start-file", folder / "no-start", "--how", "status 3"}).status, 3);
  EXPECT_TRUE(holds(contents_of(folder / "no-start"), "Z ended with status 3\n"));
  EXPECT_EQ(end_of({"--no-start-file", folder / "no-start"}).status, 3);
}

TEST(ToolMain, WhateverHasTheNameHoldsTheTool) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "a folder");
  std::filesystem::create_symlink("nowhere", folder / "a link");
  ASSERT_EQ(::mkfifo((folder / "a pipe").c_str(), 0600), 0);
  const base::UniqueFd empty(
      ::open((folder / "empty").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  for (const char* name : {"a folder", "a link", "a pipe", "empty"}) {
    const Ending ending = end_of({"-q", "--no-start-file", folder / name});
    EXPECT_EQ(ending.status, 3) << name;
    EXPECT_EQ(ending.err.find("tool: error: no start while "), 0U) << ending.err;
  }
}

TEST(ToolMain, AFileThatCouldNotBeWrittenIsToldAtTheStart) {
  const TempFolder folder;
  const Ending ending = end_of({"--no-start-file", folder / "missing/no-start"});
  EXPECT_EQ(ending.status, 2);
  EXPECT_EQ(ending.err, "tool: error: " + folder / "missing/no-start" +
                            ": could not be written after status 3: no such file or directory\n");
}

TEST(ToolMain, AFileThatCannotBeWrittenAtTheEndLeavesTheStatusAsItIs) {
  const TempFolder folder;
  const Ending ending =
      end_of({"--no-start-file", folder / std::string(300, 'x'), "--how", "must not go on"});
  EXPECT_EQ(ending.status, 2) << "a name that is too long cannot be looked for";
  std::filesystem::create_directory(folder / "gone");
  const Ending late =
      end_of({"--no-start-file", folder / "gone/no-start", "--how", folder / "gone"});
  EXPECT_EQ(late.status, 3);
  EXPECT_TRUE(holds(late.err, "so the next start knows nothing of this"));
}

}  // namespace
}  // namespace paystats::cli
