#include "io/input_start.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "record/payment.h"
#include "unit/io/support.h"

namespace paystats::io {
namespace {

using namespace std::string_view_literals;

class InputStartTest : public ::testing::Test {
 protected:
  base::Result<void> begin(std::string_view bytes, std::string_view source = "a.jsonl") {
    block_ = Block{.bytes = bytes, .source = source, .begins_input = true, .long_line_bytes = 0};
    return begin_input(block_, words_.diagnostics);
  }
  std::string error_of(std::string_view bytes, std::string_view source = "a.jsonl") {
    const base::Result<void> begun = begin(bytes, source);
    return begun ? "" : begun.error().message;
  }

  Block block_;
  Words words_;
};

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
  ASSERT_TRUE(begin_input(block_, words_.diagnostics));
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
  EXPECT_EQ(error_of("[\n{}\n]\n"),
            "a.jsonl: is JSON over several lines, and one object a line is "
            "wanted: jq -c '.[]' a.jsonl | t");
  EXPECT_EQ(error_of("\xEF\xBB\xBF{\n"),
            "a.jsonl: is JSON over several lines, and one object a "
            "line is wanted: jq -c . a.jsonl | t");
}

TEST_F(InputStartTest, ANameThatAShellWouldTakeApartIsNotPutIntoTheCommand) {
  for (const std::string_view name : {"a b", "$(x)", "-x", "a'b", "a\nb", "\xC3\xA9"}) {
    EXPECT_TRUE(error_of("\x1F\x8B\x08", name).ends_with(": zcat FILE | t")) << name;
  }
}

}  // namespace
}  // namespace paystats::io
