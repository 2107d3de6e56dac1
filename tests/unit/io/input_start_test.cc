#include "io/input_start.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "record/payment.h"
#include "unit/io/support.h"

namespace paystats::io {
namespace {

using namespace std::string_view_literals;

class InputStartTest : public ::testing::Test {
 protected:
  base::Result<void> begin(std::string_view bytes, std::string_view source = "a.jsonl") {
    block_ = Block{.bytes = bytes, .source = source, .begins_input = true, .long_line_bytes = 0};
    return start_.take(block_);
  }
  std::string error_of(std::string_view bytes, std::string_view source = "a.jsonl") {
    base::Result<void> begun = begin(bytes, source);
    if (begun) begun = start_.end();
    return begun ? "" : begun.error().message;
  }

  Block block_;
  Words words_;
  InputStart start_{false, words_.diagnostics};
};

// The commands that are advised to who has given these options and INPUTs.
class RemedyTest : public ::testing::Test {
 protected:
  static std::string remedy(const std::vector<std::string>& options,
                            const std::vector<std::string>& inputs, const std::string& source,
                            bool followed = false) {
    base::Diagnostics diagnostics(base::Invocation("payagg", options, inputs),
                                  base::Verbosity::kNormal, -1);
    const base::Result<void> checked =
        check_encoding("\x1F\x8B\x08", source, followed, diagnostics);
    if (checked) return "taken";
    const std::string& message = checked.error().message;
    return message.substr(message.find("by gzip") + 9);
  }
};

TEST_F(RemedyTest, IsTheSameCommandBehindTheFilter) {
  EXPECT_EQ(remedy({"--user-field", "name", "-o", "my totals"}, {"a b.gz"}, "a b.gz"),
            "zcat 'a b.gz' | payagg --user-field name -o 'my totals'");
  EXPECT_EQ(remedy({"-q"}, {"-x.gz"}, "-x.gz"), "zcat ./-x.gz | payagg -q");
  EXPECT_EQ(remedy({"-q"}, {}, "-"), "... | zcat | payagg -q");
  EXPECT_EQ(remedy({}, {"a", "-"}, "-"), "... | zcat | payagg a -");
  EXPECT_EQ(remedy({}, {"a", "b", "c"}, "b"), "zcat b | payagg a - c");
}

TEST_F(RemedyTest, MakesAFileWhereTheInputCannotBeStdin) {
  const TempFolder folder;
  const std::string log = folder / "log.gz";
  EXPECT_EQ(remedy({}, {"-", log}, log),
            "zcat " + log + " >" + log + ".jsonl && ... | payagg - " + log + ".jsonl");
  write_file(log + ".jsonl", "another's");
  EXPECT_EQ(remedy({}, {"-", log}, log),
            "zcat " + log + " >" + log + ".jsonl.jsonl && ... | payagg - " + log + ".jsonl.jsonl");
}

// What writers append to the log would never come to a copy of it.
TEST_F(RemedyTest, OfALogThatIsFollowedIsNoCopyToFollow) {
  const std::string once = "a log holds one object a line. The totals of what is there now: ";
  EXPECT_EQ(remedy({"--follow"}, {"log"}, "log", true),
            "so it cannot be followed: " + once + "zcat log | payagg");
  EXPECT_EQ(remedy({"--follow", "--ready-line", "--trigger", "1s", "--max-records=5",
                    "--output-mode", "update", "-o", "out", "-q"},
                   {"a", "log"}, "log", true),
            "so it cannot be followed: " + once + "zcat log | payagg -o out -q a -");
}

TEST_F(InputStartTest, AByteOrderMarkIsSkippedAndTold) {
  ASSERT_TRUE(begin("\xEF\xBB\xBF{}\n{}\n"));
  EXPECT_EQ(block_.bytes, "{}\n{}\n");
  EXPECT_EQ(words_.heard(), "t: a.jsonl: begins with a byte-order mark, which was skipped\n");
  ASSERT_TRUE(begin("\xEF\xBB\xBF", "-"));
  EXPECT_EQ(block_.bytes, "");
  EXPECT_EQ(words_.heard(), "t: stdin: begins with a byte-order mark, which was skipped\n");
}

TEST_F(InputStartTest, ASecondMarkAndHalfAMarkAreLeft) {
  ASSERT_TRUE(begin("\xEF\xBB\xBF\xEF\xBB\xBF{}\n"));
  EXPECT_EQ(block_.bytes, "\xEF\xBB\xBF{}\n");
  words_.heard();
  ASSERT_TRUE(begin("\xEF\xBB\n"));
  EXPECT_EQ(block_.bytes, "\xEF\xBB\n");
  EXPECT_EQ(words_.heard(), "");
}

TEST_F(InputStartTest, OfALongLineTheMarkIsNoPart) {
  const std::string start = "\xEF\xBB\xBF" + std::string(record::kRejectRecordBytesMax - 3, 'x');
  block_ = Block{.bytes = start, .source = "-", .begins_input = true, .long_line_bytes = 2'000'000};
  ASSERT_TRUE(start_.take(block_));
  EXPECT_EQ(block_.bytes.front(), 'x');
  EXPECT_EQ(block_.long_line_bytes, 1'999'997u);
}

TEST_F(InputStartTest, WhatIsForeignIsRefusedWithTheCommandThatConvertsIt) {
  EXPECT_EQ(error_of("\x1F\x8B\x08\0\n"sv), "a.jsonl: is compressed by gzip: zcat a.jsonl | t");
  EXPECT_EQ(error_of("\x28\xB5\x2F\xFD"sv, "-"), "stdin: is compressed by zstd: ... | zstdcat | t");
  EXPECT_EQ(error_of("\xFF\xFE{\0\n\0"sv),
            "a.jsonl: is UTF-16, and UTF-8 is wanted: iconv -f UTF-16 -t UTF-8 a.jsonl | t");
  EXPECT_EQ(error_of("\0{\0\"\0u\0s"sv),
            "a.jsonl: is UTF-16, and UTF-8 is wanted: iconv -f UTF-16BE -t UTF-8 a.jsonl | t");
  EXPECT_EQ(
      error_of("[\n{}\n]\n"),
      "a.jsonl: is JSON over several lines, and one object a line is "
      "wanted (jq before 1.7 rounds numbers of more than 15 digits): jq -c '.[]' a.jsonl | t");
  EXPECT_EQ(
      error_of("\xEF\xBB\xBF{\n\"a\":1\n"),
      "a.jsonl: is JSON over several lines, and one object a "
      "line is wanted (jq before 1.7 rounds numbers of more than 15 digits): jq -c . a.jsonl | "
      "t");
}

TEST_F(InputStartTest, IsKnownOnceTheLinesBehindHaveSaidWhatTheFirstOneIs) {
  ASSERT_TRUE(begin("{\"user\":\"a\",\n"));
  EXPECT_FALSE(start_.known());
  block_ = {.bytes = "\n \n", .source = "a.jsonl"};
  ASSERT_TRUE(start_.take(block_));
  EXPECT_FALSE(start_.known());
  block_ = {.bytes = "{\"user\":\"b\",\"paymentAmt\":1}\n", .source = "a.jsonl"};
  ASSERT_TRUE(start_.take(block_));
  EXPECT_TRUE(start_.known());
  ASSERT_TRUE(begin("{}\n")) << "another input";
  EXPECT_TRUE(start_.known());
}

TEST_F(InputStartTest, AnArrayBehindEmptyLinesIsAnArray) {
  ASSERT_TRUE(begin("\n"));
  EXPECT_FALSE(start_.known());
  block_ = {.bytes = "[\n{\n", .source = "a.jsonl"};
  ASSERT_TRUE(start_.take(block_));
  const base::Result<void> ended = start_.end();
  ASSERT_FALSE(ended);
  EXPECT_TRUE(ended.error().message.ends_with(": jq -c '.[]' a.jsonl | t"))
      << ended.error().message;
}

}  // namespace
}  // namespace paystats::io
