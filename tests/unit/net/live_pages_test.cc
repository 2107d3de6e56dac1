#include "net/live_pages.h"

#include <memory>
#include <string>
#include <vector>

#include "net/answer_feed.h"
#include "unit/net/cache_fixture.h"

namespace paystats {
namespace {

class Told final : public LivePages::Watcher {
 public:
  explicit Told(std::function<void()> on_told = [] {}) : on_told_(std::move(on_told)) {}
  void on_event(const SharedBytes& event) override {
    newest = *event;
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
  RunningCache cache;
  const SystemClock clock;
  EventLoop loop;
  LivePages* told_of_changes = nullptr;
  AnswerFeed feed(loop, cache.path(), clock, {}, [&] { told_of_changes->changed(); });
  LivePages pages(loop, feed);
  told_of_changes = &pages;

  std::vector<std::unique_ptr<Told>> watchers;
  const auto watch = [&](std::function<void()> on_told) {
    watchers.push_back(std::make_unique<Told>(std::move(on_told)));
    pages.watch(PageQuery{}, *watchers.back());
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
  for (const auto& watcher : watchers) EXPECT_EQ(watcher->newest, *away_event());
}

}  // namespace
}  // namespace paystats
