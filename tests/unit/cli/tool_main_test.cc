#include "cli/tool_main.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "base/large_array.h"

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
  for (const char* option :
       {"--how", "--quiet", "--verbose", "--progress", "--version", "--generate"}) {
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

}  // namespace
}  // namespace paystats::cli
