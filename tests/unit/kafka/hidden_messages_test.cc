#include "kafka/hidden_messages.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "base/fd.h"

namespace paystats::kafka {
namespace {

using std::chrono::seconds;
using Position = GroupConsumer::Position;

class HiddenMessagesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    said_ = base::UniqueFd(ends[0]);
    to_ = base::UniqueFd(ends[1]);
  }

  // Looks each second of so many.
  void look(const std::vector<Position>& positions, int times = 1) {
    for (int i = 0; i < times; ++i) {
      now_ += seconds(1);
      hidden().look(positions, now_);
    }
  }
  HiddenMessages& hidden() {
    if (!hidden_) {
      diagnostics_.emplace("test", base::Verbosity::kNormal, to_.get());
      hidden_.emplace("payments", "--bootstrap-server host:9092", *diagnostics_);
    }
    return *hidden_;
  }
  // All that has been said.
  std::string said() {
    hidden();
    to_.reset();
    std::string all;
    char bytes[4096];
    for (ssize_t got = 0; (got = ::read(said_.get(), bytes, sizeof(bytes))) > 0;) {
      all.append(bytes, static_cast<size_t>(got));
    }
    return all;
  }

  base::Instant now_{};

 private:
  base::UniqueFd said_;
  base::UniqueFd to_;
  std::optional<base::Diagnostics> diagnostics_;
  std::optional<HiddenMessages> hidden_;
};

Position hides(int32_t partition, int64_t next, int64_t high) {
  return {.partition = partition, .next = next, .high = high, .at_end = true};
}
Position reads(int32_t partition, int64_t next, int64_t high) {
  return {.partition = partition, .next = next, .high = high, .at_end = next == high};
}

TEST_F(HiddenMessagesTest, AreThoseBehindAnEndThatIsNotThatOfThePartition) {
  look({reads(0, 5, 100), reads(1, 7, 7)});
  EXPECT_EQ(hidden().messages(), 0U) << "a backlog is not hidden";
  look({hides(0, 90, 100), reads(1, 7, 7), hides(2, 0, 3)});
  EXPECT_EQ(hidden().messages(), 13U);
  EXPECT_EQ(hidden().age(), seconds(0));
  look({hides(0, 95, 100), reads(1, 7, 7), hides(2, 0, 4)}, 3);
  EXPECT_EQ(hidden().messages(), 9U);
  EXPECT_EQ(hidden().age(), seconds(3)) << "of the older one: before 95 there was another";
  look({reads(0, 100, 100), reads(1, 7, 7), reads(2, 4, 4)});
  EXPECT_EQ(hidden().messages(), 0U);
  EXPECT_EQ(hidden().age(), seconds(0));
  EXPECT_EQ(said(), "");
}

TEST_F(HiddenMessagesTest, ForLongAreToldOnceAndTheirEndToo) {
  look({reads(2, 4, 4), hides(3, 10, 20)}, 60);
  look({reads(2, 4, 4), hides(3, 10, 3040)}, 40);
  EXPECT_EQ(hidden().age(), seconds(99));
  look({reads(2, 4, 4), reads(3, 10, 3040)});
  look({reads(2, 4, 4), reads(3, 3040, 3040)});
  EXPECT_EQ(said(),
            "test: warning: kafka:payments: partition 3: an open transaction hides 3030 "
            "messages for 60 s; kafka-transactions.sh --bootstrap-server host:9092 "
            "describe-producers --topic payments --partition 3 tells whose it is, and abort ends "
            "one that hangs\n"
            "test: kafka:payments: partition 3: the transaction that hid messages for 100 s has "
            "ended\n");
}

TEST_F(HiddenMessagesTest, ByManyShortTransactionsAreNotTold) {
  for (int64_t next = 0; next < 200; ++next) look({hides(0, next, next + 5)});
  EXPECT_EQ(hidden().age(), seconds(0));
  EXPECT_EQ(said(), "");
}

// A job that could not look for a minute has not seen one transaction all the time.
TEST_F(HiddenMessagesTest, ForAsLongAsSomebodyHasLooked) {
  look({hides(0, 10, 20)}, 30);
  now_ += seconds(70);
  look({hides(0, 10, 20)});
  EXPECT_EQ(hidden().age(), seconds(0));
  EXPECT_EQ(said(), "");
}

TEST_F(HiddenMessagesTest, OfPartitionsThatAreGivenBackAreForgotten) {
  look({hides(0, 10, 20)}, 59);
  look({});
  EXPECT_EQ(hidden().messages(), 0U);
  look({hides(0, 10, 20)}, 59);
  EXPECT_EQ(said(), "");
}

}  // namespace
}  // namespace paystats::kafka
