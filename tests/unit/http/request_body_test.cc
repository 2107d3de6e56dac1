#include "http/request_body.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace paystats::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr size_t kBudget = 100'000;
constexpr size_t kPiece = 4096;

class Sender final : public Holder {
 public:
  explicit Sender(BodyBudget& budget) : body(budget, *this) {}
  void give_way() override {
    gone = true;
    body.clear();
  }
  // How many bytes there is room for, in pieces.
  size_t send(size_t bytes, base::Instant now) {
    size_t sent = 0;
    for (; sent < bytes && body.append(std::string(std::min(kPiece, bytes - sent), 'x'), now);) {
      sent = body.size();
    }
    return sent;
  }

  bool gone = false;
  RequestBody body;
};

class RequestBodyTest : public ::testing::Test {
 protected:
  Sender& sender() { return *senders_.emplace_back(std::make_unique<Sender>(budget_)); }

  BodyBudget budget_{kBudget, seconds(1)};
  std::vector<std::unique_ptr<Sender>> senders_;
  const base::Instant now_ = base::Instant() + std::chrono::hours(1);
};

TEST_F(RequestBodyTest, HoldsWhatHasComeAndNoMoreThanWillCome) {
  Sender& one = sender();
  one.body.expect(50'000);
  EXPECT_TRUE(one.body.append("[1,", now_));
  EXPECT_EQ(budget_.bytes(), 0u) << "memory for what was only announced";
  one.send(50'000, now_);
  EXPECT_EQ(one.body.size(), 50'000u);
  EXPECT_TRUE(one.body.bytes().starts_with("[1,xx"));
  EXPECT_LE(budget_.bytes(), 50'000u + 64);
  one.body.clear();
  EXPECT_EQ(budget_.bytes(), 0u);
}

TEST_F(RequestBodyTest, AllTogetherHaveTheirBudgetAndTheNewcomerIsRefused) {
  size_t whole = 0;
  for (int i = 0; i < 20; ++i) {
    Sender& one = sender();
    one.body.expect(20'000);
    whole += one.send(20'000, now_) == 20'000 ? 1 : 0;
    EXPECT_LE(budget_.bytes(), kBudget);
  }
  EXPECT_GE(whole, 5u);
  EXPECT_LT(whole, 20u);
  for (const auto& one : senders_) EXPECT_FALSE(one->gone);
}

TEST_F(RequestBodyTest, ASmallOneAlwaysHasRoom) {
  Sender& large = sender();
  large.send(kBudget, now_);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(sender().send(RequestBody::kFreeBytes, now_), RequestBody::kFreeBytes);
  }
  EXPECT_FALSE(large.gone);
}

TEST_F(RequestBodyTest, OneThatWillBeLargeCountsFromItsFirstByte) {
  size_t begun = 0;
  for (int i = 0; i < 50; ++i) {
    Sender& one = sender();
    one.body.expect_large(20'000);
    begun += one.send(100, now_) == 100 ? 1 : 0;
  }
  EXPECT_EQ(begun, kBudget / RequestBody::kFreeBytes);
  EXPECT_LE(budget_.bytes(), kBudget);
}

TEST_F(RequestBodyTest, OneAloneAlwaysHasRoom) {
  EXPECT_EQ(sender().send(10 * kBudget, now_), 10 * kBudget);
}

TEST_F(RequestBodyTest, WhoHasBeenQuietForLongestGivesWay) {
  Sender& first = sender();
  Sender& second = sender();
  first.send(60'000, now_);
  second.send(20'000, now_ + milliseconds(1));
  Sender& early = sender();
  early.send(60'000, now_ + milliseconds(900));
  EXPECT_FALSE(first.gone);
  early.body.clear();
  Sender& late = sender();
  EXPECT_EQ(late.send(60'000, now_ + milliseconds(1100)), 60'000u);
  EXPECT_TRUE(first.gone);
  EXPECT_FALSE(second.gone);
}

TEST_F(RequestBodyTest, AByteNowAndThenIsNoProgress) {
  Sender& dripping = sender();
  Sender& steady = sender();
  dripping.send(40'000, now_);
  steady.send(20'000, now_ + milliseconds(1));
  for (int i = 1; i < 10; ++i) {
    dripping.body.append("x", now_ + milliseconds(200 * i));
    steady.body.append(std::string(RequestBody::kStepBytes, 'x'), now_ + milliseconds(200 * i));
  }
  sender().send(60'000, now_ + milliseconds(2000));
  EXPECT_TRUE(dripping.gone);
  EXPECT_FALSE(steady.gone);
}

}  // namespace
}  // namespace paystats::http
