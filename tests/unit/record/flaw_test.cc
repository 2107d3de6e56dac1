#include "record/flaw.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace paystats::record {
namespace {

TEST(Describe, NamesTheFieldAndWhatIsWrongWithIt) {
  EXPECT_EQ(describe(Flaw::kAmountNotANumber, {}), "paymentAmt: not a decimal number");
  EXPECT_EQ(describe(Flaw::kUserMissing, {}), "user: missing");
  EXPECT_EQ(describe(Flaw::kVolumeNotAPositiveInteger, {.volume = "n"}),
            "n: not a positive integer");
  EXPECT_EQ(describe(Flaw::kNotJson, {}), "not valid JSON");
}

TEST(Describe, CallsTheFieldsAsTheyAreCalledHere) {
  const FieldNames names{"customer", "total"};
  EXPECT_EQ(describe(Flaw::kUserEmpty, names), "customer: empty");
  EXPECT_EQ(describe(Flaw::kAmountTooFine, names), "total: more than 9 digits after the point");
}

TEST(Describe, HasWordsOfItsOwnForEachFlawInTheHouseForm) {
  std::set<std::string> seen;
  for (int i = 0; i <= static_cast<int>(Flaw::kCountOverflow); ++i) {
    const std::string words = describe(static_cast<Flaw>(i), {});
    EXPECT_FALSE(words.empty()) << i;
    EXPECT_TRUE(seen.insert(words).second) << words;
    EXPECT_NE(words.back(), '.') << words;
  }
}

}  // namespace
}  // namespace paystats::record
