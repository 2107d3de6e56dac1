#include "io/reject_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "base/fd.h"
#include "io/decode_block.h"

namespace paystats::io {
namespace {

// A Diagnostics whose words can be read.
class Overheard {
 public:
  Overheard() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) std::abort();
    read_ = base::UniqueFd(fds[0]);
    write_ = base::UniqueFd(fds[1]);
  }
  int fd() const { return write_.get(); }
  std::string heard() {
    std::string text(65536, '\0');
    const ssize_t n = ::read(read_.get(), text.data(), text.size());
    text.resize(n > 0 ? static_cast<size_t>(n) : 0);
    return text;
  }

 private:
  base::UniqueFd read_;
  base::UniqueFd write_;
};

struct Kept {
  std::string bytes;
  bool closed = false;
  base::ErrorKind breaks_with = base::ErrorKind::kFailed;
  bool broken = false;
};

class KeepingSink final : public Sink {
 public:
  explicit KeepingSink(Kept& kept) : kept_(kept) {}
  base::Result<void> write(std::string_view lines) override {
    if (kept_.broken) return base::fail("stdout: broken pipe", kept_.breaks_with);
    kept_.bytes += lines;
    return {};
  }
  base::Result<void> flush() override { return write({}); }
  base::Result<void> close() override {
    kept_.closed = true;
    return write({});
  }

 private:
  Kept& kept_;
};

record::Reject a_reject(uint64_t line) {
  return {.source = "payments.jsonl",
          .line = line,
          .at = {},
          .error = "not JSON",
          .record = "nonsense",
          .record_bytes = 8};
}

TEST(RejectLog, WithoutASinkTheFirstTenAreShownAndThenACount) {
  Overheard overheard;
  base::Diagnostics diagnostics("payagg", base::Verbosity::kNormal, overheard.fd());
  RejectLog log(diagnostics);
  for (uint64_t line = 1; line <= 12; ++line) ASSERT_TRUE(log.add(a_reject(line)));
  ASSERT_TRUE(log.finish());
  const std::string heard = overheard.heard();
  EXPECT_NE(heard.find("payagg: error: payments.jsonl:1: not JSON\n"), std::string::npos);
  EXPECT_NE(heard.find("payagg: error: payments.jsonl:10: not JSON\n"), std::string::npos);
  EXPECT_EQ(heard.find("payments.jsonl:11"), std::string::npos);
  EXPECT_NE(heard.find("12 records rejected, the first 10 are shown\n"), std::string::npos);
  EXPECT_EQ(log.count(), 12u);
  EXPECT_EQ(log.status(), base::ExitStatus::kRejected);
}

TEST(RejectLog, NothingRejectedIsNothingSaid) {
  Overheard overheard;
  base::Diagnostics diagnostics("payagg", base::Verbosity::kNormal, overheard.fd());
  RejectLog log(diagnostics);
  ASSERT_TRUE(log.flush());
  ASSERT_TRUE(log.finish());
  EXPECT_EQ(overheard.heard(), "");
  EXPECT_EQ(log.status(), base::ExitStatus::kDone);
}

TEST(RejectLog, WithASinkEachIsALineThereAndOnlyTheCountIsShown) {
  Overheard overheard;
  base::Diagnostics diagnostics("payagg", base::Verbosity::kNormal, overheard.fd());
  Kept kept;
  RejectLog log(diagnostics, std::make_unique<KeepingSink>(kept), "rejects.jsonl");
  ASSERT_TRUE(log.add(a_reject(17)));
  ASSERT_TRUE(log.finish());
  EXPECT_EQ(kept.bytes,
            "{\"source\":\"payments.jsonl\",\"line\":17,\"error\":\"not JSON\","
            "\"record\":\"nonsense\"}\n");
  EXPECT_TRUE(kept.closed);
  EXPECT_EQ(overheard.heard(), "payagg: warning: 1 record rejected: see rejects.jsonl\n");
}

TEST(RejectLog, ASinkWhoseReaderHasGoneIsAFailureAndNoQuietEnd) {
  Overheard overheard;
  base::Diagnostics diagnostics("payagg", base::Verbosity::kNormal, overheard.fd());
  Kept kept;
  kept.broken = true;
  kept.breaks_with = base::ErrorKind::kClosedOutput;
  RejectLog log(diagnostics, std::make_unique<KeepingSink>(kept), "-");
  for (const base::Result<void>& result : {log.add(a_reject(1)), log.flush(), log.finish()}) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, base::ErrorKind::kFailed);
  }
}

TEST(RejectLog, WhatIsAddedAgainAfterANewStartIsNeitherToldNorCountedTwice) {
  Overheard overheard;
  base::Diagnostics diagnostics("payagg", base::Verbosity::kNormal, overheard.fd());
  Kept kept;
  RejectLog log(diagnostics, std::make_unique<KeepingSink>(kept), "rejects.jsonl");
  ASSERT_TRUE(log.add(a_reject(17)));
  ASSERT_TRUE(log.add(a_reject(20)));
  log.start_over();
  EXPECT_EQ(log.status(), base::ExitStatus::kRejected) << "nobody knows whether they come again";
  for (const uint64_t line : {17, 20, 21}) ASSERT_TRUE(log.add(a_reject(line)));
  ASSERT_TRUE(log.finish());
  EXPECT_EQ(log.count(), 3U);
  EXPECT_EQ(std::count(kept.bytes.begin(), kept.bytes.end(), '\n'), 3);
  EXPECT_NE(kept.bytes.find("\"line\":21"), std::string::npos) << kept.bytes;
  EXPECT_EQ(overheard.heard(), "payagg: warning: 3 records rejected: see rejects.jsonl\n");
}

TEST(RejectLog, ThePlaceIsALineOrAnOffset) {
  EXPECT_EQ(place_of(a_reject(17)), "payments.jsonl:17");
  record::Reject from_topic = a_reject(0);
  from_topic.source = "payments";
  from_topic.at = record::SourceOffset{3, 41};
  EXPECT_EQ(place_of(from_topic), "payments: partition 3, offset 41");
}

class BlockDecoderTest : public ::testing::Test {
 protected:
  BlockDecoderTest()
      : diagnostics_("payagg", base::Verbosity::kNormal, overheard_.fd()), log_(diagnostics_) {}

  Overheard overheard_;
  base::Diagnostics diagnostics_;
  RejectLog log_;
};

TEST_F(BlockDecoderTest, LinesKeepTheirNumbersOverManyChunksAndEmptyLines) {
  std::string bytes;
  std::vector<uint64_t> expected;
  for (uint64_t line = 1; line < 3100; ++line) {
    if (line % 7 == 0) {
      bytes += "\n";
    } else if (line % 501 == 0) {
      bytes += "nonsense\n";
    } else {
      bytes += "{\"user\":\"u" + std::to_string(line) + "\",\"paymentAmt\":1}\n";
      expected.push_back(line);
    }
  }
  BlockDecoder<record::Payment> decoder(record::FieldNames{}, log_);
  std::vector<uint64_t> seen;
  const Block block{
      .bytes = bytes, .source = "a.jsonl", .begins_input = true, .long_line_bytes = 0};
  ASSERT_TRUE(
      decoder.decode(block, [&](const DecodedChunk<record::Payment>& chunk) -> base::Result<void> {
        for (const auto& row : chunk.lines.rows) {
          const uint64_t line = chunk.first_line + row.line;
          EXPECT_EQ(row.record.user, std::string("u").append(std::to_string(line)));
          EXPECT_NE(nth_line(chunk.bytes, row.line).find("\"u" + std::to_string(line) + "\""),
                    std::string_view::npos);
          seen.push_back(line);
        }
        return {};
      }));
  EXPECT_EQ(seen, expected);
  EXPECT_EQ(decoder.records(), seen.size() + log_.count());
  EXPECT_EQ(log_.count(), 6u);
  const std::string heard = overheard_.heard();
  EXPECT_NE(heard.find("a.jsonl:501: "), std::string::npos);
  EXPECT_NE(heard.find("a.jsonl:3006: "), std::string::npos);
}

TEST_F(BlockDecoderTest, RejectsOfTheDecoderAndOfTheToolAreInTheOrderOfLines) {
  std::string bytes;
  for (int line = 1; line <= 9; ++line) {
    bytes += line % 2 == 0 ? "{\"user\":\"a\",\"paymentAmt\":1}\n" : "bad\n";
  }
  BlockDecoder<record::Payment> decoder(record::FieldNames{}, log_);
  const Block block{.bytes = bytes, .source = "a", .begins_input = true, .long_line_bytes = 0};
  ASSERT_TRUE(
      decoder.decode(block, [&](const DecodedChunk<record::Payment>& chunk) -> base::Result<void> {
        EXPECT_TRUE(decoder.reject(chunk, 1, record::Flaw::kSumOverflow));
        return decoder.reject(chunk, 7, record::Flaw::kSumOverflow);
      }));
  const std::string heard = overheard_.heard();
  std::string lines;
  for (size_t at = 0; (at = heard.find("error: a:", at)) != std::string::npos; ++at) {
    lines += heard[at + 9];
  }
  EXPECT_EQ(lines, "1235789");
}

TEST_F(BlockDecoderTest, LinesAreNumberedFromTheBlockOnThatBeginsAnInput) {
  const std::string start(record::kRejectRecordBytesMax, 'x');
  BlockDecoder<record::Payment> decoder(record::FieldNames{}, log_);
  const auto decode = [&](std::string_view bytes, bool begins_input, uint64_t long_line_bytes) {
    const Block block{.bytes = bytes,
                      .source = "-",
                      .begins_input = begins_input,
                      .long_line_bytes = long_line_bytes};
    ASSERT_TRUE(
        decoder.decode(block, [](const DecodedChunk<record::Payment>& chunk) -> base::Result<void> {
          EXPECT_TRUE(chunk.lines.rows.empty());
          return {};
        }));
  };
  decode("\n\n\nbad\n", true, 0);
  decode("\n\nbad\n\n", false, 0);
  decode(start, false, record::kLineBytesMax + 1);
  decode("bad\n", false, 0);
  decode("\nbad", true, 0);
  decode(start, true, record::kLineBytesMax + 1);
  decode("bad\n", false, 0);
  EXPECT_EQ(decoder.records(), 7u);
  EXPECT_EQ(log_.count(), 7u);
  const std::string heard = overheard_.heard();
  size_t at = 0;
  for (const int line : {4, 7, 9, 10, 2, 1, 2}) {
    at = heard.find("payagg: error: -:" + std::to_string(line) + ": ", at);
    ASSERT_NE(at, std::string::npos) << line;
  }
}

TEST_F(BlockDecoderTest, ARowThatTheToolRefusesIsRejectedWithItsOwnBytes) {
  Kept kept;
  RejectLog log(diagnostics_, std::make_unique<KeepingSink>(kept), "rejects.jsonl");
  BlockDecoder<record::Payment> decoder(record::FieldNames{}, log);
  const std::string bytes =
      "{\"user\":\"a\",\"paymentAmt\":1}\n\n{\"user\":\"b\",\"paymentAmt\":2}\n"
      "{\"user\":\"c\",\"paymentAmt\":3}";
  const Block block{.bytes = bytes, .source = "-", .begins_input = true, .long_line_bytes = 0};
  ASSERT_TRUE(
      decoder.decode(block, [&](const DecodedChunk<record::Payment>& chunk) -> base::Result<void> {
        for (const auto& row : chunk.lines.rows) {
          if (row.record.user == "a") continue;
          base::Result<void> logged = decoder.reject(chunk, row.line, record::Flaw::kSumOverflow);
          if (!logged) return logged;
        }
        return {};
      }));
  EXPECT_NE(kept.bytes.find("\"line\":3,"), std::string::npos) << kept.bytes;
  EXPECT_NE(kept.bytes.find("\\\"user\\\":\\\"b\\\",\\\"paymentAmt\\\":2}\"}\n"), std::string::npos)
      << kept.bytes;
  EXPECT_NE(kept.bytes.find("\"line\":4,"), std::string::npos) << kept.bytes;
}

TEST_F(BlockDecoderTest, AnErrorOfTheToolEndsTheBlock) {
  BlockDecoder<record::Payment> decoder(record::FieldNames{}, log_);
  const Block block{.bytes = "{\"user\":\"a\",\"paymentAmt\":1}\nbad\n",
                    .source = "-",
                    .begins_input = true,
                    .long_line_bytes = 0};
  const base::Result<void> done =
      decoder.decode(block, [](const DecodedChunk<record::Payment>&) -> base::Result<void> {
        return base::fail("disk full");
      });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "disk full");
}

}  // namespace
}  // namespace paystats::io
