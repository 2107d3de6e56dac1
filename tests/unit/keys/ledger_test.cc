#include "keys/ledger.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace paystats::keys {
namespace {

using Kind = KeyAnswer::Kind;
constexpr base::Instant kNow{};

class LedgerTest : public ::testing::Test {
 protected:
  LedgerTest() {
    batch_.user = "edgar";
    batch_.amount_text = "1";
    batch_.amount = money::Decimal::from_nanos(1'000'000'000);
  }
  record::Request request(std::string_view key, uint64_t volume = 1) {
    batch_.volume = volume;
    return {.batches = {&batch_, 1}, .idempotency_key = key};
  }
  KeyAnswer judge(std::string_view key, uint64_t volume = 1) {
    const base::Result<KeyAnswer> answer = ledger_.judge(request(key, volume), kNow);
    EXPECT_TRUE(answer);
    return answer ? *answer : KeyAnswer();
  }
  void write(std::string_view key, uint64_t place, uint64_t volume = 1) {
    const record::Request is = request(key, volume);
    lies_[place] = keyed_request(is);
    ledger_.bind(key, lies_[place], place);
  }

  record::Batch batch_;
  std::map<uint64_t, KeyedRequest> lies_;
  Ledger ledger_{{.keys_max = 8},
                 [this](uint64_t place) -> base::Result<std::optional<KeyedRequest>> {
                   if (place == 666) return base::fail("disk: input/output error");
                   const auto found = lies_.find(place);
                   if (found == lies_.end()) return std::optional<KeyedRequest>();
                   return std::optional(found->second);
                 }};
};

TEST_F(LedgerTest, TheFirstRequestOfAKeyIsTheOneThatCounts) {
  EXPECT_EQ(judge("k").kind, Kind::kNew);
  write("k", 10, 3);
  ledger_.confirm(kNow);
  const KeyAnswer again = judge("k", 3);
  EXPECT_EQ(again.kind, Kind::kPaid);
  EXPECT_EQ(again.count, 3u);
  EXPECT_FALSE(again.under_way);
  const KeyAnswer other = judge("k", 4);
  EXPECT_EQ(other.kind, Kind::kReused);
  EXPECT_EQ(other.place, 10u);
  EXPECT_EQ(judge("l").kind, Kind::kNew);
}

TEST_F(LedgerTest, WhatIsBoundIsPaidOnceItIsConfirmed) {
  write("k", 10);
  EXPECT_TRUE(judge("k").under_way);
  EXPECT_EQ(judge("k", 2).kind, Kind::kReused);
  ledger_.drop();
  EXPECT_EQ(judge("k").kind, Kind::kNew);
}

TEST_F(LedgerTest, ALineThatIsGoneOrAnotherKeysBindsNothing) {
  ledger_.learn("k", 10, kNow);
  EXPECT_EQ(judge("k").kind, Kind::kNew);  // nothing that counts lies there
  lies_[10] = {.key = digest_of("other"), .payments = {}, .count = 1};
  EXPECT_EQ(judge("k").kind, Kind::kNew);
  ledger_.learn("k", 20, kNow);  // the first of two may be a reject
  lies_[20] = {.key = digest_of("k"), .payments = digest_of(request("k")), .count = 1};
  EXPECT_EQ(judge("k").kind, Kind::kPaid);
}

TEST_F(LedgerTest, APlaceThatCannotBeReadIsAnErrorAndNoAnswer) {
  ledger_.learn("k", 666, kNow);
  EXPECT_FALSE(ledger_.judge(request("k"), kNow));
  EXPECT_FALSE(ledger_.find("k"));
}

TEST_F(LedgerTest, WithoutRoomNoNewKeyIsTaken) {
  for (uint64_t i = 0; i < 8; ++i) write(std::to_string(i), i);
  EXPECT_EQ(judge("k").kind, Kind::kNoRoom);
  ledger_.confirm(kNow);
  EXPECT_EQ(judge("k").kind, Kind::kNoRoom);
  EXPECT_EQ(judge("3").kind, Kind::kPaid);
  ASSERT_TRUE(ledger_.find("k"));
  EXPECT_EQ(ledger_.find("k")->kind, Kind::kNew);
}

}  // namespace
}  // namespace paystats::keys
