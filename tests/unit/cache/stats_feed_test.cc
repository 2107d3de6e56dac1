#include "cache/stats_feed.h"

#include <future>
#include <optional>
#include <string>
#include <vector>

#include "cache/stats_batch.h"
#include "io/reject_log.h"
#include "io/wait.h"
#include "unit/cache/fixture.h"
#include "unit/cache/scripted_source.h"

namespace paystats::cache {
namespace {

std::string line(const std::string& user, int sum) {
  return R"({"user":")" + user + R"(","sum":)" + std::to_string(sum) + ".00,\"count\":1}\n";
}

std::string lines(int first, int count) {
  std::string out;
  for (int i = first; i < first + count; ++i) out += line("user" + std::to_string(i), i);
  return out;
}

class StatsFeedTest : public ::testing::Test {
 protected:
  explicit StatsFeedTest(Pause pause = Pause::kSilence)
      : feed_(loop_, StatsInput(source_, pause), rejects_, source_, progress_, handlers()) {}

  StatsFeed::Handlers handlers() {
    return {.on_batch =
                [this](StatsBatch& batch) {
                  for (const auto& row : batch.rows) users_.emplace_back(row.record.user);
                  ++batches_;
                  return on_batch_ ? on_batch_(batch) : base::Result<void>();
                },
            .on_pause =
                [this] {
                  ++pauses_;
                  users_before_pause_ = users_.size();
                },
            .on_end =
                [this](const base::Result<void>& outcome) {
                  outcome_ = outcome;
                  ++ends_;
                }};
  }

  // Time is the test's, and goes on only while the reader waits.
  bool reader_waits(base::Duration time) {
    return eventually([&] { return source_.waits_until() == source_.now() + time; });
  }
  bool reader_waits_for_ever() {
    return eventually([&] { return source_.waits_until() == io::kForever; });
  }

  base::Diagnostics diagnostics_{"test", base::Verbosity::kQuiet, -1};
  io::RejectLog rejects_{diagnostics_};
  loop::EventLoop loop_;
  ScriptedSource source_{ScriptedSource::Time::kOwn};
  base::Progress progress_{diagnostics_, source_, false};
  StatsFeed feed_;

  // The loop's.
  std::function<base::Result<void>(StatsBatch&)> on_batch_;
  std::vector<std::string> users_;
  int batches_ = 0;
  int pauses_ = 0;
  size_t users_before_pause_ = 0;
  int ends_ = 0;
  base::Result<void> outcome_;
};

TEST_F(StatsFeedTest, HandsOverAllRowsInOrderAndThenTheEnd) {
  constexpr int kBlocks = 100;
  constexpr int kLines = 700;
  for (int i = 0; i < kBlocks; ++i) source_.give(lines(i * kLines, kLines));
  source_.end();
  EXPECT_TRUE(feed_.start());
  EXPECT_TRUE(loop_.run());
  ASSERT_EQ(users_.size(), static_cast<size_t>(kBlocks * kLines));
  for (int i = 0; i < kBlocks * kLines; ++i) ASSERT_EQ(users_[i], "user" + std::to_string(i));
  EXPECT_EQ(feed_.records(), static_cast<uint64_t>(kBlocks * kLines));
  EXPECT_TRUE(outcome_);
  EXPECT_EQ(ends_, 1);
}

TEST_F(StatsFeedTest, KeepsNamesThatHadEscapes) {
  std::string block;
  for (int i = 0; i < 300; ++i) {
    block += line("\\u0065dgar" + std::to_string(i), 1) + line("plain" + std::to_string(i), 1);
  }
  source_.give(block);
  source_.end();
  EXPECT_TRUE(feed_.start());
  EXPECT_TRUE(loop_.run());
  ASSERT_EQ(users_.size(), 600U);
  for (int i = 0; i < 300; ++i) {
    ASSERT_EQ(users_[2 * i], "edgar" + std::to_string(i));
    ASSERT_EQ(users_[2 * i + 1], "plain" + std::to_string(i));
  }
}

TEST_F(StatsFeedTest, PutsBadLinesAsideAndCountsThem) {
  source_.give(line("a", 1) + "garbage\n\n" + line("b", 1));
  source_.give("{}\n");
  source_.end();
  EXPECT_TRUE(feed_.start());
  EXPECT_TRUE(loop_.run());
  EXPECT_EQ(users_, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(rejects_.count(), 2U);
  EXPECT_EQ(feed_.records(), 4U);
}

TEST_F(StatsFeedTest, ARowKnowsItsLineForALaterReject) {
  source_.give("garbage\n\n" + line("a", 1) + line("b", 2));
  source_.end();
  on_batch_ = [&](StatsBatch& batch) {
    const record::Reject reject = batch.reject(batch.rows.at(1), "why");
    EXPECT_EQ(reject.line, 4U);
    EXPECT_EQ(reject.source, "-");
    EXPECT_EQ(std::string(reject.record) + "\n", line("b", 2));
    EXPECT_EQ(reject.error, "why");
    return base::Result<void>();
  };
  EXPECT_TRUE(feed_.start());
  EXPECT_TRUE(loop_.run());
  EXPECT_EQ(batches_, 1);
}

TEST_F(StatsFeedTest, ReadsNoFurtherThanTheQueueIsLong) {
  constexpr size_t kBlocks = 100;
  for (size_t i = 0; i < kBlocks; ++i) source_.give(lines(0, 10));
  source_.end();
  // One block is in the reader's hand beyond those in the queue. It has a hundred occasions to take
  // more.
  on_batch_ = [&](StatsBatch&) {
    const size_t most = std::min(kBlocks, batches_ + StatsFeed::kBatchesMax + 1);
    EXPECT_TRUE(eventually([&] { return kBlocks - source_.blocks_left() >= most; }));
    EXPECT_EQ(kBlocks - source_.blocks_left(), most);
    return base::Result<void>();
  };
  EXPECT_TRUE(feed_.start());
  EXPECT_TRUE(loop_.run());
  EXPECT_EQ(users_.size(), kBlocks * 10);
}

TEST_F(StatsFeedTest, LetsOthersGoBetweenTwoBatches) {
  for (int i = 0; i < 10; ++i) source_.give(lines(0, 10));
  source_.end();
  std::vector<int> seen_at;
  on_batch_ = [&](StatsBatch&) {
    loop_.post([&] { seen_at.push_back(batches_); });
    return base::Result<void>();
  };
  EXPECT_TRUE(feed_.start());
  ASSERT_TRUE(eventually([&] { return source_.blocks_left() == 0; }));
  EXPECT_TRUE(loop_.run());
  ASSERT_EQ(seen_at.size(), 10U);
  for (int i = 0; i < 10; ++i) EXPECT_LE(seen_at[i], i + 2);
}

TEST_F(StatsFeedTest, TellsOfThePauseOnceAfterWhatCameBeforeIt) {
  source_.give(lines(0, 5));
  EXPECT_TRUE(feed_.start());
  std::thread loop([&] { EXPECT_TRUE(loop_.run()); });
  EXPECT_TRUE(reader_waits(StatsFeed::kPause));
  source_.pass(StatsFeed::kPause);
  source_.give(lines(5, 5));
  EXPECT_TRUE(reader_waits_for_ever());
  source_.pass(10 * StatsFeed::kPause);  // a second one, which is not to be told
  source_.end();
  loop.join();
  EXPECT_EQ(pauses_, 1);
  EXPECT_EQ(users_before_pause_, 5U);
  EXPECT_EQ(users_.size(), 10U);
}

class ReadyLineTest : public StatsFeedTest {
 protected:
  ReadyLineTest() : StatsFeedTest(Pause::kEmptyLine) {}
};

// However long it takes, and though there is no pause at all.
TEST_F(ReadyLineTest, SilenceIsNoPause) {
  EXPECT_TRUE(feed_.start());
  std::thread loop([&] { EXPECT_TRUE(loop_.run()); });
  EXPECT_TRUE(reader_waits_for_ever());
  source_.pass(10 * StatsFeed::kFirstPause);
  source_.give(lines(0, 2));
  EXPECT_TRUE(reader_waits_for_ever());
  source_.pass(10 * StatsFeed::kFirstPause);
  source_.give(lines(2, 2) + "\n" + lines(4, 2));
  source_.give("\n" + lines(6, 1) + "\n");
  source_.end();
  loop.join();
  EXPECT_EQ(pauses_, 1);
  EXPECT_EQ(users_before_pause_, 6U);
  EXPECT_EQ(users_.size(), 7U);
}

TEST_F(ReadyLineTest, TheEmptyLineMayBeTheFirst) {
  source_.give("\n");
  source_.end();
  EXPECT_TRUE(feed_.start());
  EXPECT_TRUE(loop_.run());
  EXPECT_EQ(pauses_, 1);
}

TEST_F(StatsFeedTest, GivesAnInputThatHasNotBegunMoreTimeBeforeItCallsItAPause) {
  EXPECT_TRUE(feed_.start());
  std::thread loop([&] { EXPECT_TRUE(loop_.run()); });
  EXPECT_TRUE(reader_waits(StatsFeed::kFirstPause));
  source_.pass(StatsFeed::kFirstPause - 1ms);
  source_.give(lines(0, 5));
  source_.end();
  loop.join();
  EXPECT_EQ(pauses_, 0);
}

TEST_F(StatsFeedTest, PassesOnTheErrorOfTheSource) {
  source_.give(lines(0, 5));
  source_.end(base::Result<io::ReadStatus>(base::fail("stats.jsonl: input/output error")));
  EXPECT_TRUE(feed_.start());
  EXPECT_TRUE(loop_.run());
  EXPECT_EQ(users_.size(), 5U);
  ASSERT_FALSE(outcome_);
  EXPECT_EQ(outcome_.error().message, "stats.jsonl: input/output error");
}

TEST_F(StatsFeedTest, EndsWithTheErrorOfItsTakerThoughTheReaderWaitsForRoom) {
  for (int i = 0; i < 100; ++i) source_.give(lines(0, 10));
  on_batch_ = [&](StatsBatch&) -> base::Result<void> {
    if (batches_ == 3) return base::fail("too many users");
    return {};
  };
  EXPECT_TRUE(feed_.start());
  EXPECT_TRUE(loop_.run());
  ASSERT_FALSE(outcome_);
  EXPECT_EQ(outcome_.error().message, "too many users");
  EXPECT_EQ(batches_, 3);
  EXPECT_EQ(ends_, 1);
}

// ---- Messages of a topic

class MessageFeedTest : public ::testing::Test {
 protected:
  static io::OwnedMessage stats(const std::string& user, int64_t offset) {
    std::string value = line(user, 1);
    value.pop_back();
    return {.key = user, .value = std::move(value), .at = {2, offset}};
  }
  static io::OwnedMessage tombstone(const std::string& user, int64_t offset) {
    return {.key = user, .value = {}, .at = {2, offset}};
  }
  // What the loop is told, in order: users, -tombstones, "end".
  std::vector<std::string> feed(std::vector<io::OwnedMessage> messages, size_t block_messages) {
    const auto source = memory_message_source(std::move(messages), block_messages);
    loop::EventLoop loop;
    std::vector<std::string> told;
    StatsFeed feed(loop, *source, rejects_, clock_, progress_,
                   {.on_batch =
                        [&](StatsBatch& batch) {
                          for (const auto& row : batch.rows) told.emplace_back(row.record.user);
                          for (const auto& one : batch.tombstones) {
                            told.push_back("-" + std::string(one.user) + "@" +
                                           std::to_string(one.at.partition));
                          }
                          if (!batch.rows.empty()) {
                            reject_ = std::string(batch.reject(batch.rows.back(), "no").record);
                            reject_at_ = batch.reject(batch.rows.back(), "no").at;
                          }
                          return base::Result<void>();
                        },
                    .on_pause = [] {},
                    .on_end = [&](const base::Result<void>&) { told.emplace_back("end"); }});
    EXPECT_TRUE(feed.start());
    EXPECT_TRUE(loop.run());
    records_ = feed.records();
    return told;
  }

  base::Diagnostics diagnostics_{"test", base::Verbosity::kQuiet, -1};
  io::RejectLog rejects_{diagnostics_};
  base::SystemClock clock_;
  base::Progress progress_{diagnostics_, clock_, false};
  std::string reject_;
  std::optional<record::SourceOffset> reject_at_;
  uint64_t records_ = 0;
};

TEST_F(MessageFeedTest, RowsAndTombstonesComeInTheirOrder) {
  EXPECT_EQ(feed({stats("anna", 0), stats("bob", 1), tombstone("anna", 2), tombstone("bob", 3),
                  stats("anna", 4)},
                 3),
            (std::vector<std::string>{"anna", "bob", "-anna@2", "-bob@2", "anna", "end"}));
  EXPECT_EQ(records_, 5U);
}

TEST_F(MessageFeedTest, ANameWithEscapesSurvivesTheHandOver) {
  io::OwnedMessage escaped = stats("\\u0061nna", 0);
  EXPECT_EQ(feed({stats("bob", 0), escaped, stats("carl", 2)}, 10),
            (std::vector<std::string>{"bob", "anna", "carl", "end"}));
}

TEST_F(MessageFeedTest, ARowKnowsItsMessage) {
  io::OwnedMessage last = stats("bob", 7);
  const std::string value = *last.value;
  feed({stats("anna", 5), {.key = "x", .value = "bad", .at = {2, 6}}, last}, 10);
  EXPECT_EQ(reject_, value);
  EXPECT_EQ(reject_at_, (record::SourceOffset{2, 7}));
  EXPECT_EQ(rejects_.count(), 1U);
}

// Has caught up from the start, with its message, or in the look after it, and ends when it is told
// to.
class HeldSource final : public io::MessageSource {
 public:
  enum class CatchesUp { kAtOnce, kWithMessage, kAfterIt };

  explicit HeldSource(CatchesUp when)
      : when_(when), given_(when == CatchesUp::kAtOnce), caught_up_(given_) {}

  base::Result<io::ReadStatus> read(io::MessageBlock& out, base::Instant deadline) override {
    if (given_) {
      if (!caught_up_ && deadline != io::kForever) {
        caught_up_ = true;
        return io::ReadStatus::kIdle;
      }
      released_.get_future().wait_for(kLimit);
      return io::ReadStatus::kEnd;
    }
    given_ = true;
    caught_up_ = when_ == CatchesUp::kWithMessage;
    out = {.messages = {&message_, 1}, .source = "topic"};
    return io::ReadStatus::kBlock;
  }
  bool caught_up() const override { return caught_up_; }
  void release() { released_.set_value(); }

 private:
  const CatchesUp when_;
  const std::string value_ = line("anna", 1);
  const io::Message message_{.key = "anna", .value = value_, .at = {0, 0}};
  bool given_;
  bool caught_up_;
  std::promise<void> released_;
};

TEST_F(MessageFeedTest, IsReadyWhenTheSourceHasCaughtUpAndAllOfItWasHandedOver) {
  using CatchesUp = HeldSource::CatchesUp;
  for (const CatchesUp when : {CatchesUp::kAtOnce, CatchesUp::kWithMessage, CatchesUp::kAfterIt}) {
    HeldSource source(when);
    loop::EventLoop loop;
    std::vector<std::string> told;
    StatsFeed feed(loop, source, rejects_, clock_, progress_,
                   {.on_batch =
                        [&](StatsBatch&) {
                          told.emplace_back("batch");
                          return base::Result<void>();
                        },
                    .on_pause =
                        [&] {
                          told.emplace_back("ready");
                          source.release();
                        },
                    .on_end = [&](const base::Result<void>&) { told.emplace_back("end"); }});
    EXPECT_TRUE(feed.start());
    EXPECT_TRUE(loop.run());
    EXPECT_EQ(told, when == CatchesUp::kAtOnce
                        ? (std::vector<std::string>{"ready", "end"})
                        : (std::vector<std::string>{"batch", "ready", "end"}));
  }
}

// A message, the beginning of another topic, and the message of that one.
class RemadeSource final : public io::MessageSource {
 public:
  base::Result<io::ReadStatus> read(io::MessageBlock& out, base::Instant /*deadline*/) override {
    if (reads_ == 3) return io::ReadStatus::kEnd;
    ++reads_;
    out = {.messages = {&message_, reads_ == 2 ? 0U : 1U},
           .source = "topic",
           .begins_anew = reads_ == 2};
    return io::ReadStatus::kBlock;
  }
  bool caught_up() const override { return reads_ != 2; }

 private:
  const std::string value_ = line("anna", 1);
  const io::Message message_{.key = "anna", .value = value_, .at = {0, 0}};
  int reads_ = 0;
};

TEST_F(MessageFeedTest, ATopicThatBeginsAnewIsToldInItsPlaceAndIsReadyAgainLater) {
  RemadeSource source;
  loop::EventLoop loop;
  std::vector<std::string> told;
  StatsFeed feed(loop, source, rejects_, clock_, progress_,
                 {.on_batch =
                      [&](StatsBatch& batch) {
                        told.emplace_back(batch.begins_anew ? "anew" : "batch");
                        EXPECT_EQ(batch.rows.empty(), batch.begins_anew);
                        return base::Result<void>();
                      },
                  .on_pause = [&] { told.emplace_back("ready"); },
                  .on_end = [&](const base::Result<void>&) { told.emplace_back("end"); }});
  EXPECT_TRUE(feed.start());
  EXPECT_TRUE(loop.run());
  std::erase(told, "ready");  // the first one may be overtaken by the second
  EXPECT_EQ(told, (std::vector<std::string>{"batch", "anew", "batch", "end"}));
}

// Has caught up before its third message, and never has less than one more than was taken.
class RestlessSource final : public io::MessageSource {
 public:
  static constexpr int kMessages = 50;

  base::Result<io::ReadStatus> read(io::MessageBlock& out, base::Instant) override {
    std::unique_lock lock(mutex_);
    ++reads_;
    changed_.notify_all();
    changed_.wait_for(lock, kLimit, [&] { return given_ < allowed_; });
    if (given_ == kMessages) return io::ReadStatus::kEnd;
    ++given_;
    out = {.messages = {&message_, 1}, .source = "topic"};
    return io::ReadStatus::kBlock;
  }
  bool caught_up() const override {
    const std::lock_guard lock(mutex_);
    return given_ >= 2;
  }
  // Lets one more in, and returns when it is in the queue: its reader has come for the next.
  void one_more() {
    std::unique_lock lock(mutex_);
    const int before = reads_;
    ++allowed_;
    changed_.notify_all();
    changed_.wait_for(lock, kLimit, [&] { return reads_ > before || given_ == kMessages; });
  }
  bool waits_behind(int messages) const {
    const std::lock_guard lock(mutex_);
    return reads_ > messages;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  const std::string value_ = line("anna", 1);
  const io::Message message_{.key = "anna", .value = value_, .at = {0, 0}};
  int allowed_ = 5;
  int given_ = 0;
  int reads_ = 0;
};

TEST_F(MessageFeedTest, IsReadyThoughTheReaderIsAlwaysAhead) {
  RestlessSource source;
  loop::EventLoop loop;
  int batches = 0;
  std::optional<int> ready_after;
  StatsFeed feed(loop, source, rejects_, clock_, progress_,
                 {.on_batch =
                      [&](StatsBatch&) {
                        ++batches;
                        source.one_more();
                        return base::Result<void>();
                      },
                  .on_pause = [&] { ready_after = batches; },
                  .on_end = [](const base::Result<void>&) {}});
  EXPECT_TRUE(feed.start());
  ASSERT_TRUE(eventually([&] { return source.waits_behind(5); }));
  EXPECT_TRUE(loop.run());
  EXPECT_EQ(batches, RestlessSource::kMessages);
  EXPECT_EQ(ready_after, 2);
}

}  // namespace
}  // namespace paystats::cache
