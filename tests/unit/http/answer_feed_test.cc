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

  // Until nothing is looked at now and then any more.
  bool left_alone() {
    on_loop([&] { feed_.attend(false); });
    return eventually([&] {
      const uint64_t before = clock_.looks();
      std::this_thread::sleep_for(500ms);  // two looks
      return clock_.looks() == before;
    });
  }
  bool in_doubt() {
    bool doubt = false;
    on_loop([&] { doubt = feed_.in_doubt(); });
    return doubt;
  }
  // A client has come, and waits for the cache's word.
  void come_and_wait() {
    on_loop([&] {
      feed_.attend(true);
      ASSERT_TRUE(feed_.in_doubt());
      feed_.await_word([this] { word_ = feed_.connected() ? "there" : "away"; });
    });
  }
  std::string word() {
    std::string word;
    on_loop([&] { word = word_; });
    return word;
  }

  std::atomic<int> answered_ = 0;
  std::atomic<int> failed_ = 0;
  std::string word_;  // of the loop's thread
};

TEST_F(AnswerFeedTest, ACacheThatAnswersOneSlowQuestionAfterTheOtherIsNotAway) {
  for (const char* user : {"a", "b", "c"}) {
    ask(user);
    ASSERT_TRUE(cache_.question());
  }
  for (int i = 1; i <= 3; ++i) {
    clock_.advance(3s);  // of the five that an answer may take
    ASSERT_TRUE(cache_.asked_for_watch());
    cache_.announce(1);
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
  ASSERT_TRUE(cache_.asked_for_watch());
  cache_.announce(1);
  ask("b");
  ASSERT_TRUE(cache_.question());
  ASSERT_TRUE(deadlines_checked());
  ASSERT_TRUE(connected());
  clock_.advance(5s);
  ASSERT_TRUE(cache_.asked_for_watch());
  cache_.announce(1);
  EXPECT_TRUE(eventually([&] { return failed_ == 1; })) << "the question is not answered";
  EXPECT_TRUE(cache_.left());
}

// It neither answers nor ends a connection: a SIGSTOP, a memory that swaps.
TEST_F(AnswerFeedTest, ACacheThatIsFrozenWhileNobodyAsksIsAwayWithinThreeSeconds) {
  clock_.advance(500ms);
  ASSERT_TRUE(cache_.asked_for_watch());
  clock_.advance(1700ms);  // one that is merely busy has time to answer
  ASSERT_TRUE(deadlines_checked());
  EXPECT_TRUE(connected());
  clock_.advance(100ms);  // and three checks, of 200 ms each
  EXPECT_TRUE(eventually([&] { return !connected(); }));
  EXPECT_TRUE(cache_.left());
}

TEST_F(AnswerFeedTest, AWatchThatIsAskedForAgainIsNoNews) {
  const int before = changes_;
  for (int i = 0; i < 3; ++i) {
    clock_.advance(1s);
    ASSERT_TRUE(cache_.asked_for_watch());
    cache_.announce(1);
    ASSERT_TRUE(deadlines_checked());
  }
  cache_.announce(2);
  EXPECT_TRUE(eventually([&] { return version() == 2; }));
  EXPECT_EQ(changes_, before + 1);
  EXPECT_TRUE(connected());
}

// What has come meanwhile has not been read yet.
TEST_F(AnswerFeedTest, AServerThatWasStoppedItselfTakesNoCacheForFrozen) {
  clock_.advance(1s);
  ASSERT_TRUE(cache_.asked_for_watch());
  on_loop([&] {
    clock_.advance(60s);
    cache_.announce(1);
    // Longer than a check is due.
    const auto end = std::chrono::steady_clock::now() + 500ms;
    while (std::chrono::steady_clock::now() < end) std::this_thread::yield();
  });
  ASSERT_TRUE(deadlines_checked());
  EXPECT_TRUE(connected());
}

TEST_F(AnswerFeedTest, WhereThereIsNoClientNothingIsLookedAtAndNewsComeAllTheSame) {
  ASSERT_TRUE(left_alone());
  clock_.advance(60s);
  ASSERT_TRUE(left_alone());
  EXPECT_TRUE(connected());
  cache_.announce(2);
  ASSERT_TRUE(eventually([&] { return version() == 2; }));
  on_loop([&] { feed_.attend(true); });
  EXPECT_FALSE(in_doubt()) << "it has just spoken";
}

TEST_F(AnswerFeedTest, ACacheThatWasFrozenWhileThereWasNoClientIsAwayForTheFirstThatComes) {
  ASSERT_TRUE(left_alone());
  clock_.advance(60s);
  come_and_wait();
  ASSERT_TRUE(cache_.asked_for_watch());
  clock_.advance(1700ms);
  ASSERT_TRUE(deadlines_checked());
  EXPECT_EQ(word(), "");
  clock_.advance(100ms);
  EXPECT_TRUE(eventually([&] { return word() == "away"; }));
  EXPECT_FALSE(in_doubt());
}

TEST_F(AnswerFeedTest, ACacheThatIsAskedWhetherItIsStillThereEndsTheDoubtByItsWord) {
  const protocol::UserQuery query{"a"};
  ask("a");
  ASSERT_TRUE(cache_.question());
  cache_.reply(1);
  ASSERT_TRUE(eventually([&] { return answered_ == 1; }));
  const auto prepared = [&] {
    bool is = false;
    on_loop([&] { is = feed_.prepared(query) != nullptr; });
    return is;
  };
  EXPECT_TRUE(prepared());
  ASSERT_TRUE(left_alone());
  clock_.advance(60s);
  come_and_wait();
  EXPECT_FALSE(prepared()) << "of a minute ago";
  EXPECT_EQ(word(), "");
  ASSERT_TRUE(cache_.asked_for_watch());
  cache_.announce(1);
  EXPECT_TRUE(eventually([&] { return word() == "there"; }));
  EXPECT_TRUE(prepared());
}

TEST_F(AnswerFeedTest, AQuestionWhoseClientHasLeftIsStillNotWaitedForBeyondItsTime) {
  ask("a");
  ASSERT_TRUE(cache_.question());
  on_loop([&] { feed_.attend(false); });
  clock_.advance(5s);
  EXPECT_TRUE(eventually([&] { return failed_ == 1; }));
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
