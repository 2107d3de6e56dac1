#include "keys/digest.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace paystats::keys {
namespace {

record::Batch batch(std::string_view user, std::string_view amount, uint64_t volume) {
  record::Batch made{.user = user, .amount_text = amount, .amount = {}, .volume = volume};
  EXPECT_EQ(money::parse_amount(amount, made.amount), money::AmountFlaw::kNone);
  return made;
}

Digest of(const std::vector<record::Batch>& batches) {
  return digest_of(record::Request{.batches = batches});
}

TEST(PaymentsDigest, ANumberIsItsValue) {
  EXPECT_EQ(of({batch("edgar", "1.0", 7)}), of({batch("edgar", "1e0", 7)}));
  EXPECT_EQ(of({batch("edgar", "100", 1)}), of({batch("edgar", "1.00e2", 1)}));
}

TEST(PaymentsDigest, UserAmountVolumeAndOrderCount) {
  const Digest first = of({batch("edgar", "1.0", 7), batch("ann", "2", 1)});
  EXPECT_NE(first, of({batch("edgar", "1.0", 8), batch("ann", "2", 1)}));
  EXPECT_NE(first, of({batch("edgar", "1.1", 7), batch("ann", "2", 1)}));
  EXPECT_NE(first, of({batch("edgas", "1.0", 7), batch("ann", "2", 1)}));
  EXPECT_NE(first, of({batch("ann", "2", 1), batch("edgar", "1.0", 7)}));
  EXPECT_NE(first, of({batch("edgar", "1.0", 7)}));
  EXPECT_NE(of({batch("edgar", "1", 1)}), of({batch("edgar", "-1", 1)}));
}

// Fields do not run into one another.
TEST(PaymentsDigest, SevenOnceAreNotSevenTimesOne) {
  EXPECT_NE(of({batch("a", "7", 1)}), of({batch("a", "1", 7)}));
  EXPECT_NE(of({batch("a", "1", 2)}), of({batch("a", "1", 1), batch("a", "1", 1)}));
}

}  // namespace
}  // namespace paystats::keys
