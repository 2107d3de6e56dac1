#include "http/live_pages.h"

#include <memory>
#include <string>
#include <vector>

#include "http/answer_feed.h"
#include "unit/cache/fixture.h"
#include "unit/http/fake_cache.h"

namespace paystats::http {
namespace {

class Told final : public LivePages::Watcher {
 public:
  explicit Told(std::function<void()> on_told = [] {}) : on_told_(std::move(on_told)) {}
  void on_event(const api::SharedEvent& event) override {
    newest = text_of(*event);
    on_told_();
  }
  std::string newest;

 private:
  const std::function<void()> on_told_;
};

// Two hundred are told in four slices. After the first of them the cache goes, which begins another
// circle in the middle, and then, behind the last of the two hundred, others come.
TEST(LivePages, WhoComesWhileOthersAreToldTakesNobodysTurn) {
  constexpr int kWatchers = 200;
  cache::RunningCache cache;
  const base::SystemClock clock;
  loop::EventLoop loop;
  LivePages* told_of_changes = nullptr;
  AnswerFeed feed(loop, cache.path(), clock, {}, [&] { told_of_changes->changed(); });
  LivePages pages(loop, feed);
  told_of_changes = &pages;

  std::vector<std::unique_ptr<Told>> watchers;
  const auto watch = [&](std::function<void()> on_told) {
    watchers.push_back(std::make_unique<Told>(std::move(on_told)));
    pages.watch(protocol::PageQuery{}, *watchers.back());
  };
  bool began = false;
  const auto on_told = [&] {
    if (!feed.connected() || std::exchange(began, true)) return;
    loop.post([&] {
      feed.stop();
      for (int i = 0; i < 5; ++i) watch([] {});
    });
  };
  loop.post([&] {
    for (int i = 0; i < kWatchers; ++i) watch(on_told);
    feed.start();
  });
  ASSERT_TRUE(loop.run());
  ASSERT_TRUE(began);
  ASSERT_EQ(watchers.size(), kWatchers + 5u);
  for (const auto& watcher : watchers) EXPECT_EQ(watcher->newest, text_of(*api::away_event()));
}

class PagesOfFakeCache : public FedByFakeCache {
 protected:
  ~PagesOfFakeCache() override {
    on_loop([&] { watchers_.clear(); });
  }
  Told& watch(uint32_t limit) {
    watchers_.push_back(std::make_unique<Told>());
    Told& told = *watchers_.back();
    on_loop([&] { pages_.watch(protocol::PageQuery{.limit = limit}, told); });
    return told;
  }
  bool shows(const Told& told, uint64_t version) {
    return eventually([&] {
      std::string newest;
      on_loop([&] { newest = told.newest; });
      return newest.find("\"version\":" + std::to_string(version) + ",") != std::string::npos;
    });
  }

  std::vector<std::unique_ptr<Told>> watchers_;
};

TEST_F(PagesOfFakeCache, APageThatJoinsAQuestionOlderThanTheNewsAsksAgain) {
  on_loop([&] {
    feed_.ask(protocol::PageQuery{.limit = 5}, [](const base::Result<api::PreparedAnswerPtr>&) {});
  });
  ASSERT_TRUE(cache_.question());
  cache_.announce(2);
  ASSERT_TRUE(eventually([&] { return version() == 2; }));
  Told& told = watch(5);
  cache_.reply(1);
  ASSERT_TRUE(cache_.question()) << "the page keeps what was overtaken before it was asked for";
  cache_.reply(2);
  EXPECT_TRUE(shows(told, 2));
}

TEST_F(PagesOfFakeCache, APageThatIsLeftAndWatchedAnewIsToldTheNewest) {
  watch(5);
  ASSERT_TRUE(cache_.question());
  on_loop([&] { watchers_.clear(); });
  cache_.announce(2);
  ASSERT_TRUE(eventually([&] { return version() == 2; }));
  Told& told = watch(5);
  cache_.reply(1);
  ASSERT_TRUE(cache_.question());
  cache_.reply(2);
  EXPECT_TRUE(shows(told, 2));
}

// Each answer shows a newer version than the one before it. Only the watch sets the pace.
TEST_F(PagesOfFakeCache, PagesDoNotDriveEachOther) {
  Told& first = watch(1);
  Told& second = watch(2);
  uint64_t version = 1;
  for (const Told* told : {&first, &second}) {
    ASSERT_TRUE(cache_.question());
    cache_.reply(++version);
    ASSERT_TRUE(shows(*told, version));
  }
  // What a page asked for because of the other one's answer comes before what is asked for now.
  const protocol::PageQuery later{.limit = 9};
  on_loop([&] { feed_.ask(later, [](const base::Result<api::PreparedAnswerPtr>&) {}); });
  EXPECT_EQ(cache_.question().value_or("nothing") + "\n", protocol::request_line(later));
  cache_.reply(version);
  // What an answer said before the watch does is news all the same, for the page that lacks it.
  cache_.announce(version);
  ASSERT_TRUE(cache_.question());
  cache_.reply(version);
  EXPECT_TRUE(shows(first, version));
  EXPECT_TRUE(shows(second, version));
}

TEST_F(PagesOfFakeCache, HearThatTheCacheIsReady) {
  cache_.announce(2, false);
  Told& told = watch(5);
  ASSERT_TRUE(cache_.question());
  cache_.reply(2, false);
  ASSERT_TRUE(shows(told, 2));
  cache_.announce(2, true);
  EXPECT_TRUE(cache_.question());
}

// Where there is no room to keep events, one that comes later is told all the same, and nobody
// twice.
TEST(LivePages, WhoComesLaterIsToldWhatIsNotKept) {
  cache::RunningCache cache;
  const base::SystemClock clock;
  loop::EventLoop loop;
  LivePages* told_of_changes = nullptr;
  AnswerFeed feed(loop, cache.path(), clock, {}, [&] { told_of_changes->changed(); });
  LivePages pages(loop, feed, 0);
  told_of_changes = &pages;
  int told = 0;
  std::unique_ptr<Told> second;
  const auto come = [&] {
    second = std::make_unique<Told>([&] {
      if (second->newest.starts_with("event: stats")) loop.post([&] { feed.stop(); });
    });
    pages.watch(protocol::PageQuery{}, *second);
  };
  Told first([&] {
    if (feed.connected() && told++ == 0) loop.post(come);
  });
  loop.post([&] {
    pages.watch(protocol::PageQuery{}, first);
    feed.start();
  });
  ASSERT_TRUE(loop.run());
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace paystats::http
