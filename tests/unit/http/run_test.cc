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
#include "unit/http/harness.h"

namespace paystats::http {
namespace {

class HttpRunTest : public ::testing::Test {
 protected:
  HttpRunTest() {
    HttpRunOptions options;
    options.address.host = "127.0.0.1";
    options.stats_path = folder_ / "none.sock";
    options.output_name = "the sink";
    options.limits.stop_timeout = std::chrono::milliseconds(100);
    run_ = std::make_unique<HttpRun>(options, base::RunContext{diagnostics_, stop_, clock_});
    const base::Result<void> opened = run_->open(std::make_unique<TrickySink>(control_), {});
    EXPECT_TRUE(opened) << opened.error().message;
  }
  ~HttpRunTest() override { control_->hold(false); }

  // What is said at the start ends with the port.
  uint16_t port() const {
    std::ifstream file(words_);
    const std::string said(std::istreambuf_iterator<char>(file), {});
    return static_cast<uint16_t>(std::stoi(said.substr(said.rfind(':') + 1)));
  }

  // Posts one payment, and asks the run to end once the sink has it.
  base::Result<void> run_with_one_post() {
    std::thread client([this] {
      HttpClient poster(port());
      poster.send("POST /api/payments HTTP/1.1\r\nHost: localhost:" + std::to_string(port()) +
                  "\r\nContent-Type: application/json\r\nContent-Length: 27\r\n\r\n"
                  R"({"user":"a","paymentAmt":1})");
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
  control_->hold(true);
  const base::Result<void> done = run_with_one_post();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "the sink: does not take the payments that were under way");
  EXPECT_TRUE(run_->output_stuck());
}

TEST_F(HttpRunTest, AnOutputThatReturnsIsClosedBeforeTheRunEnds) {
  const base::Result<void> done = run_with_one_post();
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_FALSE(run_->output_stuck());
  EXPECT_EQ(control_->flushed(), 1u);
}

}  // namespace
}  // namespace paystats::http
