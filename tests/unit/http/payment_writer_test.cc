#include "http/payment_writer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>

#include "unit/http/harness.h"

namespace paystats::http {
namespace {

using std::chrono::milliseconds;

constexpr const char* kBatch = R"({"user":"a","paymentAmt":1})";

TEST(PaymentWriter, ManyPostsShareOneFlush) {
  HttpHarness server;
  server.control->hold(true);
  std::vector<HttpClient> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(server.client());
    clients.back().send(server.post(kBatch));
  }
  ASSERT_TRUE(eventually([&] { return server.figures().posts_waiting == 50; }));
  server.control->hold(false);
  for (HttpClient& client : clients) EXPECT_EQ(status_of(client.read_response()), 200);
  EXPECT_EQ(server.control->flushed(), 50u);
  EXPECT_LE(server.control->flushes, 3u);
}

TEST(PaymentWriter, AStalledOutputFillsTheQueueAndThenSaysSo) {
  HttpHarness server({.writer = {.posts_max = 3}});
  server.control->hold(true);
  std::vector<HttpClient> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.push_back(server.client());
    waiting.back().send(server.post(kBatch));
  }
  ASSERT_TRUE(eventually([&] { return server.figures().posts_waiting == 3; }));
  const std::string refused = server.ask(server.post(kBatch));
  EXPECT_EQ(status_of(refused), 503);
  EXPECT_NE(refused.find("problem:busy"), std::string::npos);
  EXPECT_NE(refused.find("too many payments wait to be written"), std::string::npos);
  EXPECT_NE(refused.find("Retry-After: 1\r\n"), std::string::npos);
  EXPECT_TRUE(server.alive());  // nothing else is held up
  server.control->hold(false);
  for (HttpClient& client : waiting) EXPECT_EQ(status_of(client.read_response()), 200);
  EXPECT_EQ(status_of(server.ask(server.post(kBatch))), 200);
  EXPECT_EQ(server.control->flushed(), 4u);
}

TEST(PaymentWriter, WhoHasWaitedTooLongIsToldWhetherAnythingWasWritten) {
  HttpHarness server({.writer = {.wait_timeout = milliseconds(300)}});
  server.control->hold(true);
  HttpClient first = server.client();
  first.send(server.post(kBatch));
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(server.control->mutex);
    return server.control->puts_begun == 1;
  }));
  HttpClient second = server.client();
  second.send(server.post(kBatch));
  EXPECT_NE(first.read_response().find("problem:outcome-unknown"), std::string::npos);
  EXPECT_NE(second.read_response().find("problem:busy"), std::string::npos);
  server.control->hold(false);
  EXPECT_TRUE(eventually([&] { return server.control->flushed() == 1; }));
  EXPECT_EQ(status_of(server.ask(server.post(kBatch))), 200);
  EXPECT_EQ(server.control->flushed(), 2u);  // the second one was never written
}

TEST(PaymentWriter, AFullDiskRefusesPaymentsUntilThereIsRoom) {
  HttpHarness server;
  server.start_cache(1);
  server.control->fail_next(2);
  for (int i = 0; i < 2; ++i) {
    const std::string refused = server.ask(server.post(kBatch));
    EXPECT_EQ(status_of(refused), 507);
    EXPECT_NE(refused.find("problem:not-stored"), std::string::npos);
    EXPECT_EQ(status_of(server.ask(server.get("/readyz"))), 503);
  }
  EXPECT_EQ(status_of(server.ask(server.post(kBatch))), 200);
  EXPECT_EQ(status_of(server.ask(server.get("/readyz"))), 200);
  EXPECT_EQ(server.control->flushed(), 1u);
}

// A load balancer sends nothing to a server that is not ready.
TEST(PaymentWriter, AServerIsReadyAgainWithoutAPostOnceThereIsRoom) {
  HttpHarness server;
  server.start_cache(1);
  server.control->fail_next(1);
  EXPECT_EQ(status_of(server.ask(server.post(kBatch))), 507);
  ASSERT_TRUE(eventually([&] { return server.control->probes_so_far() == 1; }));
  EXPECT_NE(server.ask(server.get("/readyz")).find("payments cannot be written"),
            std::string::npos);
  server.control->make_room();
  EXPECT_TRUE(eventually([&] { return status_of(server.ask(server.get("/readyz"))) == 200; }));
  EXPECT_EQ(server.control->abandons, server.control->probes_so_far()) << "turns are given back";
  EXPECT_EQ(server.control->flushed(), 0u);
  EXPECT_EQ(status_of(server.ask(server.post(kBatch))), 200);
}

TEST(PaymentWriter, AnOutputThatAProbeFindsBrokenTakesNothingMore) {
  HttpHarness server;
  server.control->fail_next(1);
  EXPECT_EQ(status_of(server.ask(server.post(kBatch))), 507);
  server.control->break_now();
  EXPECT_TRUE(eventually([&] {
    std::string message;
    server.on_loop([&] { message = server.broken_message; });
    return message == "sink: input/output error";
  }));
  EXPECT_NE(server.ask(server.post(kBatch)).find("problem:stopping"), std::string::npos);
}

TEST(PaymentWriter, AProbeThatWaitsForItsTurnHoldsUpNoPost) {
  HttpHarness server;
  server.control->fail_next(1);
  EXPECT_EQ(status_of(server.ask(server.post(kBatch))), 507);
  server.control->hold_turn(true);
  ASSERT_TRUE(eventually([&] { return server.control->turn_is_waited_for(); }));
  HttpClient client = server.client();
  client.send(server.post(kBatch));
  ASSERT_TRUE(eventually([&] { return server.figures().posts_waiting == 1; }));
  server.control->hold_turn(false);
  EXPECT_EQ(status_of(client.read_response()), 200);
}

TEST(PaymentWriter, AnOutputThatBreaksLeavesTheOutcomeUnknownAndTakesNothingMore) {
  HttpHarness server;
  server.control->fail_next(1, false);
  EXPECT_NE(server.ask(server.post(kBatch)).find("problem:outcome-unknown"), std::string::npos);
  EXPECT_NE(server.ask(server.post(kBatch)).find("problem:stopping"), std::string::npos);
  server.on_loop([&] { EXPECT_EQ(server.broken_message, "sink: no space left on device"); });
}

TEST(PaymentWriter, AReaderOfTheOutputThatGoesAwayIsNoticedWhileIdle) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const base::UniqueFd write_end(ends[1]);
  base::UniqueFd read_end(ends[0]);
  HttpHarness server({.reader_fd = write_end.get()});
  EXPECT_EQ(status_of(server.ask(server.post(kBatch))), 200);
  read_end.reset();
  EXPECT_TRUE(eventually([&] {
    std::string message;
    server.on_loop([&] { message = server.broken_message; });
    return !message.empty();
  }));
}

// Blocks in its first put(), and says when it is destroyed and what was asked of it after that put.
class StuckSink final : public io::PaymentSink {
 public:
  struct Control {
    std::promise<void> begun;
    std::promise<void> release;
    std::promise<void> destroyed;
    std::atomic<int> later_calls = 0;
  };
  explicit StuckSink(std::shared_ptr<Control> control) : control_(std::move(control)) {}
  ~StuckSink() override { control_->destroyed.set_value(); }

  base::Result<void> put(const record::Request&) override {
    control_->begun.set_value();
    control_->release.get_future().wait();
    return base::fail("sink: input/output error");
  }
  base::Result<void> commit_lines(std::string_view) override { return later(); }
  base::Result<void> flush() override { return later(); }
  base::Result<void> close() override { return later(); }
  Aftermath aftermath() const override { return Aftermath::kUndone; }

 private:
  base::Result<void> later() {
    ++control_->later_calls;
    return {};
  }
  const std::shared_ptr<Control> control_;
};

// What the writer borrowed is gone when the sink comes back: sanitizers see any use of it.
TEST(PaymentWriter, AThreadThatIsStuckInTheSinkOwnsAllThatItStillUses) {
  const auto control = std::make_shared<StuckSink::Control>();
  auto loop = std::make_unique<loop::EventLoop>();
  auto clock = std::make_unique<base::SystemClock>();
  int told = 0;
  const auto tell = [&told](const auto&...) { ++told; };
  auto writer = std::make_unique<PaymentWriter>(
      *loop, std::make_unique<StuckSink>(control), *clock, PaymentWriterLimits{},
      PaymentWriter::Handlers{
          .on_broken = tell, .on_not_stored = tell, .on_stored_again = tell, .on_stopped = tell});
  ASSERT_TRUE(writer->start());
  for (int i = 0; i < 2; ++i) {
    api::PostedPayments payments;
    payments.add({.user = "a", .amount_text = "1", .amount = {}, .volume = 1});
    writer->post({.payments = std::move(payments)}, tell);
  }
  writer->stop();  // hands over at once
  control->begun.get_future().wait();
  writer.reset();
  clock.reset();
  loop.reset();
  control->release.set_value();
  control->destroyed.get_future().wait();
  EXPECT_EQ(control->later_calls, 0);
  EXPECT_EQ(told, 0);
}

}  // namespace
}  // namespace paystats::http
