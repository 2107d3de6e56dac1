#include "gen/expected.h"

#include <gtest/gtest.h>

#include "unit/gen/doubles.h"

namespace paystats::gen {
namespace {

record::Batch batch(std::string_view user, int64_t units, uint64_t volume) {
  return {.user = user,
          .amount_text = "unused",
          .amount = money::Decimal::from_nanos(money::Int128{units} * 1'000'000'000),
          .volume = volume};
}

std::string written(const BatchTotals& totals) {
  std::string out;
  MemorySink sink(out);
  EXPECT_TRUE(write_expected(totals.stats(), sink));
  return out;
}

TEST(BatchTotals, CountWhatIsSettledAndNothingElse) {
  BatchTotals totals;
  ASSERT_TRUE(totals.add(batch("edgar", 2, 3)));
  EXPECT_EQ(written(totals), "<closed>");
  totals.settle();
  ASSERT_TRUE(totals.add(batch("edgar", 100, 1)));
  ASSERT_TRUE(totals.add(batch("anna", 1, 1)));
  EXPECT_EQ(written(totals), "{\"user\":\"edgar\",\"sum\":6.00,\"count\":3}\n<closed>");
  totals.settle();
  EXPECT_EQ(written(totals),
            "{\"user\":\"edgar\",\"sum\":106.00,\"count\":4}\n"
            "{\"user\":\"anna\",\"sum\":1.00,\"count\":1}\n<closed>");
}

TEST(BatchTotals, AreListedBySumDescendingThenByTheBytesOfTheName) {
  BatchTotals totals;
  for (const char* user : {"b", "a", "\xc3\xa9", "Z"}) ASSERT_TRUE(totals.add(batch(user, 1, 1)));
  ASSERT_TRUE(totals.add(batch("minus", -1, 1)));
  ASSERT_TRUE(totals.add(batch("top", 10, 1)));
  totals.settle();
  EXPECT_EQ(written(totals),
            "{\"user\":\"top\",\"sum\":10.00,\"count\":1}\n"
            "{\"user\":\"Z\",\"sum\":1.00,\"count\":1}\n"
            "{\"user\":\"a\",\"sum\":1.00,\"count\":1}\n"
            "{\"user\":\"b\",\"sum\":1.00,\"count\":1}\n"
            "{\"user\":\"\xc3\xa9\",\"sum\":1.00,\"count\":1}\n"
            "{\"user\":\"minus\",\"sum\":-1.00,\"count\":1}\n<closed>");
}

TEST(BatchTotals, AnOverflowIsSaid) {
  BatchTotals totals;
  ASSERT_TRUE(totals.add(batch("edgar", 1, UINT64_MAX)));
  EXPECT_FALSE(totals.add(batch("edgar", 1, 1))) << "the count";
  EXPECT_FALSE(totals.add(batch("anna", 999'999'999'999'999, UINT64_MAX))) << "the sum";
}

TEST(BatchTotals, ManyUsersAreWrittenInManyPieces) {
  BatchTotals totals;
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_TRUE(totals.add(batch("user" + std::to_string(i), 20'000 - i, 1)));
  }
  totals.settle();
  const std::string out = written(totals);
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 20'000);
  EXPECT_EQ(out.rfind("{\"user\":\"user19999\",\"sum\":1.00,\"count\":1}\n<closed>"),
            out.size() - 50);
}

}  // namespace
}  // namespace paystats::gen
