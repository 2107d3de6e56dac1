#include "kafka/broker_watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string>

#include "base/fd.h"

namespace paystats::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class BrokerWatchTest : public ::testing::Test {
 protected:
  BrokerWatchTest() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), 0) != 0) std::abort();
    read_.reset(ends[0]);
    write_.reset(ends[1]);
  }
  BrokerWatch& watch(std::optional<base::Duration> timeout = {}) {
    diagnostics_.emplace("paygen", base::Verbosity::kNormal, write_.get());
    watch_.emplace("pi5:9092", timeout, *diagnostics_, clock_);
    return *watch_;
  }
  // What was said since the last call.
  std::string said() {
    std::array<char, 4096> bytes{};
    (void)!::write(write_.get(), ".", 1);  // so that there is something to read
    const base::Result<size_t> size =
        base::read_some(read_.get(), bytes.data(), bytes.size(), "pipe");
    return std::string(bytes.data(), *size - 1);
  }

  base::UniqueFd read_;
  base::UniqueFd write_;
  base::ManualClock clock_;
  std::optional<base::Diagnostics> diagnostics_;
  std::optional<BrokerWatch> watch_;
};

TEST_F(BrokerWatchTest, SaysOnceThatNoBrokerAnswersHoweverOftenItIsTold) {
  BrokerWatch& watch = this->watch();
  EXPECT_FALSE(watch.away());
  watch.unreachable("connection refused");
  EXPECT_EQ(said(),
            "paygen: warning: no broker at pi5:9092 answers (connection refused): waiting\n");
  for (int i = 0; i < 9; ++i) {
    clock_.advance(seconds(1));
    watch.unreachable("connection refused");
    EXPECT_TRUE(watch.check());
  }
  EXPECT_EQ(said(), "");
  EXPECT_TRUE(watch.away());
}

TEST_F(BrokerWatchTest, RepeatsItEveryTenSecondsWithTheLatestReason) {
  BrokerWatch& watch = this->watch();
  watch.unreachable("connection refused");
  (void)said();
  watch.unreachable("timed out");
  clock_.advance(milliseconds(9'999));
  EXPECT_TRUE(watch.check());
  EXPECT_EQ(said(), "");
  clock_.advance(milliseconds(1));
  EXPECT_TRUE(watch.check());
  EXPECT_TRUE(watch.check());
  EXPECT_EQ(said(), "paygen: warning: still no broker at pi5:9092 (timed out), after 10 s\n");
  clock_.advance(seconds(10));
  EXPECT_TRUE(watch.check());
  EXPECT_EQ(said(), "paygen: warning: still no broker at pi5:9092 (timed out), after 20 s\n");
}

TEST_F(BrokerWatchTest, TheReasonOfAConnectionSaysMoreThanThatAllAreDown) {
  BrokerWatch& watch = this->watch(seconds(20));
  watch.reason("connection refused");
  EXPECT_EQ(said(), "");  // one of several
  watch.unreachable("1/1 brokers are down");
  EXPECT_EQ(said(),
            "paygen: warning: no broker at pi5:9092 answers (connection refused): waiting\n");
  watch.reason("no route to host");
  watch.unreachable("timed out");
  clock_.advance(seconds(10));
  EXPECT_TRUE(watch.check());
  EXPECT_EQ(said(),
            "paygen: warning: still no broker at pi5:9092 (no route to host), after 10 s\n");
  clock_.advance(seconds(10));
  const base::Result<void> failed = watch.check();
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("(no route to host)"), std::string::npos);
  watch.reachable();
  (void)said();
  watch.unreachable("timed out");  // the reason was of another time
  EXPECT_EQ(said(), "paygen: warning: no broker at pi5:9092 answers (timed out): waiting\n");
}

TEST_F(BrokerWatchTest, WhereWaitingIsOfNoUseItFailsWithoutAWordOfWaiting) {
  BrokerWatch& watch = this->watch();
  watch.give_up_at_start({"too many open files"});
  watch.give_up({"no thread"});
  watch.unreachable("all are down");
  EXPECT_EQ(said(), "");
  const base::Result<void> failed = watch.check();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "too many open files");
}

TEST_F(BrokerWatchTest, OnceABrokerHasAnsweredOnlyAThreadIsMissedForEver) {
  BrokerWatch& watch = this->watch();
  watch.reachable();
  watch.give_up_at_start({"too many open files"});
  EXPECT_TRUE(watch.check());
  watch.give_up({"no thread"});
  EXPECT_FALSE(watch.check());
}

TEST_F(BrokerWatchTest, SaysWhenTheyAreBackAndBeginsAnew) {
  BrokerWatch& watch = this->watch(seconds(30));
  watch.reachable();
  EXPECT_EQ(said(), "");
  watch.unreachable("refused");
  clock_.advance(seconds(29));
  (void)said();
  watch.reachable();
  watch.reachable();
  EXPECT_EQ(said(), "paygen: warning: the brokers at pi5:9092 answer again, after 29 s\n");
  EXPECT_FALSE(watch.away());
  clock_.advance(seconds(29));
  EXPECT_TRUE(watch.check());
  watch.unreachable("refused");
  EXPECT_NE(said(), "");
  clock_.advance(seconds(29));
  EXPECT_TRUE(watch.check());
}

TEST_F(BrokerWatchTest, FailsOnceTheyHaveBeenAwayForTheTimeout) {
  BrokerWatch& watch = this->watch(seconds(2));
  clock_.advance(seconds(60));
  EXPECT_TRUE(watch.check());  // nobody has missed them
  watch.unreachable("refused");
  clock_.advance(milliseconds(1'999));
  EXPECT_TRUE(watch.check());
  clock_.advance(milliseconds(1));
  const base::Result<void> failed = watch.check();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message,
            "no broker at pi5:9092 answered within 2000 ms (refused); see --broker-timeout");
  EXPECT_EQ(failed.error().kind, base::ErrorKind::kFailed);
}

}  // namespace
}  // namespace paystats::kafka
