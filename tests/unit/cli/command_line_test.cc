#include "cli/command_line.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <limits>

namespace paystats::cli {
namespace {

struct Options {
  bool hold = false;
  std::string output = "-";
  std::optional<std::string> rejects;
  uint64_t jobs = 1;
  std::optional<uint64_t> volume;
  std::optional<base::Duration> trigger;
  std::optional<size_t> mode;
  std::vector<std::string> properties;
  std::vector<std::string> inputs;
};

base::Result<CommandLine::Outcome> parse(Options& o, std::vector<const char*> words) {
  CommandLine line("tool", "does a thing");
  line.section("Input");
  line.inputs(o.inputs, "INPUT", "what to read");
  line.flag("--hold", o.hold, "stay");
  line.text("-o,--output", o.output, "ENDPOINT", "where to");
  line.text("--rejects", o.rejects, "ENDPOINT", "where bad records go");
  line.number("--jobs", o.jobs, "N", "threads", 1, 256);
  line.number("--volume", o.volume, "N", "payments", 1, std::numeric_limits<uint64_t>::max());
  line.duration("--trigger", o.trigger, "T", "how often");
  line.choice("--output-mode", o.mode, {"final", "update"}, "what to write");
  line.list("-X,--property", o.properties, "KEY=VALUE", "any property");
  words.insert(words.begin(), "tool");
  return line.parse(static_cast<int>(words.size()), words.data());
}

std::string refusal(std::vector<const char*> words) {
  Options options;
  const auto outcome = parse(options, std::move(words));
  return outcome ? "" : outcome.error().message;
}

TEST(CommandLine, TakesEachKindOfOption) {
  Options o;
  ASSERT_TRUE(
      parse(o, {"--hold", "-o", "out", "--rejects=bad", "--jobs", "8", "--volume", "7", "--trigger",
                "250ms", "--output-mode", "update", "-X", "a=b", "-X", "c=d", "one", "-", "two"}));
  EXPECT_TRUE(o.hold);
  EXPECT_EQ(o.output, "out");
  EXPECT_EQ(o.rejects, "bad");
  EXPECT_EQ(o.jobs, 8u);
  EXPECT_EQ(o.volume, 7u);
  EXPECT_EQ(o.trigger, std::chrono::milliseconds(250));
  EXPECT_EQ(o.mode, 1u);
  EXPECT_EQ(o.properties, (std::vector<std::string>{"a=b", "c=d"}));
  EXPECT_EQ(o.inputs, (std::vector<std::string>{"one", "-", "two"}));
}

TEST(CommandLine, DefaultsStayWhereNothingIsSaid) {
  Options o;
  ASSERT_TRUE(parse(o, {}));
  EXPECT_FALSE(o.hold);
  EXPECT_EQ(o.output, "-");
  EXPECT_FALSE(o.rejects || o.volume || o.trigger || o.mode);
  EXPECT_EQ(o.jobs, 1u);
  EXPECT_TRUE(o.inputs.empty());
}

TEST(CommandLine, AfterTwoDashesAllIsInput) {
  Options o;
  ASSERT_TRUE(parse(o, {"--", "--hold", "--help"}));
  EXPECT_FALSE(o.hold);
  EXPECT_EQ(o.inputs, (std::vector<std::string>{"--hold", "--help"}));
}

// To CLI11 a word in brackets is a list.
TEST(CommandLine, AWordInBracketsIsAWord) {
  Options o;
  ASSERT_TRUE(parse(o, {"[q]", "-o", "[a,b]", "--rejects=[c]", "[]", "[x,y]\x1f", "--", "[-z]"}));
  EXPECT_EQ(o.inputs, (std::vector<std::string>{"[q]", "[]", "[x,y]\x1f", "[-z]"}));
  EXPECT_EQ(o.output, "[a,b]");
  EXPECT_EQ(o.rejects, "[c]");
}

// CLI11 would take the next word for the value, an option too.
TEST(CommandLine, AnEmptyValueBehindAnEqualsSignIsRefused) {
  EXPECT_EQ(refusal({"--rejects=", "-o", "out"}), "--rejects: an empty value");
  Options o;
  ASSERT_TRUE(parse(o, {"-X", "key=", "--", "--rejects="}));
  EXPECT_EQ(o.properties, std::vector<std::string>{"key="});
  EXPECT_EQ(o.inputs, std::vector<std::string>{"--rejects="});
}

TEST(CommandLine, AnEmptyValueBehindAnEqualsSignIsTakenWhereItMeansSomething) {
  Options o;
  CommandLine line("tool", "a tool for tests");
  line.text("--rejects", o.rejects, "ENDPOINT", "where bad lines go");
  line.inputs(o.inputs, "INPUT", "files");
  line.allow_empty("--rejects");
  const std::vector<const char*> words = {"tool", "--rejects=", "one", "--", "--rejects="};
  ASSERT_TRUE(line.parse(static_cast<int>(words.size()), words.data()));
  EXPECT_EQ(o.rejects, "");
  EXPECT_EQ(o.inputs, (std::vector<std::string>{"one", "--rejects="}));
}

struct Ran {
  std::string refusal;
  std::vector<std::string> command;
  std::vector<std::string> inputs;
  std::string output;
  std::string invocation;
};

Ran with_command(std::vector<const char*> words) {
  Ran ran;
  CommandLine line("tool", "a tool for tests");
  line.inputs(ran.inputs, "INPUT", "files");
  line.text("-o,--output", ran.output, "ENDPOINT", "where the stats go");
  line.command("--run", ran.command, "a command");
  words.insert(words.begin(), "tool");
  const int count = static_cast<int>(words.size());
  const base::Result<CommandLine::Outcome> parsed = line.parse(count, words.data());
  if (!parsed) {
    ran.refusal = parsed.error().message;
  } else {
    ran.invocation = line.invocation(count, words.data()).with_input("in", {});
  }
  return ran;
}

TEST(CommandLine, ACommandTakesTheRestOfTheLineAsItIs) {
  const Ran ran = with_command(
      {"-o", "x", "in", "--run", "payagg", "--help", "-o", "[a]", "--y=", "--", "--run", ""});
  EXPECT_EQ(ran.refusal, "");
  EXPECT_EQ(ran.command,
            (std::vector<std::string>{"payagg", "--help", "-o", "[a]", "--y=", "--", "--run", ""}));
  EXPECT_EQ(ran.output, "x");
  EXPECT_EQ(ran.inputs, std::vector<std::string>{"in"});
  EXPECT_EQ(ran.invocation, "tool -o x --run payagg --help -o '[a]' --y= -- --run ''");
}

TEST(CommandLine, WhatIsNoCommandIsNotTakenForOne) {
  EXPECT_EQ(with_command({"--run"}).refusal, "--run: the command is missing");
  EXPECT_EQ(with_command({"--run", ""}).refusal, "--run: the command is missing");
  EXPECT_EQ(with_command({"--run=payagg"}).refusal,
            "--run: the command and its words follow, without a =");
  EXPECT_EQ(with_command({"--", "--run", "x"}).inputs, (std::vector<std::string>{"--run", "x"}));
  EXPECT_EQ(with_command({"-o", "--run", "x"}).output, "--run");
}

// The command that a message advises to who has given these words.
std::string advised(std::vector<const char*> words) {
  Options o;
  CommandLine line("tool", "a tool for tests");
  line.inputs(o.inputs, "INPUT", "files");
  line.flag("-q,--quiet", o.hold, "say less");
  line.text("-o,--output", o.output, "ENDPOINT", "where the stats go");
  line.number("--jobs", o.jobs, "N", "threads", 1, 256);
  line.list("-X,--property", o.properties, "KEY=VALUE", "any property");
  words.insert(words.begin(), "tool");
  const int count = static_cast<int>(words.size());
  const base::Result<CommandLine::Outcome> parsed = line.parse(count, words.data());
  if (!parsed) return parsed.error().message;
  const std::string command = line.invocation(count, words.data()).with_input("in", {"IN"});
  return o.inputs == std::vector<std::string>{"in"} ? command : "not one input: " + command;
}

TEST(CommandLine, AdvisesItsOwnOptionsInWhateverSpellingTheyCame) {
  EXPECT_EQ(advised({"in"}), "tool IN");
  EXPECT_EQ(advised({"-o", "x", "in"}), "tool -o x IN");
  EXPECT_EQ(advised({"in", "-ox"}), "tool -ox IN");
  EXPECT_EQ(advised({"--output=x", "in"}), "tool --output=x IN");
  EXPECT_EQ(advised({"--output", "x", "in", "-q"}), "tool --output x -q IN");
  EXPECT_EQ(advised({"-qo", "a b", "in"}), "tool -qo 'a b' IN");
  EXPECT_EQ(advised({"-qoX", "in"}), "tool -qoX IN");
  EXPECT_EQ(advised({"-o", "-", "in"}), "tool -o - IN");
  EXPECT_EQ(advised({"-o", "-q", "in"}), "tool -o -q IN") << "a value, and no flag";
  EXPECT_EQ(advised({"-q", "--jobs", "2", "--", "in"}), "tool -q --jobs 2 IN");
  EXPECT_EQ(advised({"-X", "a=b", "in", "-Xc=d"}), "tool -X a=b -Xc=d IN");
}

TEST(CommandLine, AdvisesNoSecret) {
  EXPECT_EQ(advised({"-X", "sasl.password=p", "-Xssl.key.password=p", "in",
                     "--property=sasl.oauthbearer.client.secret=p"}),
            "tool -X sasl.password=... -Xssl.key.password=... "
            "--property=sasl.oauthbearer.client.secret=... IN");
}

TEST(CommandLine, RefusesWhatItDoesNotKnowAndNamesIt) {
  EXPECT_NE(refusal({"--bogus"}).find("--bogus"), std::string::npos);
  EXPECT_NE(refusal({"--jobs"}).find("--jobs"), std::string::npos);
  EXPECT_NE(refusal({"--jobs", "0"}).find("not a whole number from 1 to 256"), std::string::npos);
  EXPECT_NE(refusal({"--jobs", "257"}).find("--jobs"), std::string::npos);
  EXPECT_NE(refusal({"--jobs", "1e2"}), "");
  EXPECT_NE(refusal({"--jobs", "-1"}), "");
  EXPECT_NE(refusal({"--jobs", "+1"}), "");
  EXPECT_NE(refusal({"--jobs", "0x10"}), "");
  EXPECT_NE(refusal({"--volume", "18446744073709551616"}), "");
  EXPECT_NE(refusal({"--output-mode", "append"}).find("final, update"), std::string::npos);
}

TEST(CommandLine, AWordIsJudgedByWhoeverUsesIt) {
  std::optional<std::string> mode;
  CommandLine line("tool", "a tool for tests");
  line.word("--output-mode", mode, {"final", "update"}, "what to write");
  const std::vector<const char*> words = {"tool", "--output-mode", "append"};
  ASSERT_TRUE(line.parse(static_cast<int>(words.size()), words.data()));
  EXPECT_EQ(mode, "append");
}

TEST(CommandLine, AnOptionGivenTwiceIsRefused) {
  EXPECT_NE(refusal({"--jobs", "2", "--jobs", "3"}), "");
  EXPECT_NE(refusal({"-o", "a", "-o", "b"}), "");
}

TEST(CommandLine, MessagesAreOfTheHousesForm) {
  for (const char* word : {"--bogus", "--jobs"}) {
    const std::string message = refusal({word});
    ASSERT_FALSE(message.empty());
    EXPECT_NE(message.back(), '.');
    EXPECT_NE(message.back(), '\n');
    EXPECT_FALSE(message[0] >= 'A' && message[0] <= 'Z') << message;
  }
}

TEST(ParseDuration, TakesAnIntegerAndAUnit) {
  EXPECT_EQ(*parse_duration("0"), base::Duration::zero());
  EXPECT_EQ(*parse_duration("1ns"), std::chrono::nanoseconds(1));
  EXPECT_EQ(*parse_duration("2us"), std::chrono::microseconds(2));
  EXPECT_EQ(*parse_duration("250ms"), std::chrono::milliseconds(250));
  EXPECT_EQ(*parse_duration("10s"), std::chrono::seconds(10));
  EXPECT_EQ(*parse_duration("5m"), std::chrono::minutes(5));
  EXPECT_EQ(*parse_duration("1h"), std::chrono::hours(1));
}

TEST(ParseDuration, RefusesTheRest) {
  for (const char* text : {"", "1", "s", "-1s", "-0", "+1s", "1.5s", "1 s", "1S", "1d", "1sx",
                           "9223372036854775807h", "99999999999999999999s"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

}  // namespace
}  // namespace paystats::cli
