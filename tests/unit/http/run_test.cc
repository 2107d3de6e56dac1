#include "http/run.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>

#include "base/fd.h"
#include "base/stop_signal.h"
#include "unit/http/harness.h"

namespace paystats::http {
namespace {

class HttpRunTest : public ::testing::Test {
 protected:
  ~HttpRunTest() override { control_->hold(false); }

  void open(bool output_is_topic = false,
            const std::shared_ptr<FakeKeyedRequests::Control>& keyed = nullptr) {
    HttpRunOptions options;
    options.address.host = "127.0.0.1";
    options.stats_path = folder_ / "none.sock";
    options.output_name = "the sink";
    options.output_is_topic = output_is_topic;
    options.limits.stop_timeout = std::chrono::milliseconds(100);
    run_ = std::make_unique<HttpRun>(options, base::RunContext{diagnostics_, stop_, clock_});
    const base::Result<void> opened =
        run_->open(std::make_unique<TrickySink>(control_), {},
                   keyed ? std::make_unique<FakeKeyedRequests>(keyed) : nullptr);
    EXPECT_TRUE(opened) << opened.error().message;
  }

  std::string said() const {
    std::ifstream file(words_);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // What is said at the start ends with the port.
  uint16_t port() const {
    const std::string words = said();
    return static_cast<uint16_t>(std::stoi(words.substr(words.rfind(':') + 1)));
  }

  HttpClient post_one(uint16_t port, const std::string& fields = {}) const {
    HttpClient poster(port);
    poster.send("POST /api/payments HTTP/1.1\r\nHost: localhost:" + std::to_string(port) +
                "\r\nContent-Type: application/json\r\nContent-Length: 27\r\n" + fields + "\r\n" +
                R"({"user":"a","paymentAmt":1})");
    return poster;
  }

  // Posts one payment, and asks the run to end once the sink has it.
  base::Result<void> run_with_one_post() {
    std::thread client([this] {
      const HttpClient poster = post_one(port());
      EXPECT_TRUE(eventually([&] {
        const std::lock_guard lock(control_->mutex);
        return control_->puts_begun == 1;
      }));
      stop_.request(SIGTERM);
    });
    base::Result<void> done = run_->run();
    client.join();
    return done;
  }

  const TempFolder folder_;
  const std::string words_ = folder_ / "stderr";
  base::UniqueFd fd_ = std::move(*base::open_file(words_, O_WRONLY | O_CREAT));
  base::Diagnostics diagnostics_{"serve", base::Verbosity::kNormal, fd_.get()};
  base::StopSignal stop_;
  const base::SystemClock clock_;
  const std::shared_ptr<TrickySink::Control> control_ = std::make_shared<TrickySink::Control>();
  std::unique_ptr<HttpRun> run_;
};

TEST_F(HttpRunTest, AnOutputThatDoesNotReturnAtTheEndIsToldSoThatNothingIsDestroyed) {
  open();
  control_->hold(true);
  const base::Result<void> done = run_with_one_post();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "the sink: does not take the payments that were under way");
  EXPECT_TRUE(run_->output_stuck());
}

TEST_F(HttpRunTest, AnOutputThatReturnsIsClosedBeforeTheRunEnds) {
  open();
  const base::Result<void> done = run_with_one_post();
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_FALSE(run_->output_stuck());
  EXPECT_EQ(control_->flushed(), 1u);
}

TEST_F(HttpRunTest, RequestsWithKeysAreServedAndThenStopped) {
  const auto keyed = std::make_shared<FakeKeyedRequests::Control>();
  open(true, keyed);
  EXPECT_NE(said().find("a request with an idempotency key is taken once, whichever server it is "
                        "sent to: keys are kept in the topics\n"),
            std::string::npos);
  std::thread client([&, port = port()] {
    HttpClient poster = post_one(port, "Idempotency-Key: k\r\n");
    EXPECT_TRUE(eventually([&] { return keyed->count() == 1; }));
    keyed->tell(0, io::KeyedOutcome::Kind::kPaid, 1);
    EXPECT_EQ(status_of(poster.read_response()), 200);
    stop_.request(SIGTERM);
  });
  const base::Result<void> done = run_->run();
  client.join();
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_FALSE(run_->output_stuck());
  EXPECT_EQ(keyed->stop_calls, 1);
  EXPECT_EQ(control_->flushed(), 0u);
}

TEST_F(HttpRunTest, RequestsWithKeysThatDoNotStopAreToldAsAnOutputThatDoesNotReturn) {
  const auto keyed = std::make_shared<FakeKeyedRequests::Control>();
  keyed->stops = false;
  open(true, keyed);
  const base::Result<void> done = run_with_one_post();
  ASSERT_FALSE(done);
  EXPECT_TRUE(run_->output_stuck());
  run_.reset();
  keyed->handlers.on_broken({"requests: fenced"});  // of the thread that is stuck
  keyed->handlers = {};
}

TEST_F(HttpRunTest, RequestsWithKeysThatBreakEndTheServer) {
  const auto keyed = std::make_shared<FakeKeyedRequests::Control>();
  open(true, keyed);
  std::thread breaks([&] {
    EXPECT_TRUE(eventually([&] {
      const std::lock_guard lock(keyed->mutex);
      return keyed->handlers.on_broken != nullptr;
    }));
    keyed->handlers.on_broken({"requests: fenced", base::ErrorKind::kMustNotGoOn});
  });
  const base::Result<void> done = run_->run();
  breaks.join();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "requests: fenced");
  EXPECT_EQ(done.error().kind, base::ErrorKind::kMustNotGoOn);
}

TEST_F(HttpRunTest, RequestsWithKeysThatCannotStartAreTheErrorOfTheRun) {
  const auto keyed = std::make_shared<FakeKeyedRequests::Control>();
  keyed->starts = false;
  open(true, keyed);
  const base::Result<void> done = run_->run();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "requests: no such topic");
  EXPECT_FALSE(run_->output_stuck());
}

TEST_F(HttpRunTest, ATableOfKeysThatIsFullIsAWarningAndRoomAgainIsANote) {
  control_->keeps_keys = true;
  control_->keys_full = true;
  open();
  std::thread client([&, port = port()] {
    for (int i = 0; i < 2; ++i) {
      const std::string refused = post_one(port, "Idempotency-Key: k\r\n").read_response();
      EXPECT_EQ(status_of(refused), 503);
    }
    {
      const std::lock_guard lock(control_->mutex);
      control_->keys_full = false;
    }
    EXPECT_TRUE(eventually([&] { return said().find("room for") != std::string::npos; }));
    stop_.request(SIGTERM);
  });
  EXPECT_TRUE(run_->run());
  client.join();
  const std::string words = said();
  const std::string warning = "warning: as many idempotency keys are remembered as there may be";
  EXPECT_NE(words.find(warning), std::string::npos) << words;
  EXPECT_EQ(words.find(warning), words.rfind(warning));
  EXPECT_NE(words.find("there is room for idempotency keys again"), std::string::npos) << words;
}

TEST_F(HttpRunTest, WhereATopicKeepsNoKeysTheOptionsForThatAreNamed) {
  open(true);
  EXPECT_NE(said().find("keys are not kept: a request that has one is refused (see --requests and "
                        "--answers)\n"),
            std::string::npos);
  std::string refused;
  std::thread client([&, port = port()] {
    refused = post_one(port, "Idempotency-Key: k\r\n").read_response();
    stop_.request(SIGTERM);
  });
  EXPECT_TRUE(run_->run());
  client.join();
  EXPECT_EQ(status_of(refused), 501);
  EXPECT_NE(refused.find("(see --requests and --answers)"), std::string::npos);
}

TEST_F(HttpRunTest, AnOutputThatIsNoTopicIsNotToldOfTopics) {
  open();
  EXPECT_NE(said().find("keys are not kept: a request that has one is refused\n"),
            std::string::npos);
}

}  // namespace
}  // namespace paystats::http
