#include "requests/answer_book.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace paystats::requests {
namespace {

using Kind = io::KeyedOutcome::Kind;

class AnswerBookTest : public ::testing::Test {
 protected:
  void use(const keys::KeyLimits& limits) {
    book_ = std::make_unique<AnswerBook>(limits, clock_);
    book_->set_on_outcomes([this](const std::vector<io::KeyedOutcome>& outcomes) {
      for (const io::KeyedOutcome& outcome : outcomes) told_[outcome.id] = outcome;
    });
  }
  void SetUp() override { use({}); }

  static Answer paid(std::string key, uint64_t digest, uint64_t count = 1) {
    return {.key = std::move(key), .count = count, .digest = digest};
  }
  void learn(const Answer& answer) { book_->learn({&answer, 1}); }

  base::ManualClock clock_;
  std::unique_ptr<AnswerBook> book_;
  std::map<uint64_t, io::KeyedOutcome> told_;
};

TEST_F(AnswerBookTest, ARequestIsToldOnceItsAnswerIsKnown) {
  EXPECT_FALSE(book_->await(1, "k", 10, 7, ""));
  learn(paid("other", 10));
  EXPECT_TRUE(told_.empty());
  learn(paid("k", 10, 7));
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[1].kind, Kind::kPaid);
  EXPECT_EQ(told_[1].count, 7u);
}

TEST_F(AnswerBookTest, ALaterRequestIsAnsweredAsTheFirst) {
  learn(paid("k", 10, 7));
  const auto same = book_->await(1, "k", 10, 7, "");
  ASSERT_TRUE(same);
  EXPECT_EQ(same->kind, Kind::kRepeated);
  EXPECT_EQ(same->count, 7u);
  const auto other = book_->await(2, "k", 11, 7, "");
  ASSERT_TRUE(other);
  EXPECT_EQ(other->kind, Kind::kReused);
}

TEST_F(AnswerBookTest, OfSeveralThatWaitOneHasPaid) {
  for (uint64_t id = 1; id <= 3; ++id) EXPECT_FALSE(book_->await(id, "k", 10, 1, ""));
  EXPECT_FALSE(book_->await(4, "k", 99, 1, ""));
  learn(paid("k", 10));
  EXPECT_EQ(told_[1].kind, Kind::kPaid);
  EXPECT_EQ(told_[2].kind, Kind::kRepeated);
  EXPECT_EQ(told_[3].kind, Kind::kRepeated);
  EXPECT_EQ(told_[4].kind, Kind::kReused);
}

TEST_F(AnswerBookTest, TheFirstAnswerOfAKeyCounts) {
  learn(paid("k", 10, 7));
  learn(paid("k", 11, 3));
  EXPECT_EQ(book_->find("k")->digest, 10u);
  EXPECT_EQ(book_->figures(1).keys, 1u);
}

TEST_F(AnswerBookTest, AQuestionIsAnsweredByItsOwnAnswerAlone) {
  EXPECT_FALSE(book_->await_question(1, "k", "a-1"));
  learn({.key = "k", .name = "a-0"});  // asked earlier: a request may have come since
  EXPECT_TRUE(told_.empty());
  learn({.key = "k", .name = "a-1"});
  EXPECT_EQ(told_[1].kind, Kind::kKeyUnknown);
  EXPECT_FALSE(book_->await_question(2, "k", "a-2"));
  learn(paid("k", 10, 7));
  EXPECT_EQ(told_[2].kind, Kind::kRepeated);
  EXPECT_EQ(told_[2].count, 7u);
  EXPECT_EQ(book_->await_question(3, "k", "a-3")->count, 7u);
}

TEST_F(AnswerBookTest, NoKeyIsForgottenEarlyAndNoneIsTakenThatCouldBe) {
  use({.keys_max = 2, .memory = std::chrono::hours(1)});
  learn(paid("a", 1));
  EXPECT_FALSE(book_->await(1, "b", 1, 1, ""));
  EXPECT_EQ(book_->await(2, "c", 1, 1, "")->kind, Kind::kNoRoom);  // b takes the last room
  EXPECT_EQ(book_->await(3, "a", 1, 1, "")->kind, Kind::kRepeated);
  EXPECT_FALSE(book_->await_question(4, "d", "q"));  // takes none
  clock_.advance(std::chrono::hours(1));
  EXPECT_FALSE(book_->await(5, "c", 1, 1, ""));
}

TEST_F(AnswerBookTest, AnswersOfAStartAreKnownAndLeaveRoom) {
  use({.keys_max = 2});
  EXPECT_FALSE(book_->await(1, "b", 5, 1, ""));
  book_->learn_past({AnswerBook::entry_of(paid("a", 1)), AnswerBook::entry_of(paid("b", 5)),
                     AnswerBook::entry_of(paid("c", 1))});
  EXPECT_EQ(told_[1].kind, Kind::kPaid);
  EXPECT_EQ(book_->await(2, "a", 1, 1, "")->kind, Kind::kRepeated);
  EXPECT_FALSE(book_->await(3, "new", 1, 1, ""));
  book_->learn_past({AnswerBook::entry_of(paid("a", 9))});
  EXPECT_EQ(book_->find("a")->digest, 1u);
  EXPECT_EQ(book_->figures(1).keys, 3u);
  EXPECT_EQ(book_->figures(1).keys_young, 1u);  // b
  learn(paid("d", 1));
  EXPECT_EQ(book_->figures(1).keys_young, 2u);
}

// The answers of a start may be read up to one that was given since.
TEST_F(AnswerBookTest, ARequestThatWasPaidDuringTheStartKeepsItsRoom) {
  use({.keys_max = 2});
  EXPECT_FALSE(book_->await(1, "a", 1, 1, ""));
  EXPECT_FALSE(book_->await(2, "b", 1, 1, ""));
  EXPECT_FALSE(book_->await_question(3, "c", "q"));
  book_->learn_past({AnswerBook::entry_of(paid("a", 1)), AnswerBook::entry_of(paid("b", 1)),
                     AnswerBook::entry_of(paid("c", 1))});
  EXPECT_EQ(book_->figures(1).keys_young, 2u);
  EXPECT_EQ(book_->await(4, "d", 1, 1, "")->kind, Kind::kNoRoom);
}

TEST_F(AnswerBookTest, AKeyWithManyAnswersAtAStartIsOneKey) {
  use({.keys_max = 2});
  book_->learn_past({AnswerBook::entry_of(paid("a", 1)), AnswerBook::entry_of(paid("b", 5)),
                     AnswerBook::entry_of(paid("a", 1)), AnswerBook::entry_of(paid("b", 6))});
  EXPECT_EQ(book_->figures(1).keys, 2u);
  EXPECT_EQ(book_->find("a")->digest, 1u);
  EXPECT_EQ(book_->find("b")->digest, 6u);  // forgotten, and paid again
}

TEST_F(AnswerBookTest, ARefusalIsThatOfOneRequestAlone) {
  EXPECT_FALSE(book_->await(1, "k", 10, 1, "a-1"));
  EXPECT_FALSE(book_->await(2, "k", 10, 1, "a-2"));
  EXPECT_FALSE(book_->await_question(3, "k", "a-3"));
  learn({.key = "k", .error = "not a JSON object"});  // somebody else's
  learn({.key = "k", .name = "b-1", .error = "too large"});
  EXPECT_TRUE(told_.empty());
  learn({.key = "k", .name = "a-2", .error = "too large"});
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[2].kind, Kind::kRefused);
  learn(paid("k", 10));
  EXPECT_EQ(told_[1].kind, Kind::kPaid);
  EXPECT_EQ(told_[3].kind, Kind::kRepeated);
}

TEST_F(AnswerBookTest, WhatFailsIsToldAndAwaitedNoMore) {
  EXPECT_FALSE(book_->await(1, "k", 10, 1, ""));
  book_->fail(1, Kind::kNotTaken);
  EXPECT_EQ(told_[1].kind, Kind::kNotTaken);
  learn(paid("k", 10));
  EXPECT_EQ(told_[1].kind, Kind::kNotTaken);
  book_->fail(7, Kind::kNotTaken);
  EXPECT_EQ(told_.size(), 1u);
}

TEST_F(AnswerBookTest, WhatIsDroppedIsToldNothing) {
  EXPECT_FALSE(book_->await(1, "k", 10, 1, ""));
  book_->drop(1);
  learn(paid("k", 10));
  EXPECT_TRUE(told_.empty());
}

TEST_F(AnswerBookTest, WhatWaitsTooLongIsUncertain) {
  EXPECT_FALSE(book_->await(1, "k", 10, 1, ""));
  clock_.advance(std::chrono::seconds(5));
  EXPECT_FALSE(book_->await(2, "l", 10, 1, ""));
  book_->expire(std::chrono::seconds(5));
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[1].kind, Kind::kUncertain);
}

TEST_F(AnswerBookTest, SoManyWaitAndNoMore) {
  for (uint64_t id = 0; id < AnswerBook::kWaitingMax; ++id) {
    ASSERT_FALSE(book_->await(id, std::to_string(id), 1, 1, ""));
  }
  EXPECT_EQ(book_->await(AnswerBook::kWaitingMax, "more", 1, 1, "")->kind, Kind::kNotTaken);
  learn(paid("17", 1));
  EXPECT_FALSE(book_->await(AnswerBook::kWaitingMax, "more", 1, 1, ""));
}

// Against a model: a map of what each key's first answer was.
TEST_F(AnswerBookTest, TellsWhatAMapTells) {
  std::mt19937_64 random(3);
  std::map<std::string, Answer> model;
  std::map<uint64_t, std::pair<std::string, uint64_t>> waiting;
  for (uint64_t id = 1; id <= 20'000; ++id) {
    const std::string key = "k" + std::to_string(random() % 500);
    const uint64_t digest = random() % 2;
    if (random() % 2 == 0) {
      const auto now = book_->await(id, key, digest, 1, "");
      const auto first = model.find(key);
      ASSERT_EQ(now.has_value(), first != model.end());
      if (now) {
        EXPECT_EQ(now->kind, first->second.digest == digest ? Kind::kRepeated : Kind::kReused);
      } else {
        waiting[id] = {key, digest};
      }
    } else if (random() % 50 == 0) {
      const Answer answer = paid(key, digest, 1 + random() % 9);
      const Answer& first = model.try_emplace(key, answer).first->second;
      learn(answer);
      for (auto it = waiting.begin(); it != waiting.end();) {
        if (it->second.first != key) {
          EXPECT_EQ(told_.count(it->first), 0u);
          ++it;
          continue;
        }
        ASSERT_EQ(told_.count(it->first), 1u);
        EXPECT_EQ(told_[it->first].kind == Kind::kReused, it->second.second != first.digest);
        it = waiting.erase(it);
      }
    }
  }
  EXPECT_GT(model.size(), 100u);
}

}  // namespace
}  // namespace paystats::requests
