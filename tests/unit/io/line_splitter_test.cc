#include "io/line_splitter.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "io/source.h"
#include "record/payment.h"

namespace paystats::io {
namespace {

struct Line {
  std::string bytes;  // as far as it is kept
  uint64_t long_bytes = 0;
  friend bool operator==(const Line&, const Line&) = default;
};

// What every splitter must come to, said in the plainest way.
std::vector<Line> lines_of(std::string_view bytes) {
  std::vector<Line> lines;
  while (!bytes.empty()) {
    const size_t end = std::min(bytes.find('\n'), bytes.size());
    const bool is_long = end > record::kLineBytesMax;
    lines.push_back({std::string(bytes.substr(0, is_long ? record::kRejectRecordBytesMax : end)),
                     is_long ? end : 0});
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
  return lines;
}

void collect(const Block& block, std::vector<Line>& lines) {
  EXPECT_EQ(block.begins_input, lines.empty());
  if (block.long_line_bytes > 0) {
    lines.push_back({std::string(block.bytes), block.long_line_bytes});
    return;
  }
  for (const Line& line : lines_of(block.bytes)) {
    EXPECT_EQ(line.long_bytes, 0u) << "a long line is a block of its own";
    lines.push_back(line);
  }
}

void put(LineSplitter& splitter, std::string_view bytes, size_t skipped = 0) {
  std::memcpy(splitter.space(), bytes.data(), bytes.size());
  splitter.add(bytes.size(), skipped);
}

std::vector<Line> split(std::string_view bytes, const std::function<size_t()>& read_bytes) {
  LineSplitter splitter("-");
  std::vector<Line> lines;
  Block block;
  while (!bytes.empty()) {
    const size_t n = std::min({bytes.size(), read_bytes(), LineSplitter::kReadBytes});
    put(splitter, bytes.substr(0, n));
    bytes.remove_prefix(n);
    while (splitter.next(block)) collect(block, lines);
  }
  while (splitter.last(block)) collect(block, lines);
  return lines;
}

TEST(LineSplitter, KeepsThePartOfALineUntilTheRestIsThere) {
  LineSplitter splitter("place");
  Block block;
  put(splitter, "one\ntw");
  ASSERT_TRUE(splitter.next(block));
  EXPECT_EQ(block.bytes, "one\n");
  EXPECT_EQ(block.source, "place");
  EXPECT_TRUE(block.begins_input);
  EXPECT_FALSE(splitter.next(block));
  put(splitter, "o");
  EXPECT_FALSE(splitter.next(block));
  put(splitter, "\nthree");
  ASSERT_TRUE(splitter.next(block));
  EXPECT_EQ(block.bytes, "two\n");
  EXPECT_FALSE(block.begins_input);
  EXPECT_FALSE(splitter.next(block));
  ASSERT_TRUE(splitter.last(block));
  EXPECT_EQ(block.bytes, "three");
  EXPECT_FALSE(block.begins_input);
  EXPECT_FALSE(splitter.last(block));
}

TEST(LineSplitter, AMarkIsNoPartOfTheFirstLineAndItsLimit) {
  constexpr size_t kMax = record::kLineBytesMax;
  for (const bool marked : {true, false}) {
    for (const size_t bytes : {kMax, kMax + 1}) {
      const std::string mark = marked ? "\xEF\xBB\xBF" : "";
      const std::string line = mark + std::string(bytes, 'x') + "\n";
      LineSplitter splitter("-");
      Block block;
      bool yielded = false;
      for (size_t at = 0; at < line.size(); at += LineSplitter::kReadBytes) {
        ASSERT_FALSE(yielded);
        put(splitter, line.substr(at, LineSplitter::kReadBytes));
        yielded = splitter.next(block);
      }
      ASSERT_TRUE(yielded);
      EXPECT_EQ(block.long_line_bytes, bytes == kMax ? 0 : mark.size() + bytes);
    }
  }
}

TEST(LineSplitter, WhatIsDroppedIsNeverYielded) {
  LineSplitter splitter("-");
  Block block;
  put(splitter, "part");
  EXPECT_FALSE(splitter.next(block));
  splitter.drop_rest();
  EXPECT_FALSE(splitter.last(block));
}

TEST(LineSplitter, WhatIsSkippedAtTheBeginningIsNoLine) {
  LineSplitter splitter("-");
  Block block;
  put(splitter, "end\none\ntwo", 4);
  ASSERT_TRUE(splitter.next(block));
  EXPECT_EQ(block.bytes, "one\n");
  EXPECT_TRUE(block.begins_input);
  EXPECT_FALSE(splitter.next(block));
  ASSERT_TRUE(splitter.last(block));
  EXPECT_EQ(block.bytes, "two");
}

TEST(LineSplitter, AnotherInputBeginsWithNothingOfTheOneBefore) {
  LineSplitter splitter("first");
  Block block;
  for (const size_t size : {size_t{4}, LineSplitter::kReadBytes}) {
    // A line that has begun, or one that is known to be too long.
    for (size_t bytes = 0; bytes <= (size > 4 ? 2 * record::kLineBytesMax : 0); bytes += size) {
      put(splitter, std::string(size, 'x'));
      EXPECT_FALSE(splitter.next(block));
    }
    splitter.restart("second");
    EXPECT_FALSE(splitter.last(block));
    put(splitter, "a\nb");
    ASSERT_TRUE(splitter.next(block));
    EXPECT_EQ(block.bytes, "a\n");
    EXPECT_EQ(block.source, "second");
    EXPECT_TRUE(block.begins_input);
    EXPECT_EQ(block.long_line_bytes, 0u);
    splitter.restart("third");
  }
}

TEST(LineSplitter, ALineOfTheGreatestLengthIsNotALongOne) {
  for (const size_t more : {0, 1}) {
    for (const char* end : {"", "\n", "\nnext\n", "\nnext"}) {
      const std::string bytes = "a\n" + std::string(record::kLineBytesMax + more, 'x') + end;
      const std::vector<Line> lines = split(bytes, [] { return LineSplitter::kReadBytes; });
      ASSERT_EQ(lines, lines_of(bytes));
      EXPECT_EQ(lines[1].long_bytes, more == 0 ? 0 : record::kLineBytesMax + 1);
    }
  }
}

TEST(LineSplitter, OfALongLineTheBeginningIsKeptAndTheRestIsCounted) {
  std::string bytes(10 * record::kLineBytesMax + 17, 'x');
  bytes.replace(0, 5, "begin");
  for (const char* end : {"", "\n", "\nnext\n"}) {
    const std::vector<Line> lines = split(bytes + end, [] { return LineSplitter::kReadBytes; });
    ASSERT_EQ(lines, lines_of(bytes + end));
    EXPECT_EQ(lines[0].bytes, bytes.substr(0, record::kRejectRecordBytesMax));
    EXPECT_EQ(lines[0].long_bytes, bytes.size());
  }
}

TEST(LineSplitter, AgreesWithThePlainestSplitterWhateverTheReads) {
  std::mt19937_64 random(7);
  const auto up_to = [&](size_t most) {
    return std::uniform_int_distribution<size_t>(0, most)(random);
  };
  const size_t lengths[] = {0,
                            1,
                            60,
                            4096,
                            LineSplitter::kReadBytes,
                            record::kLineBytesMax - 1,
                            record::kLineBytesMax,
                            record::kLineBytesMax + 1,
                            2 * record::kLineBytesMax};
  for (int round = 0; round < 60; ++round) {
    std::string bytes;
    while (bytes.size() < 4 * record::kLineBytesMax) {
      const size_t lines = up_to(300);
      for (size_t i = 0; i < lines; ++i) bytes += std::string(up_to(80), 'a') + '\n';
      bytes += std::string(lengths[up_to(std::size(lengths) - 1)], 'b') + '\n';
    }
    if (round % 2 == 0) bytes.resize(bytes.size() - up_to(50) - 1);
    const size_t most = round % 3 == 0 ? 5000 : LineSplitter::kReadBytes;
    ASSERT_EQ(split(bytes, [&] { return 1 + up_to(most); }), lines_of(bytes)) << "round " << round;
  }
}

TEST(LineSplitter, OffersTheBeginningOfAPageAfterEachBlock) {
  LineSplitter lines("-");
  Block block;
  for (const size_t left :
       {size_t{0}, size_t{1}, size_t{37}, size_t{4095}, size_t{4096}, size_t{9000}}) {
    const std::string whole = std::string(9999, 'a') + "\n";
    const std::string bytes = whole + std::string(left, 'b');
    std::memcpy(lines.space(), bytes.data(), bytes.size());
    lines.add(bytes.size());
    ASSERT_TRUE(lines.next(block));
    ASSERT_FALSE(lines.next(block));
    char* const space = lines.space();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(space) % 4096, 0U) << left;
    *space = '\n';
    lines.add(1);
    ASSERT_TRUE(lines.next(block));
    EXPECT_EQ(block.bytes, std::string(left, 'b') + "\n");
  }
}

TEST(MemorySource, YieldsWhatASplitterWould) {
  const std::string bytes = "one\ntwo\n\n" + std::string(record::kLineBytesMax + 1, 'x') + "\n" +
                            std::string(record::kLineBytesMax, 'y') + "\nlast";
  for (const size_t block_bytes : {size_t{1}, size_t{5}, size_t{4096}, size_t{1} << 30}) {
    const std::unique_ptr<Source> source = memory_source(bytes, block_bytes, "m");
    EXPECT_EQ(source->bytes_all(), bytes.size());
    std::vector<Line> lines;
    Block block;
    base::Result<ReadStatus> status = source->read(block, base::Instant{});
    for (; status && *status == ReadStatus::kBlock; status = source->read(block, base::Instant{})) {
      EXPECT_EQ(block.source, "m");
      collect(block, lines);
    }
    EXPECT_EQ(status, ReadStatus::kEnd);
    EXPECT_EQ(lines, lines_of(bytes)) << block_bytes;
    EXPECT_EQ(source->bytes_read(), bytes.size());
  }
}

}  // namespace
}  // namespace paystats::io
