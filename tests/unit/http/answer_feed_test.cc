#include "http/answer_feed.h"

#include <new>

#include "unit/http/fake_cache.h"

namespace paystats::http {
namespace {

class AnswerFeedTest : public FedByFakeCache {
 protected:
  // Asks for one user, and counts the answers.
  void ask(const std::string& user) {
    on_loop([&] {
      feed_.ask(protocol::UserQuery{user},
                [this](const base::Result<api::PreparedAnswerPtr>& answer) {
                  (answer ? answered_ : failed_) += 1;
                });
    });
  }
  // Time for what is looked at now and then: two looks, the first of which may have begun already.
  bool deadlines_checked() {
    const uint64_t before = clock_.looks();
    return eventually([&] { return clock_.looks() >= before + 2; });
  }

  std::atomic<int> answered_ = 0;
  std::atomic<int> failed_ = 0;
};

TEST_F(AnswerFeedTest, ACacheThatAnswersOneSlowQuestionAfterTheOtherIsNotAway) {
  for (const char* user : {"a", "b", "c"}) {
    ask(user);
    ASSERT_TRUE(cache_.question());
  }
  for (int i = 1; i <= 3; ++i) {
    clock_.advance(3s);  // of the five that an answer may take
    ASSERT_TRUE(deadlines_checked());
    ASSERT_TRUE(connected()) << "before answer " << i;
    cache_.reply(1);
    ASSERT_TRUE(eventually([&] { return answered_ == i; }));
  }
  EXPECT_EQ(failed_, 0);
}

TEST_F(AnswerFeedTest, ACacheThatSaysNothingIsAway) {
  ask("a");
  ASSERT_TRUE(cache_.question());
  cache_.reply(1);
  ASSERT_TRUE(eventually([&] { return answered_ == 1; }));
  clock_.advance(10s);  // in which nobody asks
  ask("b");
  ASSERT_TRUE(cache_.question());
  ASSERT_TRUE(deadlines_checked());
  ASSERT_TRUE(connected());
  clock_.advance(5s);
  EXPECT_TRUE(eventually([&] { return failed_ == 1; }));
  EXPECT_TRUE(cache_.left());
}

TEST_F(AnswerFeedTest, OfLargePagesOneIsOnItsWayAtATime) {
  const auto ask_page = [&](uint32_t limit) {
    const protocol::PageQuery page{.limit = limit};
    on_loop([&] {
      feed_.ask(page, [this](const auto& answer) { (answer ? answered_ : failed_) += 1; });
    });
    return protocol::request_line(page);
  };
  const std::string first = ask_page(1000);
  const std::string second = ask_page(999);
  const std::string small = ask_page(50);
  EXPECT_EQ(cache_.question().value_or("nothing") + "\n", first);
  EXPECT_EQ(cache_.question().value_or("nothing") + "\n", small);
  cache_.reply(1);
  EXPECT_EQ(cache_.question().value_or("nothing") + "\n", second);
  cache_.reply(1);
  cache_.reply(1);
  EXPECT_TRUE(eventually([&] { return answered_ == 3; }));
  EXPECT_EQ(failed_, 0);
}

TEST_F(AnswerFeedTest, QuestionsThatWaitAreBounded) {
  // In escapes each is 6 KB.
  for (int i = 0; i < 1000; ++i) ask(std::string(1000, '\1') + std::to_string(i));
  EXPECT_GT(failed_, 500);
  EXPECT_EQ(answered_, 0);
}

}  // namespace
}  // namespace paystats::http
