#include "log/payment_sink.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "unit/io/faults.h"
#include "unit/io/support.h"

namespace paystats::log {
namespace {

using namespace io;  // sources, and what its tests have

constexpr const char* kLine = "{\"user\":\"edgar\",\"paymentAmt\":1.0}";

record::Batch edgar(uint64_t volume) {
  return {"edgar", "1.0", money::Decimal(), volume};
}

std::string plain_line() {
  return fmt::format("{}\n", kLine);
}
std::string times(const std::string& text, size_t n) {
  std::string all;
  for (size_t i = 0; i < n; ++i) all += text;
  return all;
}

// In the log, at the time of the test's clock.
std::string line_of(std::string_view fields) {
  return fmt::format("{{{},\"time\":\"2026-11-29T07:52:22.123Z\"}}\n", fields);
}
const std::string kEdgar = R"("user":"edgar","paymentAmt":1.0)";

class PaymentSinkTest : public ::testing::Test {
 protected:
  PaymentSinkTest() {
    clock_.set_time_of_day(base::TimeOfDay(std::chrono::milliseconds(1'795'938'742'123)));
  }
  base::Result<std::unique_ptr<PaymentSink>> open(const std::string& name) {
    return open_payment_sink(*Endpoint::parse(name), keys_, clock_, words_.diagnostics);
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
  base::ManualClock clock_;
  std::optional<LogKeysOptions> keys_;
};

TEST_F(PaymentSinkTest, ARequestIsOneLineInTheLogWithTheTimeAndItsKey) {
  const auto sink = log();
  EXPECT_TRUE(sink->request_is_line());
  const record::Batch one = edgar(1);
  ASSERT_TRUE(sink->put({{&one, 1}}));
  const record::Batch seven = edgar(7);
  ASSERT_TRUE(sink->put({.batches = {&seven, 1}, .idempotency_key = "k-1"}));
  const record::Batch group[] = {edgar(2), {"ann", "2", money::Decimal(), 1}};
  ASSERT_TRUE(sink->put({.batches = group, .idempotency_key = {}}));
  ASSERT_TRUE(sink->close());
  EXPECT_EQ(bytes(), line_of(kEdgar) +
                         "{\"user\":\"edgar\",\"paymentAmt\":1.0,\"volume\":7,"
                         "\"time\":\"2026-11-29T07:52:22.123Z\",\"idempotencyKey\":\"k-1\"}\n"
                         "{\"time\":\"2026-11-29T07:52:22.123Z\",\"payments\":["
                         "{\"user\":\"edgar\",\"paymentAmt\":1.0,\"volume\":2},"
                         "{\"user\":\"ann\",\"paymentAmt\":2}]}\n");
}

TEST_F(PaymentSinkTest, PutsWaitForTheFlushAndShareItsSync) {
  const auto sink = log();
  const record::Batch batch = edgar(1);
  ASSERT_TRUE(sink->put({{&batch, 1}}));
  ASSERT_TRUE(sink->flush());
  const int syncs = faults().data_syncs;
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(sink->put({{&batch, 1}}));
  EXPECT_EQ(bytes(), line_of(kEdgar));
  ASSERT_TRUE(sink->flush());
  EXPECT_EQ(bytes(), times(line_of(kEdgar), 11));
  EXPECT_EQ(faults().data_syncs, syncs + 1);
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

TEST_F(PaymentSinkTest, LinesInBulkComeBehindWhatWasPut) {
  const auto sink = log();
  const record::Batch batch = edgar(2);
  ASSERT_TRUE(sink->put({{&batch, 1}}));
  ASSERT_TRUE(sink->commit_lines("bulk\n"));
  EXPECT_EQ(bytes(), line_of(kEdgar + ",\"volume\":2") + "bulk\n");
}

TEST_F(PaymentSinkTest, APipeIsAStream) {
  const Pipe pipe;
  const Redirected redirected(STDOUT_FILENO, pipe.write.get());
  auto sink = open("-");
  ASSERT_TRUE(sink);
  EXPECT_FALSE((*sink)->request_is_line());
}

TEST_F(PaymentSinkTest, AStdoutThatAppendsToAFileIsALog) {
  write_file(path_, plain_line() + "{\"us");
  const base::UniqueFd file(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  const Redirected redirected(STDOUT_FILENO, file.get());
  auto sink = open("-");
  ASSERT_TRUE(sink);
  EXPECT_EQ((*sink)->reader_fd(), -1);
  const record::Batch batch = edgar(2);
  ASSERT_TRUE((*sink)->put({{&batch, 1}}));
  ASSERT_TRUE((*sink)->close());
  EXPECT_EQ(bytes(), plain_line() + line_of(kEdgar + ",\"volume\":2"));
  EXPECT_GT(faults().data_syncs, 0);
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

class FailedSinkTest : public PaymentSinkTest {
 protected:
  FailedSinkTest() : sink_(log()) { EXPECT_TRUE(post()); }

  bool post() {
    EXPECT_TRUE(sink_->put({{&batch_, 1}}));
    return sink_->flush().has_value();
  }
  base::Result<bool> probe() {
    if (const base::Result<Turn> turn = sink_->begin(-1); !turn) return base::fail(turn.error());
    base::Result<bool> well = sink_->probe();
    sink_->abandon();
    return well;
  }

  const record::Batch batch_ = edgar(1);
  const std::unique_ptr<PaymentSink> sink_;
};

TEST_F(FailedSinkTest, WhetherThereIsRoomAgainIsToldWithoutAByteOfAPayment) {
  const std::string before = bytes();
  faults().disk_bytes_left = 5;
  EXPECT_FALSE(post());
  EXPECT_EQ(sink_->aftermath(), PaymentSink::Aftermath::kUndone);
  EXPECT_FALSE(probe().value());
  faults().disk_bytes_left = -1;
  EXPECT_TRUE(probe().value());
  EXPECT_EQ(bytes(), before);
  EXPECT_TRUE(post());
  EXPECT_EQ(bytes(), before + before);
}

TEST_F(FailedSinkTest, SoItIsOfAQuota) {
  faults().write_errno = EDQUOT;
  faults().fallocate_errno = EDQUOT;
  EXPECT_FALSE(post());
  EXPECT_EQ(sink_->aftermath(), PaymentSink::Aftermath::kUndone);
  EXPECT_FALSE(probe().value());
  faults().write_errno = 0;
  faults().fallocate_errno = EOPNOTSUPP;
  EXPECT_FALSE(probe().value()) << "free blocks say nothing of it";
  faults().fallocate_errno = 0;
  EXPECT_TRUE(probe().value());
}

// Where a power cut would leave what nobody knows, no later write makes it good.
TEST_F(FailedSinkTest, ADiskThatFailsIsOfNoMoreUse) {
  for (const int reason : {EIO, EROFS}) {
    const auto sink = log();
    ASSERT_TRUE(sink->put({{&batch_, 1}}));
    faults().write_errno = reason;
    EXPECT_FALSE(sink->flush());
    faults().write_errno = 0;
    EXPECT_EQ(sink->aftermath(), PaymentSink::Aftermath::kBroken);
  }
}

TEST_F(FailedSinkTest, SoItIsWhereAProbeMeetsThatFirst) {
  faults().disk_bytes_left = 5;
  EXPECT_FALSE(post());
  faults().fdatasync_errno = EIO;
  EXPECT_FALSE(probe());
  EXPECT_EQ(sink_->aftermath(), PaymentSink::Aftermath::kBroken);
}

TEST_F(PaymentSinkTest, SoIsAnOutputThatIsNoRegularFile) {
  auto null = open("/dev/null");
  ASSERT_TRUE(null);
  EXPECT_FALSE((*null)->request_is_line());
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
}  // namespace paystats::log
