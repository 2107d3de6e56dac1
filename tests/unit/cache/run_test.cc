#include "cache/run.h"

#include <signal.h>

#include <fstream>
#include <sstream>
#include <vector>

#include "base/stop_signal.h"
#include "cache/client.h"
#include "cache/questions.h"
#include "unit/cache/fixture.h"
#include "unit/cache/scripted_source.h"

namespace paystats::cache {
namespace {

std::string line(const std::string& user, const std::string& rest) {
  return R"({"user":")" + user + R"(",)" + rest + "}\n";
}

// Keeps what was written, or fails as if its reader had gone.
class KeepingSink final : public io::Sink {
 public:
  base::Result<void> write(std::string_view lines) override {
    const std::lock_guard lock(mutex_);
    if (gone_) return base::fail("stdout: broken pipe", base::ErrorKind::kClosedOutput);
    written_ += lines;
    return {};
  }
  base::Result<void> flush() override { return {}; }
  base::Result<void> close() override { return {}; }
  std::string written() const {
    const std::lock_guard lock(mutex_);
    return written_;
  }
  void go() {
    const std::lock_guard lock(mutex_);
    gone_ = true;
  }

 private:
  mutable std::mutex mutex_;
  bool gone_ = false;
  std::string written_;
};

class CacheRunTest : public ::testing::Test {
 protected:
  void SetUp() override {
    log_path_ = folder_ / "stderr";
    log_ = std::move(*base::open_file(log_path_, O_WRONLY | O_CREAT | O_APPEND));
    diagnostics_ =
        std::make_unique<base::Diagnostics>("test", base::Verbosity::kVerbose, log_.get());
    rejects_ = std::make_unique<io::RejectLog>(*diagnostics_);
    progress_ = std::make_unique<base::Progress>(*diagnostics_, clock_, false);
  }
  void TearDown() override {
    if (!thread_.joinable()) return;
    source_.end();
    thread_.join();
  }

  base::Result<void> open(CacheRunOptions options) {
    run_ = std::make_unique<CacheRun>(
        std::move(options),
        CacheRunContext{source_, *rejects_, *progress_, {*diagnostics_, stop_, clock_}});
    return run_->open();
  }
  // Runs on a thread, with a socket.
  void start(CacheRunOptions options = {}) {
    options.socket_path = socket();
    const base::Result<void> opened = open(std::move(options));
    ASSERT_TRUE(opened) << opened.error().message;
    thread_ = std::thread([this] {
      outcome_ = run_->run();
      ended_ = true;
    });
  }
  void join() {
    EXPECT_TRUE(eventually([&] { return ended_.load(); }));
    thread_.join();
  }
  std::string socket() const { return folder_ / "stats.sock"; }
  static std::string content_of(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  std::string messages() const { return content_of(log_path_); }
  bool is_ready(RawClient& client) { return client.ask("{}").envelope.ready; }

  TempFolder folder_;
  std::string log_path_;
  base::UniqueFd log_;
  base::StopSignal stop_;
  base::SystemClock clock_;
  std::unique_ptr<base::Diagnostics> diagnostics_;
  std::unique_ptr<io::RejectLog> rejects_;
  std::unique_ptr<base::Progress> progress_;
  ScriptedSource source_;
  std::unique_ptr<CacheRun> run_;
  std::thread thread_;
  std::atomic<bool> ended_ = false;
  base::Result<void> outcome_;
};

TEST_F(CacheRunTest, HoldsTheNewestStatsOfEveryUser) {
  source_.give(line("a", R"("sum":1.00,"count":1)") + line("b", R"("sum":5.00,"count":1)"));
  source_.give(line("a", R"("sum":7.00,"count":2)"));
  source_.end();
  ASSERT_TRUE(open({}));
  ASSERT_TRUE(run_->run());
  const std::vector<protocol::RankedStats> rows = run_->view().page(0, 10);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].user, "a");
  EXPECT_EQ(to_string(rows[0].sum), "7.00");
}

TEST_F(CacheRunTest, TooManyUsersAreAnErrorThatSaysWhatToDo) {
  source_.give(line("a", R"("sum":1.00,"count":1)") + line("b", R"("sum":5.00,"count":1)"));
  source_.give(line("c", R"("sum":1.00,"count":1)"));
  source_.end();
  ASSERT_TRUE(open({.users_max = 2}));
  const base::Result<void> done = run_->run();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "more than 2 users: raise --users-max");
}

TEST_F(CacheRunTest, PartialsWhoseSumWouldOverflowAreARejectWithTheirLine) {
  const std::string largest = "170141183460469231731687303715.88";
  source_.give(line("a", R"("sum":)" + largest + R"(,"count":1,"partition":0,"offset":1)") +
               line("a", R"("sum":)" + largest + R"(,"count":1,"partition":1,"offset":1)"));
  source_.end();
  ASSERT_TRUE(open({}));
  ASSERT_TRUE(run_->run());
  EXPECT_EQ(rejects_->count(), 1U);
  EXPECT_TRUE(holds(messages(), "-:2: the user's sum would overflow"));
}

TEST_F(CacheRunTest, AChangeOfKindWarnsOnce) {
  const std::string absolute = line("a", R"("sum":1.00,"count":1)");
  const std::string partial = line("a", R"("sum":1.00,"count":1,"partition":0,"offset":1)");
  for (int i = 0; i < 5; ++i) source_.give(absolute + partial);
  source_.end();
  ASSERT_TRUE(open({}));
  ASSERT_TRUE(run_->run());
  const std::string text = messages();
  const size_t first = text.find("warning: stats with and without a partition");
  ASSERT_NE(first, std::string::npos) << text;
  EXPECT_EQ(text.find("warning:", first + 1), std::string::npos) << text;
}

TEST_F(CacheRunTest, IsReadyAfterTheFirstPause) {
  start();
  RawClient client(socket());
  EXPECT_FALSE(is_ready(client));
  source_.give(line("a", R"("sum":1.00,"count":1)"));
  EXPECT_TRUE(eventually([&] { return is_ready(client); }));
  EXPECT_EQ(client.ask("{}").envelope.users, 1U);
}

TEST_F(CacheRunTest, EndsWithItsInputAndRemovesItsSocket) {
  start();
  source_.give(line("a", R"("sum":1.00,"count":1)"));
  source_.end();
  join();
  EXPECT_TRUE(outcome_);
  EXPECT_FALSE(std::filesystem::exists(socket()));
}

TEST_F(CacheRunTest, HoldsTheSocketAfterItsInputUntilASignal) {
  start({.hold = true});
  source_.give(line("a", R"("sum":1.00,"count":1)"));
  source_.end();
  RawClient client(socket());
  EXPECT_TRUE(eventually([&] { return is_ready(client); }));
  EXPECT_EQ(client.ask("{}").envelope.users, 1U);
  EXPECT_FALSE(ended_);
  stop_.request(SIGTERM);
  join();
  EXPECT_TRUE(outcome_);
}

TEST_F(CacheRunTest, AfterASignalItTakesWhatTheSourceStillGives) {
  start({.hold = true});
  RawClient client(socket());
  ASSERT_FALSE(client.ask(R"({"watch":5})").envelope.ready);
  stop_.request(SIGTERM);
  source_.give(line("a", R"("sum":1.00,"count":1)"));
  EXPECT_EQ(client.answer().envelope.users, 1U);
  EXPECT_FALSE(ended_);
  source_.end();
  join();
}

TEST_F(CacheRunTest, ASecondOneIsRefusedBeforeItReadsAnything) {
  start();
  ScriptedSource other;
  CacheRun second({.socket_path = socket()},
                  {other, *rejects_, *progress_, {*diagnostics_, stop_, clock_}});
  const base::Result<void> opened = second.open();
  ASSERT_FALSE(opened);
  EXPECT_TRUE(holds(opened.error().message, "process " + std::to_string(::getpid())));
}

TEST_F(CacheRunTest, WritesMetricsAtTheStartAndAtTheEnd) {
  const std::string path = folder_ / "metrics.prom";
  ASSERT_TRUE(open({.metrics_path = path}));
  EXPECT_TRUE(holds(content_of(path), "\npaystats_cache_users 0\n"));
  source_.give(line("a", R"("sum":1.00,"count":1)") + "garbage\n");
  source_.end();
  ASSERT_TRUE(run_->run());
  const std::string text = content_of(path);
  EXPECT_TRUE(holds(text, "\npaystats_cache_users 1\n"));
  EXPECT_TRUE(holds(text, "\npaystats_cache_records_read_total 2\n"));
  EXPECT_TRUE(holds(text, "\npaystats_cache_records_rejected_total 1\n"));
}

TEST_F(CacheRunTest, MetricsThatCannotBeWrittenAreAnErrorBeforeAnythingIsRead) {
  EXPECT_FALSE(open({.metrics_path = folder_ / "missing/metrics.prom"}));
}

// ---- questions to it

class CacheQuestionTest : public CacheRunTest {
 protected:
  void SetUp() override {
    CacheRunTest::SetUp();
    start();
    source_.give(line("a", R"("sum":1.00,"count":1)") + line("b", R"("sum":5.00,"count":2)"));
    RawClient client(socket());
    ASSERT_TRUE(eventually([&] { return is_ready(client); }));
  }
  base::Result<void> ask(const protocol::Query& query, int terminal_fd = -1) {
    return ask_cache({socket(), query}, {sink_, terminal_fd}, waiter_, *diagnostics_);
  }

  io::Waiter waiter_{stop_, clock_};
  KeepingSink sink_;
};

TEST_F(CacheQuestionTest, PrintsTheFirstUsersAsLines) {
  ASSERT_TRUE(ask(protocol::PageQuery{.limit = 1}));
  EXPECT_EQ(sink_.written(), "{\"user\":\"b\",\"sum\":5.00,\"count\":2}\n");
}

TEST_F(CacheQuestionTest, PrintsATableForATerminal) {
  ASSERT_TRUE(ask(protocol::UserQuery{"a"}, STDOUT_FILENO));
  EXPECT_EQ(sink_.written(), "RANK  USER   SUM  COUNT\n   2  a     1.00      1\n");
}

TEST_F(CacheQuestionTest, AUserNobodyKnowsIsAnError) {
  const base::Result<void> done = ask(protocol::UserQuery{"nobody"});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "nobody: no stats of this user");
}

TEST_F(CacheQuestionTest, AMissingSocketIsAnErrorThatSaysWhatToDo) {
  const base::Result<void> done =
      ask_cache({folder_ / "none", protocol::PageQuery{}}, {sink_}, waiter_, *diagnostics_);
  ASSERT_FALSE(done);
  EXPECT_TRUE(holds(done.error().message, "start a cache there first"));
}

TEST_F(CacheQuestionTest, WatchesUntilTheCacheEnds) {
  std::thread watcher([&] {
    protocol::PageQuery query;
    query.watch = true;
    const base::Result<void> done = watch_cache({socket(), query}, {sink_}, waiter_, *diagnostics_);
    EXPECT_TRUE(done) << done.error().message;
  });
  EXPECT_TRUE(eventually([&] { return sink_.written().ends_with("\n"); }));
  source_.give(line("a", R"("sum":9.00,"count":3)"));
  EXPECT_TRUE(eventually([&] { return sink_.written().find("9.00") != std::string::npos; }));
  source_.end();
  watcher.join();
  EXPECT_TRUE(holds(messages(), "the cache has ended"));
}

TEST_F(CacheQuestionTest, AWatchEndsByASignalAndByAClosedOutput) {
  protocol::PageQuery query;
  query.watch = true;
  std::thread watcher([&] {
    const base::Result<void> done = watch_cache({socket(), query}, {sink_}, waiter_, *diagnostics_);
    EXPECT_FALSE(done);
    EXPECT_EQ(done.error().kind, base::ErrorKind::kClosedOutput);
  });
  EXPECT_TRUE(eventually([&] { return !sink_.written().empty(); }));
  sink_.go();
  source_.give(line("a", R"("sum":9.00,"count":3)"));
  watcher.join();

  KeepingSink sink;
  std::thread interrupted([&] {
    const base::Result<void> done = watch_cache({socket(), query}, {sink}, waiter_, *diagnostics_);
    EXPECT_FALSE(done);
    EXPECT_EQ(done.error().kind, base::ErrorKind::kInterrupted);
  });
  EXPECT_TRUE(eventually([&] { return !sink.written().empty(); }));
  stop_.request(SIGINT);
  interrupted.join();
}

TEST_F(CacheQuestionTest, AWatchOnATerminalIsDrawnOverWhatWasThere) {
  protocol::PageQuery query;
  query.watch = true;
  query.limit = 1;
  std::thread watcher([&] {
    EXPECT_TRUE(watch_cache({socket(), query}, {sink_, log_.get()}, waiter_, *diagnostics_));
  });
  EXPECT_TRUE(eventually([&] { return !sink_.written().empty(); }));
  EXPECT_EQ(sink_.written(),
            "\x1b[H2 users, sum 6.00, count 3\x1b[K\n"
            "RANK  USER   SUM  COUNT\x1b[K\n"
            "   1  b     5.00      2\x1b[K\n\x1b[J");
  source_.end();
  watcher.join();
}

}  // namespace
}  // namespace paystats::cache
