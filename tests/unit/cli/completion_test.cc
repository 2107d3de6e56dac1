#include "cli/completion.h"

#include <gtest/gtest.h>
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include "unit/support.h"

namespace paystats::cli {
namespace {

// Whatever means something to a shell, or to the functions that complete.
const std::string kSpecial =
    R"(a $HOME ${x} `id` $(id) "b" it's [c] (d) x:y \ \n * ~ <e> # ! % | ; & {f,g})";

Declared declared_with(const std::string& help) {
  return {
      .tool = "pay-tool",
      .options =
          {{.names = {"--follow"}, .help = help},
           {.names = {"-o", "--output"}, .metavar = "ENDPOINT", .help = help},
           {.names = {"-b", "--brokers"}, .metavar = "HOST:PORT,...", .help = help},
           {.names = {"-X", "--property"}, .metavar = "KEY=VALUE", .help = help, .repeats = true},
           {.names = {"--mode"}, .metavar = "a|b-c", .help = help, .words = {"a", "b-c"}},
           {.names = {"-h", "--help"}, .help = help, .answers = true}},
      .inputs_metavar = "INPUT"};
}

std::vector<std::string> lines_of(FILE* file) {
  std::vector<std::string> lines(1);
  for (int c = fgetc(file); c != EOF; c = fgetc(file)) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += static_cast<char>(c);
    }
  }
  lines.pop_back();
  return lines;
}

// The words that a command of the script is given, as the shell itself hands them over: `before`
// defines that command, `after` calls what the script has defined.
std::vector<std::string> words_given(const std::string& shell, const std::string& before,
                                     const std::string& script, const std::string& after) {
  const TempFolder folder;
  std::ofstream(folder / "script") << before << "\n" << script << "\n" << after << "\n";
  FILE* const output = popen((shell + " " + (folder / "script")).c_str(), "r");
  std::vector<std::string> lines = lines_of(output);
  EXPECT_EQ(pclose(output), 0) << shell;
  return lines;
}

bool is_there(const char* shell) {
  return ::system((std::string("command -v ") + shell + " >/dev/null").c_str()) == 0;
}

size_t count(const std::vector<std::string>& words, const std::string& word) {
  return static_cast<size_t>(std::count(words.begin(), words.end(), word));
}

TEST(Completion, NamesAreDeclaredInEachShell) {
  const Declared declared = declared_with("help");
  for (const Shell shell : {Shell::kBash, Shell::kZsh, Shell::kFish}) {
    const std::string script = completion_script(shell, declared);
    EXPECT_NE(script.find(kCompletions[static_cast<size_t>(shell)]), std::string::npos);
    for (const char* name : {"follow", "output", "brokers", "property", "mode", "help"}) {
      EXPECT_NE(script.find(name), std::string::npos) << name;
    }
    EXPECT_FALSE(std::regex_search(script, std::regex("@[a-z]+@"))) << "a mark: " << script;
  }
}

TEST(Completion, FishIsToldAHelpTextAsItIs) {
  const std::string script = completion_script(Shell::kFish, declared_with("it's \\ $a [b]: `c`"));
  EXPECT_NE(script.find(" -l follow -d 'it\\'s \\\\ $a [b]: `c`'\n"), std::string::npos) << script;
  if (!is_there("fish")) GTEST_SKIP() << "no fish (scripts/setup installs it)";
  const std::vector<std::string> words =
      words_given("fish --no-config", "function complete; printf '%s\\n' $argv; end",
                  completion_script(Shell::kFish, declared_with(kSpecial)), "");
  EXPECT_EQ(count(words, kSpecial), 6U);
}

TEST(Completion, ZshIsToldAHelpTextInWhichColonsAndBracketsMeanNothing) {
  const std::string script = completion_script(Shell::kZsh, declared_with("it's \\ $a [b]: `c`"));
  EXPECT_NE(script.find("'(--follow)--follow[it'\\''s \\\\ $a \\[b\\]\\: `c`]'"), std::string::npos)
      << script;
  EXPECT_NE(script.find("]:HOST\\:PORT,...: '"), std::string::npos) << script;
  EXPECT_NE(script.find("'(- *)--help["), std::string::npos) << script;
  EXPECT_NE(script.find("'*--property=["), std::string::npos) << script;
  EXPECT_NE(script.find("]:word:(a b-c)'"), std::string::npos) << script;
  if (!is_there("zsh")) GTEST_SKIP() << "no zsh (scripts/setup installs it)";
  std::string special;
  for (const char c : kSpecial) {
    if (std::string("\\[]:").find(c) != std::string::npos) special += '\\';
    special += c;
  }
  const std::vector<std::string> words =
      words_given("zsh -f", "_arguments() { print -rl -- \"$@\" }; compdef() { }",
                  completion_script(Shell::kZsh, declared_with(kSpecial)), "_pay-tool");
  EXPECT_EQ(count(words, "(--follow)--follow[" + special + "]"), 1U);
  EXPECT_EQ(count(words, "(-o --output)-o+[" + special + "]:ENDPOINT:_pay-tool_endpoint"), 1U);
}

TEST(Completion, BashShowsNoHelpTexts) {
  EXPECT_EQ(completion_script(Shell::kBash, declared_with(kSpecial)),
            completion_script(Shell::kBash, declared_with("")));
}

TEST(Completion, ZshTakesAllBehindTheOptionOfACommandForTheCommand) {
  const Declared declared{
      .tool = "tool",
      .options = {{.names = {"--run"}, .metavar = "COMMAND...", .help = "start this command"}},
      .inputs_metavar = "INPUT"};
  const std::string zsh = completion_script(Shell::kZsh, declared);
  EXPECT_NE(zsh.find("'(--run)--run[start this command]:*:::command:_normal'"), std::string::npos)
      << zsh;
}

TEST(Completion, AnyOtherValueIsNoFile) {
  Declared declared{.tool = "tool",
                    .options = {{.names = {"--jobs"}, .metavar = "N", .help = "threads"},
                                {.names = {"--www"}, .metavar = "DIR", .help = "a folder"},
                                {.names = {"--socket"}, .metavar = "PATH", .help = "a socket"}},
                    .inputs_metavar = ""};
  const std::string bash = completion_script(Shell::kBash, declared);
  EXPECT_NE(bash.find("[--jobs]=other\n"), std::string::npos) << bash;
  EXPECT_NE(bash.find("[--www]=folders\n"), std::string::npos) << bash;
  EXPECT_NE(bash.find("[--socket]=files\n"), std::string::npos) << bash;
  const std::string zsh = completion_script(Shell::kZsh, declared);
  EXPECT_NE(zsh.find("--jobs=[threads]:N: '"), std::string::npos) << zsh;
  EXPECT_NE(zsh.find("--www=[a folder]:DIR:_files -/'"), std::string::npos) << zsh;
  EXPECT_NE(zsh.find("--socket=[a socket]:PATH:_files'"), std::string::npos) << zsh;
  EXPECT_EQ(zsh.find("'*:"), std::string::npos) << "it takes no inputs";
  const std::string fish = completion_script(Shell::kFish, declared);
  EXPECT_NE(fish.find("complete -c tool -f\n"), std::string::npos) << fish;
  EXPECT_NE(fish.find(" -l jobs -x -d"), std::string::npos) << fish;
  EXPECT_NE(fish.find(" -l socket -r -F -d"), std::string::npos) << fish;
}

}  // namespace
}  // namespace paystats::cli
