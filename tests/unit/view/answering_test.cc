#include "view/answering.h"

#include <gtest/gtest.h>

#include <string>

#include "unit/view/oracle.h"
#include "view/answer_cache.h"

namespace paystats::view {
namespace {

class AnsweringTest : public testing::Test {
 protected:
  AnsweringTest() {
    view_.apply(absolute("edgar", 700, 7));
    view_.apply(absolute("rosa", 900, 2));
    view_.apply(absolute("edna", 50, 1));
  }
  std::string ask(std::string_view line) {
    return *answer_now(view_, *protocol::parse_query(line));
  }

  View view_{options_for_tests()};
};

TEST_F(AnsweringTest, APageIsInOrder) {
  EXPECT_EQ(ask("{}"),
            R"({"instance":"0000000000c0ffee","version":3,"ready":false,"offset":0,"users":3,)"
            R"("sum":"16.50","count":10,"stats":[{"rank":1,"user":"rosa","sum":"9.00","count":2},)"
            R"({"rank":2,"user":"edgar","sum":"7.00","count":7},)"
            R"({"rank":3,"user":"edna","sum":"0.50","count":1}]})"
            "\n");
}

TEST_F(AnsweringTest, APageBeyondTheEndHasNoRowsAndStillTheTotals) {
  view_.set_ready();
  EXPECT_EQ(ask(R"({"offset":9})"),
            R"({"instance":"0000000000c0ffee","version":4,"ready":true,"offset":9,"users":3,)"
            R"("sum":"16.50","count":10,"stats":[]})"
            "\n");
}

TEST_F(AnsweringTest, APrefixKeepsTheRanksAmongAllAndCountsTheMatches) {
  EXPECT_EQ(ask(R"({"q":"ed","limit":1,"offset":1})"),
            R"({"instance":"0000000000c0ffee","version":3,"ready":false,"offset":1,"users":3,)"
            R"("sum":"16.50","count":10,"matches":2,)"
            R"("stats":[{"rank":3,"user":"edna","sum":"0.50","count":1}]})"
            "\n");
  EXPECT_NE(ask(R"({"q":"x"})").find(R"("matches":0,"stats":[])"), std::string::npos);
  EXPECT_EQ(ask(R"({"q":""})"), ask("{}"));
}

TEST_F(AnsweringTest, AUserComesWithHisPlace) {
  EXPECT_EQ(ask(R"({"user":"edgar"})"),
            R"({"instance":"0000000000c0ffee","version":3,"ready":false,"offset":1,"users":3,)"
            R"("sum":"16.50","count":10,)"
            R"("stats":[{"rank":2,"user":"edgar","sum":"7.00","count":7}]})"
            "\n");
  EXPECT_NE(ask(R"({"user":"nobody"})").find(R"("offset":0,"users":3,)"), std::string::npos);
  EXPECT_NE(ask(R"({"user":"nobody"})").find(R"("stats":[])"), std::string::npos);
}

TEST_F(AnsweringTest, ManyWatchersOfTheSameShareOneRendering) {
  const protocol::Answer first = answer_now(view_, protocol::PageQuery{.limit = 50, .watch = true});
  EXPECT_EQ(answer_now(view_, protocol::PageQuery{.limit = 50, .watch = true}), first);
  EXPECT_EQ(answer_now(view_, protocol::PageQuery{.limit = 50}), first);
  EXPECT_NE(answer_now(view_, protocol::PageQuery{.limit = 49, .watch = true}), first);
  EXPECT_NE(*answer_now(view_, protocol::UserQuery{"50:0:"}), *first);
  const protocol::Answer with_prefix = answer_now(view_, protocol::PageQuery{.prefix = "ed"});
  EXPECT_EQ(answer_now(view_, protocol::PageQuery{.prefix = "ed"}), with_prefix);
}

TEST_F(AnsweringTest, AfterAChangeTheAnswerIsNew) {
  const protocol::Answer first = answer_now(view_, protocol::PageQuery{});
  view_.apply(absolute("edna", 5'000, 2));
  const protocol::Answer second = answer_now(view_, protocol::PageQuery{});
  EXPECT_NE(*first, *second);
  view_.set_ready();
  EXPECT_NE(answer_now(view_, protocol::PageQuery{})->find(R"("ready":true)"), std::string::npos);
  EXPECT_NE(first->find(R"("version":3)"), std::string::npos);  // its holder still has the old one
}

TEST_F(AnsweringTest, ASearchInSlicesEndsWithTheAnswerOfOneStep) {
  for (int i = 0; i < 40'000; ++i)
    view_.apply(absolute("ed" + std::to_string(i), i * 7'919 % 100'003, 1));
  const protocol::PageQuery query{.limit = 20, .offset = 15'000, .prefix = "ed"};
  Answering answering(view_, query);
  int steps = 1;
  while (!answering.step(500)) ++steps;
  EXPECT_GT(steps, 10);
  EXPECT_EQ(answering.answer(), answer_now(view_, query));  // and it was kept for others
}

class ChangedSearchTest : public AnsweringTest {
 protected:
  ChangedSearchTest() {
    for (int i = 0; i < 40'000; ++i)
      view_.apply(absolute("ed" + std::to_string(i), i * 7'919 % 100'003, 1));
    begun_ = view_.envelope(0);
    begun_.matches = 40'002;
  }
  // The answer of a search that takes many steps, and after the first of them a user more.
  protocol::Answer search() {
    Answering answering(view_, query_);
    EXPECT_FALSE(answering.step(500));
    view_.apply(absolute("edgar2", 99'999'999, 9));
    while (!answering.step(500)) {
    }
    return answering.answer();
  }

  const protocol::PageQuery query_{.limit = 20, .offset = 15'000, .prefix = "ed"};
  protocol::Envelope begun_;  // before the search
};

TEST_F(ChangedSearchTest, IsNotKeptForOthers) {
  const protocol::Answer changed = search();
  EXPECT_NE(*changed, *answer_now(view_, query_));
}

TEST_F(ChangedSearchTest, SaysTheVersionAndTheTotalsThatItBeganWith) {
  const protocol::Envelope said = protocol::parse_answer(*search())->envelope;
  EXPECT_EQ(said.version, begun_.version);
  EXPECT_EQ(said.users, begun_.users);
  EXPECT_EQ(said.sum, begun_.sum);
  EXPECT_EQ(said.count, begun_.count);
  EXPECT_EQ(said.matches, begun_.matches);
  EXPECT_GT(view_.version(), said.version);
}

TEST(AnswerCache, ForgetsWhatIsOfAnotherVersion) {
  AnswerCache cache;
  const protocol::Answer answer = std::make_shared<const std::string>("x");
  cache.put(1, protocol::PageQuery{}, answer);
  EXPECT_EQ(cache.find(1, protocol::PageQuery{}), answer);
  EXPECT_EQ(cache.find(1, protocol::PageQuery{.offset = 1}), nullptr);
  EXPECT_EQ(cache.find(2, protocol::PageQuery{}), nullptr);
  EXPECT_EQ(cache.find(1, protocol::PageQuery{}), nullptr);
}

TEST(AnswerCache, HoldsNoMoreThanItsLimits) {
  AnswerCache cache;
  for (uint64_t offset = 0; offset <= AnswerCache::kAnswersMax; ++offset)
    cache.put(1, protocol::PageQuery{.offset = offset}, std::make_shared<const std::string>("x"));
  EXPECT_EQ(cache.find(1, protocol::PageQuery{.offset = 0}), nullptr);
  EXPECT_NE(cache.find(1, protocol::PageQuery{.offset = AnswerCache::kAnswersMax}), nullptr);

  const auto large = std::make_shared<const std::string>(AnswerCache::kBytesMax / 2, 'x');
  AnswerCache bytes;
  for (uint64_t offset = 0; offset < 3; ++offset)
    bytes.put(1, protocol::PageQuery{.offset = offset}, large);
  EXPECT_EQ(bytes.find(1, protocol::PageQuery{.offset = 0}), nullptr);
  EXPECT_NE(bytes.find(1, protocol::PageQuery{.offset = 2}), nullptr);
}

}  // namespace
}  // namespace paystats::view
