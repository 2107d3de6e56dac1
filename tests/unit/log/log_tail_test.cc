// A log cut at any byte, as kill -9 and a failing disk cut it.
#include "io/log_tail.h"

#include <gtest/gtest.h>

#include <random>

#include "io/file_source.h"
#include "io/follow_source.h"
#include "io/payment_sink.h"
#include "record/decoder.h"
#include "unit/io/faults.h"
#include "unit/io/support.h"

namespace paystats::io {
namespace {

// A log, the ends of its groups and how many payments there are up to each.
struct Log {
  std::string bytes;
  std::vector<size_t> group_ends{0};
  std::vector<size_t> payments{0};

  // Groups that are whole in the first `size` bytes; the last newline may be missing if `lenient`.
  size_t groups_in(size_t size, bool lenient) const {
    size_t n = 0;
    while (n + 1 < group_ends.size() && group_ends[n + 1] <= size + (lenient ? 1 : 0)) ++n;
    return n;
  }
};

// Names that look like the end of a line, a mark or a brace.
constexpr std::string_view kUsers[] = {"edgar", " ", "a b ", "}", "{\"user\":\"x\"}", "\n", "\\"};

Log make_log(const TempFolder& folder, unsigned seed) {
  std::mt19937 random(seed);
  const std::string path = folder / "whole";
  std::filesystem::remove(path);
  Words words;
  auto sink = open_payment_sink({Endpoint::Kind::kFile, path}, words.diagnostics);
  EXPECT_TRUE(sink);
  Log log;
  for (int group = 0; group < 6; ++group) {
    std::vector<record::Batch> batches;
    size_t payments = 0;
    for (unsigned i = 0; i <= random() % 3; ++i) {
      const unsigned volume = 1 + random() % 2;
      batches.push_back({kUsers[random() % std::size(kUsers)], "1.0", money::Decimal(), volume});
      payments += volume;
    }
    EXPECT_TRUE((*sink)->put({batches}));
    EXPECT_TRUE((*sink)->flush());
    log.bytes = file_bytes(path);
    log.group_ends.push_back(log.bytes.size());
    log.payments.push_back(log.payments.back() + payments);
  }
  return log;
}

struct Counted {
  size_t payments = 0;
  size_t rejected = 0;
};

Counted count(std::string_view bytes) {
  Counted counted;
  record::LineDecoder<record::Payment> decoder(record::FieldNames{});
  record::DecodedLines<record::Payment> lines;
  while (!bytes.empty()) {
    bytes.remove_prefix(decoder.decode(bytes, lines));
    counted.payments += lines.rows.size();
    counted.rejected += lines.rejected.size();
  }
  return counted;
}

class CutLog : public ::testing::TestWithParam<unsigned> {
 protected:
  CutLog() : log_(make_log(folder_, GetParam())) {
    // Thousands of cuts: neither the disk nor the kernel's tidying up behind inotify is of
    // interest.
    faults().disk_is_memory = true;
    faults().inotify_errno = EMFILE;
  }

  void cut(size_t size) { write_file(path_, std::string_view(log_.bytes).substr(0, size)); }
  std::string followed() {
    TestContext context;
    auto source = follow_source(path_, context.waiter, context.words.diagnostics);
    return source ? read_everything(**source, -1s).bytes : source.error().message;
  }
  std::string upto(size_t groups) const { return log_.bytes.substr(0, log_.group_ends[groups]); }

  const FaultsOff off_;
  const TempFolder folder_;
  const std::string path_ = folder_ / "cut";
  const Log log_;
};

TEST_P(CutLog, AFollowerSeesWholeGroupsOnlyAndAllOfThem) {
  for (size_t size = 0; size <= log_.bytes.size(); ++size) {
    cut(size);
    ASSERT_EQ(followed(), upto(log_.groups_in(size, false))) << "cut at " << size;
  }
}

TEST_P(CutLog, AfterTheNextCommitThereAreWholeGroupsOnlyAndAllOfThem) {
  for (size_t size = 0; size <= log_.bytes.size(); ++size) {
    cut(size);
    Words words;
    base::Result<PaymentLog> log = PaymentLog::open(path_, words.diagnostics);
    ASSERT_TRUE(log);
    ASSERT_TRUE(log->commit(log_.bytes));
    const std::string expected = upto(log_.groups_in(size, true)) + log_.bytes;
    ASSERT_EQ(file_bytes(path_), expected) << "cut at " << size;
    ASSERT_EQ(followed(), expected) << "cut at " << size;
    const bool cut_off = size > log_.group_ends[log_.groups_in(size, true)];
    ASSERT_EQ(words.heard().find("cut off") != std::string::npos, cut_off) << "cut at " << size;
  }
}

TEST_P(CutLog, AReaderOfTheFileAsItIsCountsWholeGroupsOnlyAndAllOfThem) {
  for (size_t size = 0; size <= log_.bytes.size(); ++size) {
    cut(size);
    TestContext context;
    base::UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    const int number = fd.get();
    const auto source =
        file_source(number, std::move(fd), path_, context.waiter, context.words.diagnostics);
    const Counted counted = count(read_everything(*source).bytes);
    ASSERT_EQ(counted.payments, log_.payments[log_.groups_in(size, true)]) << "cut at " << size;
    // What is left of a payment that is a group of its own may be anybody's: it is a bad record.
    ASSERT_LE(counted.rejected, 1u);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, CutLog, ::testing::Range(1u, 5u));

// ---- the same questions asked of single files

class LogTailTest : public ::testing::Test {
 protected:
  base::UniqueFd file(std::string_view bytes) {
    write_file(folder_ / "file", bytes);
    size_ = bytes.size();
    return base::UniqueFd(::open((folder_ / "file").c_str(), O_RDONLY | O_CLOEXEC));
  }
  PlainEnd plain_end(std::string_view bytes) {
    const base::UniqueFd fd = file(bytes);
    const base::Result<PlainEnd> end = find_plain_end(fd.get(), size_, "file");
    EXPECT_TRUE(end);
    return end ? *end : PlainEnd{};
  }

  const TempFolder folder_;
  size_t size_ = 0;
};

TEST_F(LogTailTest, OfAForeignFileNothingIsLeftOut) {
  for (const std::string bytes : {"", "a\nb", "a\nb\n", "a \n", "a \nb", " a\nb", "a \n{", "\n",
                                  " \n", "a\n \n", "{\"user\":\"a\",\"paymentAmt\":1}"}) {
    const PlainEnd end = plain_end(bytes);
    EXPECT_EQ(end.bytes, bytes.size()) << '"' << bytes << '"';
    EXPECT_EQ(end.lines_left_out, 0u);
  }
  const std::string huge = " a \n" + std::string(record::kLineBytesMax + 1, 'x');
  EXPECT_EQ(plain_end(huge).bytes, huge.size());
}

TEST_F(LogTailTest, OfAnUnfinishedGroupTheLinesAreCounted) {
  EXPECT_EQ(plain_end("a\n b \n c \n").lines_left_out, 2u);
  EXPECT_EQ(plain_end("a\n b \n c \n {").lines_left_out, 3u);
  EXPECT_EQ(plain_end("a\n b \n c \n{").lines_left_out, 3u);
  EXPECT_EQ(plain_end("a\n {").lines_left_out, 1u);
  EXPECT_EQ(plain_end("a\n b \n c \n {").bytes, 2u);
}

TEST_F(LogTailTest, TheEndOfTheUnmarkedLinesIsNotLookedForBeforeWhereItWas) {
  const base::UniqueFd fd = file("a\n b \n c \n");
  EXPECT_EQ(end_of_unmarked_lines(fd.get(), 0, size_, "file"), uint64_t{2});
  EXPECT_EQ(end_of_unmarked_lines(fd.get(), 2, size_, "file"), uint64_t{2});
  EXPECT_EQ(end_of_unmarked_lines(fd.get(), 6, size_, "file"), uint64_t{6});
}

TEST_F(LogTailTest, AnEmptyLineIsUnmarkedEvenWhereTheFileBegins) {
  const base::UniqueFd fd = file("\n b \n");
  EXPECT_EQ(end_of_unmarked_lines(fd.get(), 0, size_, "file"), uint64_t{1});
}

TEST_F(LogTailTest, ReadsBackwardsOverTheBordersOfItsChunks) {
  std::string bytes = "first\n";
  for (int i = 0; i < 100'000; ++i) bytes += " marked \n";
  const base::UniqueFd fd = file(bytes);
  EXPECT_EQ(end_of_unmarked_lines(fd.get(), 0, size_, "file"), uint64_t{6});
  EXPECT_EQ(plain_end(bytes).lines_left_out, 100'000u);
  const base::Result<LogTail> tail = examine_log_tail(fd.get(), size_, "file");
  ASSERT_TRUE(tail);
  EXPECT_EQ(tail->applied_bytes, 6u);
  EXPECT_FALSE(tail->needs_newline);
  for (const uint64_t end : {bytes.size(), bytes.size() - 4096, bytes.size() - 4097, size_t{7}}) {
    BackwardReader reader(fd.get(), size_, "file");
    const auto newline = reader.newline_before(end);
    ASSERT_TRUE(newline && newline->has_value());
    EXPECT_EQ(**newline, bytes.rfind('\n', end - 1));
  }
}

}  // namespace
}  // namespace paystats::io
