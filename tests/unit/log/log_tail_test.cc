// A log cut at any byte, as kill -9 and a failing disk cut it.
#include "log/log_tail.h"

#include <gtest/gtest.h>

#include <random>

#include "log/follow_source.h"
#include "log/payment_log.h"
#include "log/payment_sink.h"
#include "record/payment.h"
#include "unit/io/faults.h"
#include "unit/io/support.h"

namespace paystats::log {
namespace {

using namespace io;  // sources, and what its tests have

// A log, and the ends of its requests.
struct WholeLog {
  std::string bytes;
  std::vector<size_t> ends{0};

  // Requests that are whole in the first `size` bytes; the last newline may be missing if
  // `lenient`.
  size_t requests_in(size_t size, bool lenient) const {
    size_t n = 0;
    while (n + 1 < ends.size() && ends[n + 1] <= size + (lenient ? 1 : 0)) ++n;
    return n;
  }
};

// Names that look like the end of a line or a brace.
constexpr std::string_view kUsers[] = {"edgar", " ", "a b ", "}", "{\"user\":\"x\"}", "\n", "\\"};

WholeLog make_log(const TempFolder& folder, unsigned seed) {
  std::mt19937 random(seed);
  const std::string path = folder / "whole";
  std::filesystem::remove(path);
  Words words;
  const base::SystemClock clock;
  auto sink = open_payment_sink({Endpoint::Kind::kFile, path}, {}, clock, words.diagnostics);
  EXPECT_TRUE(sink);
  WholeLog log;
  for (int request = 0; request < 6; ++request) {
    std::vector<record::Batch> batches;
    for (unsigned i = 0; i <= random() % 3; ++i) {
      batches.push_back(
          {kUsers[random() % std::size(kUsers)], "1.0", money::Decimal(), 1 + random() % 2});
    }
    EXPECT_TRUE((*sink)->put({batches}));
    EXPECT_TRUE((*sink)->flush());
    log.bytes = file_bytes(path);
    log.ends.push_back(log.bytes.size());
  }
  return log;
}

class CutLog : public ::testing::TestWithParam<unsigned> {
 protected:
  CutLog() : log_(make_log(folder_, GetParam())) {
    // Thousands of cuts: neither the disk nor the kernel's tidying up behind inotify is of
    // interest.
    faults().disk_is_memory = true;
    faults().inotify_errno = EMFILE;
  }

  void cut(size_t size) {
    write_file(path_, std::string_view(log_.bytes).substr(0, size));
    std::filesystem::remove(path_ + ".torn");
  }
  std::string followed() {
    TestContext context;
    auto source = follow_source(path_, context.waiter, context.words.diagnostics);
    return source ? read_everything(**source, -1s).bytes : source.error().message;
  }
  std::string upto(size_t requests) const { return log_.bytes.substr(0, log_.ends[requests]); }

  const FaultsOff off_;
  const TempFolder folder_;
  const std::string path_ = folder_ / "cut";
  const WholeLog log_;
};

TEST_P(CutLog, AFollowerSeesWholeRequestsOnlyAndAllOfThem) {
  for (size_t size = 0; size <= log_.bytes.size(); ++size) {
    cut(size);
    ASSERT_EQ(followed(), upto(log_.requests_in(size, false))) << "cut at " << size;
  }
}

TEST_P(CutLog, AfterTheNextCommitThereAreWholeRequestsOnlyAndAllOfThemAndNoByteIsLost) {
  for (size_t size = 0; size <= log_.bytes.size(); ++size) {
    cut(size);
    Words words;
    base::Result<PaymentLog> log = PaymentLog::open(path_, words.diagnostics);
    ASSERT_TRUE(log);
    ASSERT_TRUE(log->commit(log_.bytes));
    const std::string whole = upto(log_.requests_in(size, true));
    ASSERT_EQ(file_bytes(path_), whole + log_.bytes) << "cut at " << size;
    ASSERT_EQ(followed(), whole + log_.bytes) << "cut at " << size;
    const std::string kept =
        size > whole.size() ? log_.bytes.substr(whole.size(), size - whole.size()) + "\n" : "";
    ASSERT_EQ(file_bytes(path_ + ".torn"), kept) << "cut at " << size;
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
  LogTail tail_of(std::string_view bytes) {
    const base::UniqueFd fd = file(bytes);
    const base::Result<LogTail> tail = examine_log_tail(fd.get(), size_, "file");
    EXPECT_TRUE(tail);
    return tail.value_or(LogTail{});
  }

  const TempFolder folder_;
  size_t size_ = 0;
};

TEST_F(LogTailTest, AJsonTextThatIsAnObjectOrAnArrayLacksItsNewlineAlone) {
  for (const std::string text :
       {"{}", "[]", " {\"a\":[1,{\"b\":null}]}", "[1]\t ", "{\"a\":1}\r"}) {
    EXPECT_TRUE(tail_of("x\n" + text).lacks_newline) << text;
    EXPECT_EQ(tail_of("x\n" + text).whole_bytes, 2u);
  }
  for (const std::string text : {"1", "\"a\"", "null", "{", "{}{}", "{},", "[1", "{\"a\"}", " "}) {
    EXPECT_FALSE(tail_of("x\n" + text).lacks_newline) << text;
  }
}

TEST_F(LogTailTest, OverTheLimitOfALineNothingIsLookedAt) {
  const std::string longest = "{\"a\":\"" + std::string(record::kLineBytesMax - 8, 'x') + "\"}";
  EXPECT_TRUE(tail_of(longest).lacks_newline);
  EXPECT_FALSE(tail_of(longest + " ").lacks_newline);
}

TEST_F(LogTailTest, TheEndOfTheWholeLinesIsNotLookedForBeforeWhereItWas) {
  const base::UniqueFd fd = file("a\nb\nc");
  EXPECT_EQ(whole_lines_end(fd.get(), 0, size_, "file"), uint64_t{4});
  EXPECT_EQ(whole_lines_end(fd.get(), 4, size_, "file"), uint64_t{4});
  EXPECT_EQ(whole_lines_end(fd.get(), 5, size_, "file"), uint64_t{5});
  EXPECT_EQ(whole_lines_end(fd.get(), 0, 1, "file"), uint64_t{0});
}

TEST_F(LogTailTest, ReadsBackwardsOverTheBordersOfItsChunks) {
  for (const size_t bytes : {4095U, 4096U, 4097U, 36'863U, 36'864U, 1'000'000U}) {
    const base::UniqueFd fd = file("first\n" + std::string(bytes, 'x'));
    EXPECT_EQ(whole_lines_end(fd.get(), 0, size_, "file"), uint64_t{6}) << bytes;
  }
}

}  // namespace
}  // namespace paystats::log
