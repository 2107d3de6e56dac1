#include "cache/server.h"

#include <sys/stat.h>

#include "unit/cache/fixture.h"

namespace paystats::cache {
namespace {

TEST(CacheServer, AnswersAPageOfTheRanking) {
  RunningCache cache;
  cache.set("edgar", 7, 7);
  cache.set("alice", 9, 2);
  RawClient client = cache.client();
  const protocol::ParsedAnswer answer = client.ask(R"({"limit":1,"offset":1})");
  ASSERT_EQ(answer.rows.size(), 1U);
  EXPECT_EQ(answer.rows[0].user, "edgar");
  EXPECT_EQ(answer.rows[0].rank, 2U);
  EXPECT_EQ(answer.rows[0].count, 7U);
  EXPECT_EQ(answer.envelope.users, 2U);
  EXPECT_EQ(answer.envelope.sum, "16.00");
  EXPECT_EQ(answer.envelope.version, 2U);
}

TEST(CacheServer, AnswersAboutOneUserAndAPrefix) {
  RunningCache cache;
  cache.set("edgar", 7);
  cache.set("edith", 8);
  cache.set("alice", 9);
  RawClient client = cache.client();
  EXPECT_EQ(client.ask(R"({"user":"edgar"})").rows.at(0).rank, 3U);
  EXPECT_TRUE(client.ask(R"({"user":"nobody"})").rows.empty());
  const protocol::ParsedAnswer found = client.ask(R"({"q":"ed"})");
  ASSERT_EQ(found.rows.size(), 2U);
  EXPECT_EQ(found.rows[0].user, "edith");
  EXPECT_EQ(found.envelope.matches, 2U);
}

TEST(CacheServer, SearchesAPrefixInSlicesAndFindsAll) {
  RunningCache cache;
  cache.set_many(100'000);
  RawClient client = cache.client();
  const protocol::ParsedAnswer found = client.ask(R"({"q":"user","limit":1000,"offset":70000})");
  ASSERT_EQ(found.rows.size(), 1000U);
  EXPECT_EQ(found.rows[0].user, "user29999");
  EXPECT_EQ(found.envelope.matches, 100'000U);
}

TEST(CacheServer, AnswersPipelinedRequestsInOrder) {
  RunningCache cache{
      CacheServerOptions{}};  // a machine that stands still must not look like a rude client
  cache.set_many(100);
  RawClient client = cache.client();
  std::string requests;
  for (int i = 0; i < 2000; ++i)
    requests += R"({"limit":1,"offset":)" + std::to_string(i % 100) + "}\n";
  std::thread sender([&] { EXPECT_TRUE(client.send(requests)); });
  for (uint64_t i = 0; i < 2000; ++i) ASSERT_EQ(client.answer().envelope.offset, i % 100);
  sender.join();
}

TEST(CacheServer, TakesALastRequestWithoutItsNewline) {
  RunningCache cache;
  RawClient client = cache.client();
  client.send(R"({"limit":5})");
  client.end_sending();
  EXPECT_EQ(client.answer().envelope.users, 0U);
  EXPECT_TRUE(client.closed());
}

TEST(CacheServer, PassesOverEmptyLines) {
  RunningCache cache;
  RawClient client = cache.client();
  client.send("\n\r\n\n");
  EXPECT_EQ(client.ask("{}").envelope.users, 0U);
}

TEST(CacheServer, AnswersGarbageWithAnErrorAndGoesOn) {
  RunningCache cache;
  RawClient client = cache.client();
  client.send("\x01\xff garbage\nnull\n{\"limit\":0}\n{\"surprise\":1}\n");
  for (int i = 0; i < 4; ++i) {
    const std::optional<std::string> line = client.line();
    ASSERT_TRUE(line);
    EXPECT_EQ(line->rfind(R"({"error":")", 0), 0U) << *line;
  }
  EXPECT_EQ(client.ask("{}").envelope.users, 0U);
}

TEST(CacheServer, RefusesARequestThatIsTooLong) {
  RunningCache cache;
  RawClient client = cache.client();
  client.send(std::string(protocol::kRequestBytesMax + 1, ' '));
  const std::optional<std::string> line = client.line();
  ASSERT_TRUE(line);
  EXPECT_EQ(*line, R"({"error":"request: longer than 16384 bytes"})");
  EXPECT_TRUE(client.closed());
}

TEST(CacheServer, BegunAnewItIsAsAnotherProcessToItsClients) {
  RunningCache cache;
  cache.set_many(100'000);
  RawClient idle = cache.client();
  EXPECT_EQ(idle.ask("{}").envelope.instance, 7U);
  RawClient watcher = cache.client();
  EXPECT_EQ(watcher.ask(R"({"watch":1})").envelope.users, 100'000U);
  // A search may be under way, in slices.
  RawClient searcher = cache.client();
  searcher.ask("{}");  // it is connected by now
  searcher.send(R"({"q":"user","limit":1000,"offset":70000})"
                "\n");
  cache.begin_anew(8);
  EXPECT_TRUE(idle.closed());
  EXPECT_TRUE(watcher.closed());
  EXPECT_TRUE(searcher.closed());
  RawClient client = cache.client();
  const protocol::ParsedAnswer empty = client.ask(R"({"watch":10})");
  EXPECT_EQ(empty.envelope.instance, 8U);
  EXPECT_EQ(empty.envelope.users, 0U);
  EXPECT_EQ(empty.envelope.version, 0U);
  cache.set("edgar", 7);
  EXPECT_EQ(client.answer().rows.at(0).user, "edgar");
}

TEST(CacheServer, IsOpenToItsOwnerAlone) {
  RunningCache cache;
  struct stat status = {};
  ASSERT_EQ(::stat(cache.path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST(CacheServer, RemovesItsSocketWhenItStops) {
  RunningCache cache;
  cache.stop();
  EXPECT_FALSE(std::filesystem::exists(cache.path()));
  EXPECT_FALSE(std::filesystem::exists(cache.path() + ".lock"));
}

TEST(CacheServer, AnswersWhatHasArrivedBeforeItStops) {
  CacheServerOptions options;
  options.stop_timeout = kLimit;
  RunningCache cache(options);
  cache.set_many(1000);
  RawClient client = cache.client();
  client.ask("{}");
  for (int i = 0; i < 20; ++i) client.send("{\"limit\":1000}\n");
  std::thread stopper([&] { cache.stop(); });
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.answer().rows.size(), 1000U) << i;
  EXPECT_TRUE(client.closed());
  stopper.join();
}

TEST(CacheServer, StopsInTimeThoughAClientDoesNotRead) {
  CacheServerOptions options;
  options.write_timeout = 1h;
  options.stop_timeout = 100ms;
  RunningCache cache(options);
  cache.set_many(1000);
  RawClient client = cache.client();
  for (int i = 0; i < 100; ++i) client.send("{\"limit\":1000}\n");
  ASSERT_TRUE(client.line());
  const auto begun = std::chrono::steady_clock::now();
  cache.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, kLimit);
}

// ---- watch

TEST(CacheServer, SendsAWatcherTheStateAndEachChange) {
  RunningCache cache;
  RawClient client = cache.client();
  EXPECT_EQ(client.ask(R"({"watch":5})").envelope.version, 0U);
  cache.set("edgar", 1);
  EXPECT_EQ(client.answer().envelope.version, 1U);
  cache.set("alice", 2);
  const protocol::ParsedAnswer second = client.answer();
  EXPECT_EQ(second.envelope.version, 2U);
  EXPECT_EQ(second.rows.at(0).user, "alice");
}

TEST(CacheServer, TellsAWatcherOfTheFirstChangeAtOnceAndOfTheNextAfterTheInterval) {
  CacheServerOptions options = RunningCache::quick();
  options.watch_interval = 1h;
  RunningCache patient(options);
  RawClient first = patient.client();
  first.ask(R"({"watch":5})");
  patient.set("edgar", 1);
  EXPECT_EQ(first.answer().envelope.version, 1U);

  options.watch_interval = 300ms;
  RunningCache cache(options);
  RawClient client = cache.client();
  client.ask(R"({"watch":5})");
  const auto begun = std::chrono::steady_clock::now();
  cache.set("edgar", 1);
  EXPECT_EQ(client.answer().envelope.version, 1U);
  cache.set("edgar", 2);
  EXPECT_EQ(client.answer().envelope.version, 2U);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 300ms);
}

TEST(CacheServer, DoesNotTellAWatcherTwiceOfOneState) {
  CacheServerOptions options = RunningCache::quick();
  options.watch_interval = 300ms;
  RunningCache cache(options);
  RawClient early = cache.client();
  early.ask(R"({"watch":5})");
  cache.set("edgar", 1);
  EXPECT_EQ(early.answer().envelope.version, 1U);
  cache.set("edgar", 2);  // of which the early one hears after the interval
  RawClient late = cache.client();
  EXPECT_EQ(late.ask(R"({"watch":5})").envelope.version, 2U);
  EXPECT_EQ(early.answer().envelope.version, 2U);
  // The late one would have been told at the same time.
  cache.set("edgar", 3);
  EXPECT_EQ(late.answer().envelope.version, 3U);
}

TEST(CacheServer, AWatchCanBeReplacedAndQuestionsAskedMeanwhile) {
  RunningCache cache;
  cache.set("edgar", 1);
  cache.set("alice", 2);
  RawClient client = cache.client();
  EXPECT_EQ(client.ask(R"({"watch":5})").rows.size(), 2U);
  EXPECT_EQ(client.ask(R"({"user":"edgar"})").rows.size(), 1U);
  EXPECT_EQ(client.ask(R"({"watch":1})").rows.size(), 1U);
  cache.set("bob", 3);
  EXPECT_EQ(client.answer().rows.size(), 1U);
}

TEST(CacheServer, AWatcherThatEndsItsSideGoesOnWatching) {
  RunningCache cache;
  RawClient client = cache.client();
  client.send("{\"watch\":5}\n");
  client.end_sending();
  EXPECT_EQ(client.answer().envelope.version, 0U);
  cache.set("edgar", 1);
  EXPECT_EQ(client.answer().envelope.version, 1U);
  EXPECT_EQ(cache.connections(), 1U);
}

TEST(CacheServer, ForgetsAWatcherWhoClosesThoughNothingChanges) {
  RunningCache cache;
  RawClient half_closed = cache.client();
  half_closed.send("{\"watch\":5}\n");
  half_closed.end_sending();
  half_closed.answer();
  RawClient watcher = cache.client();
  watcher.ask(R"({"watch":5})");
  EXPECT_EQ(cache.connections(), 2U);
  watcher.close();
  EXPECT_TRUE(eventually([&] { return cache.connections() == 1; }));
  half_closed.close();
  EXPECT_TRUE(eventually([&] { return cache.connections() == 0; }));
}

TEST(CacheServer, SendsWatchersTheLastStateWhenItStops) {
  CacheServerOptions options = RunningCache::quick();
  options.watch_interval = 1h;
  RunningCache cache(options);
  RawClient client = cache.client();
  client.ask(R"({"watch":5})");
  cache.set("edgar", 1);
  EXPECT_EQ(client.answer().envelope.version, 1U);
  cache.set("edgar", 2);
  cache.set("edgar", 3);
  cache.stop();
  EXPECT_EQ(client.answer().envelope.version, 3U);
  EXPECT_TRUE(client.closed());
}

TEST(CacheServer, SendsAWatcherWhoWasSlowTheNewestState) {
  CacheServerOptions options;  // whose write_timeout gives it time
  options.watch_interval = 1ms;
  RunningCache cache(options);
  cache.set_many(1000);
  RawClient client = cache.client();
  client.ask(R"({"watch":1000})");
  RawClient quick = cache.client();  // hears of each change, as the slow one would
  quick.ask(R"({"watch":1})");
  // 60 KB each, so that few of them fill what the kernel keeps for a socket.
  for (int i = 1; i <= 300; ++i) {
    cache.set("edgar", i);
    quick.answer();
  }
  int answers = 0;
  protocol::ParsedAnswer last;
  do {
    last = client.answer();
    ++answers;
  } while (last.rows.at(0).sum != money::Decimal::from_nanos(money::Int128{300} * 1'000'000'000) &&
           !::testing::Test::HasFailure());
  EXPECT_LT(answers, 100);
  cache.set("edgar", 301);
  EXPECT_EQ(client.answer().envelope.version, last.envelope.version + 1)
      << "something was sent twice";
}

// ---- watch, while a search goes on

// The page of "user" is its first and its last, with so many others between them that a search for
// it takes fifty turns of the loop or more.
class SearchedWatch : public ::testing::TestWithParam<base::Duration> {
 protected:
  static constexpr int kLast = 30;  // the last sum, set while the search still goes on
  static constexpr const char* kSlowWatch = R"({"watch":2,"q":"user"})";

  SearchedWatch() {
    cache_.set_many(70'000);
    cache_.on_loop([&] {
      for (int i = 0; i < 200'000; ++i) apply("other" + std::to_string(i), 10);
      apply("userTop", 1'000);
    });
    client_.ask("{}");  // is connected, then
  }
  static CacheServerOptions options() {
    CacheServerOptions options;
    options.watch_interval = GetParam();
    return options;
  }

  void apply(const std::string& user, int64_t whole_sum) {
    cache_.view().apply(
        {.user = user,
         .sum = money::Decimal::from_nanos(money::Int128{whole_sum} * 1'000'000'000),
         .count = 1,
         .at = {}});
  }
  // From the next turn on one change each turn, up to that of kLast.
  void change_each_turn(
      int turn, std::function<void(int)> also = [](int) {}) {
    cache_.post([this, turn, also = std::move(also)] {
      apply("userTop", 1'000 + turn);
      cache_.server().view_changed();
      also(turn);
      if (turn < kLast) change_each_turn(turn + 1, also);
    });
  }
  static bool is_last(const protocol::ParsedAnswer::Row& row) {
    return row.sum == money::Decimal::from_nanos(money::Int128{1'000 + kLast} * 1'000'000'000);
  }
  void expect_the_last_sum_at_last() {
    while (!HasFailure()) {
      const protocol::ParsedAnswer answer = client_.answer();
      if (!answer.rows.empty() && is_last(answer.rows[0])) return;
    }
    ADD_FAILURE() << "the last sum did not come";
  }

  RunningCache cache_{options()};
  RawClient client_ = cache_.client();
};

// Watchers are told of a change in the turn after it, while the search goes on, or so much later
// that it is over by then.
INSTANTIATE_TEST_SUITE_P(Intervals, SearchedWatch,
                         ::testing::Values(base::Duration::zero(), std::chrono::milliseconds(500)));

TEST_P(SearchedWatch, HearsOfWhatChangesDuringItsFirstSearch) {
  cache_.on_loop([&] {
    EXPECT_TRUE(client_.send(std::string(kSlowWatch) + "\n"));
    change_each_turn(1);
  });
  expect_the_last_sum_at_last();
}

TEST_P(SearchedWatch, HearsOfWhatChangesDuringALaterSearch) {
  ASSERT_EQ(client_.ask(kSlowWatch).rows.size(), 2U);
  RawClient quick = cache_.client();
  quick.ask(R"({"watch":1})");
  cache_.set("userTop", 1'001);
  quick.answer();  // the search has begun as well
  cache_.on_loop([&] { change_each_turn(2); });
  expect_the_last_sum_at_last();
}

TEST_P(SearchedWatch, OneThatIsReplacedMeanwhileSaysNothingMore) {
  ASSERT_EQ(client_.ask(kSlowWatch).rows.size(), 2U);
  cache_.on_loop([&] {
    change_each_turn(1, [&](int turn) {
      if (turn != kLast / 2) return;
      EXPECT_TRUE(client_.send("{\"watch\":1}\n"));
    });
  });
  protocol::ParsedAnswer answer;
  do {
    answer = client_.answer();
    ASSERT_EQ(answer.rows.size(), 1U) << "the page that was replaced";
  } while (!is_last(answer.rows[0]));
  // The next that it hears is the next change.
  cache_.set("userTop", 2'000);
  EXPECT_EQ(client_.answer().envelope.version, answer.envelope.version + 1);
}

}  // namespace
}  // namespace paystats::cache
