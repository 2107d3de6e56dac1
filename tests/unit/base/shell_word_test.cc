#include "base/shell_word.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "base/terminal_text.h"

namespace paystats::base {
namespace {

using namespace std::string_view_literals;

// What sh makes of the text.
std::string as_sh_reads(const std::string& text) {
  const std::string command = "printf '%s|' " + text;
  FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return "no sh";
  std::string read;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) read += static_cast<char>(c);
  ::pclose(pipe);
  return read;
}

TEST(ShellWord, OfPlainCharactersIsTheWordItself) {
  for (const std::string_view word : {"a", "/tmp/a-b_c.jsonl", "-o", "--user-field=name", "-",
                                      "kafka:9092,b:1", "50%", "a@b+c"}) {
    EXPECT_EQ(shell_word(word), word);
  }
}

TEST(ShellWord, IsQuotedWhereAShellWouldTakeItApart) {
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("a b"), "'a b'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word("\xC3\xA9"), "'\xC3\xA9'");
}

TEST(ShellWord, IsReadByAShellAsTheWordItWas) {
  for (const std::string_view word : {""sv,
                                      "a b"sv,
                                      "it's"sv,
                                      "''"sv,
                                      "\"$x\""sv,
                                      "$(x)"sv,
                                      "`x`"sv,
                                      "a\\b"sv,
                                      "~"sv,
                                      "#"sv,
                                      "*"sv,
                                      "!a"sv,
                                      "a\nb"sv,
                                      "\n\na"sv,
                                      "\ta\x1B[2J"sv,
                                      "\x1B%s'\\"sv,
                                      "-\x01x"sv,
                                      "\xFF\xC3"sv,
                                      "\xE2\x80\xAEtxt"sv,
                                      "\xE2\x82\xAC"sv,
                                      "\x1B\x37"sv}) {
    const std::string text = shell_word(word);
    EXPECT_EQ(as_sh_reads(text), std::string(word) + "|");
    EXPECT_EQ(printable(text), text) << "a message shows it as it is";
  }
}

TEST(ShellOperand, IsNeverTakenForAnOption) {
  EXPECT_EQ(shell_operand("-x"), "./-x");
  EXPECT_EQ(shell_operand("-a b"), "'./-a b'");
  EXPECT_EQ(shell_operand("-"), "-");
  EXPECT_EQ(shell_operand("a"), "a");
  EXPECT_EQ(shell_operand(""), "''");
}

}  // namespace
}  // namespace paystats::base
