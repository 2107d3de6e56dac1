#include "io/payment_sink.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "unit/io/faults.h"
#include "unit/io/support.h"

namespace paystats::io {
namespace {

constexpr const char* kLine = "{\"user\":\"edgar\",\"paymentAmt\":1.0}";

record::Batch edgar(uint64_t volume) {
  return {"edgar", "1.0", money::Decimal(), volume};
}

std::string plain_line() {
  return fmt::format("{}\n", kLine);
}
std::string marked_line() {
  return fmt::format(" {} \n", kLine);
}
std::string times(const std::string& text, size_t n) {
  std::string all;
  for (size_t i = 0; i < n; ++i) all += text;
  return all;
}

long peak_memory_kib() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

class PaymentSinkTest : public ::testing::Test {
 protected:
  base::Result<std::unique_ptr<PaymentSink>> open(const std::string& name) {
    return open_payment_sink(*Endpoint::parse(name), words_.diagnostics);
  }
  std::unique_ptr<PaymentSink> log() {
    auto sink = open(path_);
    EXPECT_TRUE(sink);
    return sink ? std::move(*sink) : nullptr;
  }
  std::string bytes() const { return file_bytes(path_); }

  const FaultsOff off_;
  const TempFolder folder_;
  const std::string path_ = folder_ / "payments.jsonl";
  Words words_;
};

TEST_F(PaymentSinkTest, OnePaymentInTheLogIsAPlainLine) {
  const auto sink = log();
  const record::Batch batch = edgar(1);
  ASSERT_TRUE(sink->put({{&batch, 1}}));
  ASSERT_TRUE(sink->close());
  EXPECT_EQ(bytes(), plain_line());
}

TEST_F(PaymentSinkTest, OfAGroupAllLinesButTheLastAreMarked) {
  const auto sink = log();
  const record::Batch batches[] = {edgar(2), edgar(1)};
  ASSERT_TRUE(sink->put({batches}));
  ASSERT_TRUE(sink->close());
  EXPECT_EQ(bytes(), times(marked_line(), 2) + plain_line());
}

TEST_F(PaymentSinkTest, PutsWaitForTheFlushAndShareItsSync) {
  const auto sink = log();
  const record::Batch batch = edgar(1);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(sink->put({{&batch, 1}}));
  EXPECT_EQ(bytes(), "");
  ASSERT_TRUE(sink->flush());
  EXPECT_EQ(bytes(), times(plain_line(), 10));
  EXPECT_EQ(faults().data_syncs, 1);
}

TEST_F(PaymentSinkTest, AFullBufferIsCommittedAtTheEndOfAGroup) {
  const auto sink = log();
  const record::Batch batch = edgar(1000);
  const size_t group = (plain_line().size() + 2) * 1000 - 2;
  while (faults().data_syncs == 0) ASSERT_TRUE(sink->put({{&batch, 1}}));
  EXPECT_GE(bytes().size(), PaymentSink::kCommitBytes);
  EXPECT_LT(bytes().size(), PaymentSink::kCommitBytes + group);
  EXPECT_EQ(bytes().size() % group, 0u);
}

TEST_F(PaymentSinkTest, AGroupLargerThanMemoryShouldBeIsOneCommitAllTheSame) {
  const auto sink = log();
  const record::Batch before = edgar(1);
  ASSERT_TRUE(sink->put({{&before, 1}}));
  const record::Batch huge = edgar(300'000);
  ASSERT_TRUE(sink->put({{&huge, 1}}));
  EXPECT_EQ(faults().data_syncs, 2) << "what came before it, and the group";
  ASSERT_TRUE(sink->put({{&before, 1}}));
  ASSERT_TRUE(sink->close());
  EXPECT_EQ(bytes(), plain_line() + times(marked_line(), 299'999) + plain_line() + plain_line());
}

TEST_F(PaymentSinkTest, AHugeGroupTakesNoMoreMemoryThanASmallOne) {
  const int status = in_child([&] {
    const auto sink = log();
    const long before = peak_memory_kib();
    const record::Batch huge = edgar(3'000'000);  // over 100 MB
    if (!sink->put({{&huge, 1}}) || !sink->close()) return 1;
    return peak_memory_kib() - before < 50 << 10 ? 0 : 2;
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(std::filesystem::file_size(path_), (plain_line().size() + 2) * 3'000'000 - 2);
}

TEST_F(PaymentSinkTest, AHugeGroupThatDoesNotFitOnTheDiskIsUndone) {
  const auto sink = log();
  const record::Batch before = edgar(1);
  ASSERT_TRUE(sink->put({{&before, 1}}));
  ASSERT_TRUE(sink->flush());
  const record::Batch huge = edgar(600'000);
  faults().disk_bytes_left = 10 << 20;
  EXPECT_FALSE(sink->put({{&huge, 1}}));
  EXPECT_EQ(bytes(), plain_line());
  faults().disk_bytes_left = -1;
  ASSERT_TRUE(sink->put({{&before, 1}})) << "nothing of it is left in the buffer";
  ASSERT_TRUE(sink->close());
  EXPECT_EQ(bytes(), times(plain_line(), 2));
}

TEST_F(PaymentSinkTest, AfterAFailedFlushNothingOfItComesBack) {
  const auto sink = log();
  const record::Batch batch = edgar(1);
  ASSERT_TRUE(sink->put({{&batch, 1}}));
  faults().fdatasync_errno = EIO;
  EXPECT_FALSE(sink->flush());
  faults().fdatasync_errno = 0;
  ASSERT_TRUE(sink->close());
  EXPECT_EQ(bytes(), "");
}

TEST_F(PaymentSinkTest, MorePaymentsThanCanBeCountedAreRefused) {
  const auto sink = log();
  const record::Batch batches[] = {edgar(UINT64_MAX), edgar(1)};
  EXPECT_FALSE(sink->put({batches}));
  ASSERT_TRUE(sink->close());
  EXPECT_EQ(bytes(), "");
}

TEST_F(PaymentSinkTest, LinesInBulkComeBehindWhatWasPut) {
  const auto sink = log();
  const record::Batch batch = edgar(2);
  ASSERT_TRUE(sink->put({{&batch, 1}}));
  ASSERT_TRUE(sink->commit_lines("bulk\n"));
  EXPECT_EQ(bytes(), marked_line() + plain_line() + "bulk\n");
}

TEST_F(PaymentSinkTest, APipeGetsPlainLines) {
  const Pipe pipe;
  const Redirected redirected(STDOUT_FILENO, pipe.write.get());
  auto sink = open("-");
  ASSERT_TRUE(sink);
  EXPECT_GE((*sink)->reader_fd(), 0);
  const record::Batch batch = edgar(3);
  ASSERT_TRUE((*sink)->put({{&batch, 1}}));
  ASSERT_TRUE((*sink)->commit_lines("bulk\n"));
  ASSERT_TRUE((*sink)->close());
  std::string got(4096, '\0');
  got.resize(static_cast<size_t>(::read(pipe.read.get(), got.data(), got.size())));
  EXPECT_EQ(got, times(plain_line(), 3) + "bulk\n");
}

TEST_F(PaymentSinkTest, AStdoutThatAppendsToAFileIsALog) {
  write_file(path_, plain_line() + " {\"us");
  const base::UniqueFd file(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  const Redirected redirected(STDOUT_FILENO, file.get());
  auto sink = open("-");
  ASSERT_TRUE(sink);
  EXPECT_EQ((*sink)->reader_fd(), -1);
  const record::Batch batch = edgar(2);
  ASSERT_TRUE((*sink)->put({{&batch, 1}}));
  ASSERT_TRUE((*sink)->close());
  EXPECT_EQ(bytes(), plain_line() + marked_line() + plain_line());
  EXPECT_EQ(faults().data_syncs, 1);
}

TEST_F(PaymentSinkTest, AStdoutThatOverwritesAFileIsAStreamWhoseFailureCounts) {
  const base::UniqueFd file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const Redirected redirected(STDOUT_FILENO, file.get());
  auto sink = open("-");
  ASSERT_TRUE(sink);
  const record::Batch batch = edgar(2);
  ASSERT_TRUE((*sink)->put({{&batch, 1}}));
  ASSERT_TRUE((*sink)->flush());
  EXPECT_EQ(bytes(), times(plain_line(), 2));
  EXPECT_EQ(faults().data_syncs, 0);
  faults().disk_bytes_left = 5;
  ASSERT_TRUE((*sink)->put({{&batch, 1}}));
  EXPECT_FALSE((*sink)->flush());
  EXPECT_FALSE((*sink)->close());
}

TEST_F(PaymentSinkTest, AnOutputThatIsNoRegularFileIsWrittenAsItIs) {
  const record::Batch batch = edgar(1);
  auto null = open("/dev/null");
  ASSERT_TRUE(null);
  EXPECT_TRUE((*null)->put({{&batch, 1}}));
  EXPECT_TRUE((*null)->close());
  auto full = open("/dev/full");
  ASSERT_TRUE(full);
  EXPECT_TRUE((*full)->put({{&batch, 1}}));
  const base::Result<void> closed = (*full)->close();
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().message, "/dev/full: no space left on device");
}

TEST_F(PaymentSinkTest, ATopicIsForAnotherRoom) {
  const auto sink = open("kafka:payments");
  ASSERT_FALSE(sink);
  EXPECT_EQ(sink.error().message, "kafka:payments: this build cannot write topics");
}

TEST_F(PaymentSinkTest, AFolderIsNoLog) {
  EXPECT_FALSE(open(folder_ / "."));
}

}  // namespace
}  // namespace paystats::io
