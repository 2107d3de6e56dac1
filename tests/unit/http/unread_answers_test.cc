#include "http/unread_answers.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace paystats::http {
namespace {

api::SharedBytes body_of(size_t bytes) {
  return std::make_shared<const std::string>(bytes, 'x');
}

class Reader final : public Holder {
 public:
  Reader(UnreadAnswers& unread, std::vector<api::SharedBytes> bodies, size_t own_bytes) {
    hold = unread.hold(*this, std::move(bodies), own_bytes);
  }
  void give_way() override {
    gone = true;
    hold.end();
  }

  bool gone = false;
  UnreadAnswers::Hold hold;
};

class UnreadAnswersTest : public ::testing::Test {
 protected:
  Reader& reader(std::vector<api::SharedBytes> bodies, size_t own_bytes = 0) {
    readers_.push_back(std::make_unique<Reader>(unread_, std::move(bodies), own_bytes));
    return *readers_.back();
  }

  UnreadAnswers unread_{1000};
  std::vector<std::unique_ptr<Reader>> readers_;
};

TEST_F(UnreadAnswersTest, CountsASharedBodyOnce) {
  const api::SharedBytes shared = body_of(600);
  for (int i = 0; i < 50; ++i) reader({shared, nullptr}, 2);
  EXPECT_EQ(unread_.bytes(), 700u);
  for (const auto& one : readers_) EXPECT_FALSE(one->gone);
  readers_.clear();
  EXPECT_EQ(unread_.bytes(), 0u);
  EXPECT_EQ(unread_.clients(), 0u);
}

TEST_F(UnreadAnswersTest, WhoHasTakenNothingForLongestGivesWay) {
  Reader& first = reader({body_of(400)});
  Reader& second = reader({body_of(400)});
  first.hold.progressed();
  Reader& third = reader({body_of(400)});
  EXPECT_TRUE(second.gone);
  EXPECT_FALSE(first.gone);
  EXPECT_FALSE(third.gone);
  EXPECT_EQ(unread_.bytes(), 800u);
}

TEST_F(UnreadAnswersTest, OneBodyHasRoomHoweverManyReadIt) {
  const api::SharedBytes large = body_of(5000);
  Reader& first = reader({large});
  Reader& second = reader({large});
  EXPECT_FALSE(first.gone);
  EXPECT_FALSE(second.gone);
  reader({body_of(5000)});
  EXPECT_TRUE(first.gone);
  EXPECT_TRUE(second.gone);
  EXPECT_EQ(unread_.clients(), 1u);
}

TEST_F(UnreadAnswersTest, WhatEachHasOfItsOwnIsBoundedToo) {
  for (int i = 0; i < 50; ++i) reader({}, 100);
  EXPECT_LE(unread_.bytes(), 1000u);
  EXPECT_EQ(unread_.clients(), 10u);
}

TEST_F(UnreadAnswersTest, ANewerBodyTakesThePlaceOfTheOneBefore) {
  Reader& one = reader({body_of(300), nullptr});
  const api::SharedBytes newer = body_of(200);
  one.hold.replace(nullptr, newer);
  EXPECT_EQ(unread_.bytes(), 500u);
  one.hold.replace(newer, body_of(100));
  EXPECT_EQ(unread_.bytes(), 400u);
  // It may itself be the one that has taken nothing for longest.
  reader({body_of(500)});
  one.hold.replace(nullptr, body_of(300));
  EXPECT_TRUE(one.gone);
}

TEST_F(UnreadAnswersTest, AnAnswerThatComesCountsBeforeAnybodyIsBlockedForIt) {
  Reader& first = reader({body_of(400)});
  Reader& second = reader({body_of(400)});
  unread_.coming(150);
  EXPECT_FALSE(first.gone);
  unread_.coming(300);
  EXPECT_TRUE(first.gone);
  EXPECT_FALSE(second.gone);
  unread_.coming(0);
  reader({body_of(500)});
  EXPECT_FALSE(second.gone);
}

TEST_F(UnreadAnswersTest, OneBodyAloneMayBeLargeUntilAnotherComes) {
  const Reader& large = reader({body_of(5000)});
  EXPECT_FALSE(large.gone);
  unread_.coming(100);
  EXPECT_TRUE(large.gone);
  EXPECT_EQ(unread_.bytes(), 0u);
}

}  // namespace
}  // namespace paystats::http
