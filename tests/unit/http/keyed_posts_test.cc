// Posts with idempotency keys where something else than the sink decides what becomes of them.
#include "http/keyed_posts.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "unit/http/fake_keyed_requests.h"
#include "unit/http/harness.h"

namespace paystats::http {
namespace {

using Kind = io::KeyedOutcome::Kind;
using std::chrono::milliseconds;

constexpr const char* kSeven = R"({"user":"a","paymentAmt":1,"volume":7})";
constexpr const char* kKey = "Idempotency-Key: \"k\"\r\n";

class KeyedElsewhere : public ::testing::Test {
 protected:
  void start(const HttpLimits& limits = {}, const PaymentWriterLimits& writer = {}) {
    server_ = std::make_unique<HttpHarness>(
        HttpHarness::Settings{.limits = limits, .writer = writer, .keyed = keyed_});
  }
  std::string post() const { return server_->post(kSeven, kKey); }
  std::string question() const { return server_->get("/api/payments/k"); }

  // A client whose request has been handed over.
  HttpClient send(const std::string& request) {
    const size_t before = keyed_->count();
    HttpClient client = server_->client();
    client.send(request);
    EXPECT_TRUE(eventually([&] { return keyed_->count() == before + 1; }));
    return client;
  }
  bool settles(uint64_t waiting) {
    return eventually([&] { return server_->figures().posts_waiting == waiting; });
  }

  const std::shared_ptr<FakeKeyedRequests::Control> keyed_ =
      std::make_shared<FakeKeyedRequests::Control>();
  std::unique_ptr<HttpHarness> server_;
};

TEST_F(KeyedElsewhere, APostWithAKeyNeverReachesTheSinkAndOneWithoutNothingElse) {
  start();
  HttpClient client = send(post());
  EXPECT_TRUE(settles(1));
  keyed_->tell(0, Kind::kPaid, 7);
  const std::string paid = client.read_response();
  EXPECT_EQ(status_of(paid), 200);
  EXPECT_NE(paid.find("{\"accepted\":7}"), std::string::npos);
  EXPECT_EQ(keyed_->calls[0].key, "k");
  EXPECT_EQ(keyed_->calls[0].payments, 7u);
  EXPECT_EQ(server_->control->flushed(), 0u);

  EXPECT_EQ(status_of(server_->ask(server_->post(kSeven))), 200);
  EXPECT_EQ(server_->control->flushed(), 7u);
  EXPECT_EQ(keyed_->count(), 1u);
  EXPECT_EQ(server_->figures().payments_accepted, 14u);
  EXPECT_EQ(server_->figures().posts_accepted, 2u);
}

TEST_F(KeyedElsewhere, EachOutcomeOfAPostHasItsAnswer) {
  start();
  const struct {
    Kind kind;
    int status;
    const char* words;
  } kCases[] = {{Kind::kRepeated, 200, "{\"accepted\":7}"},
                {Kind::kReused, 422, "problem:key-reused"},
                {Kind::kNoRoom, 503, "as many idempotency keys are remembered as there may be"},
                {Kind::kNotTaken, 503, "problem:busy"},
                {Kind::kRefused, 507, "problem:not-stored"},
                {Kind::kUncertain, 503, "problem:outcome-unknown"},
                {Kind::kUncertain, 503, "sending the same request again, or asking for its key"}};
  for (size_t i = 0; i < std::size(kCases); ++i) {
    HttpClient client = send(post());
    keyed_->tell(i, kCases[i].kind, 7);
    const std::string response = client.read_response();
    EXPECT_EQ(status_of(response), kCases[i].status) << response;
    EXPECT_NE(response.find(kCases[i].words), std::string::npos) << response;
  }
  EXPECT_EQ(server_->figures().posts_repeated, 1u);
  EXPECT_EQ(server_->figures().payments_accepted, 0u);
  EXPECT_EQ(server_->figures().posts_failed, 6u);
}

TEST_F(KeyedElsewhere, EachOutcomeOfAQuestionHasItsAnswer) {
  start();
  const struct {
    Kind kind;
    int status;
    const char* words;
  } kCases[] = {{Kind::kPaid, 200, "{\"accepted\":7}"},
                {Kind::kKeyUnknown, 404, "\"horizon\":{\"kept\":\"topic\""},
                {Kind::kNotTaken, 503, "what became of the key cannot be told now"},
                {Kind::kNotTaken, 503, "problem:busy"},
                {Kind::kUncertain, 503, "what became of the key cannot be told now"},
                {Kind::kUncertain, 503, "problem:busy"}};
  for (size_t i = 0; i < std::size(kCases); ++i) {
    HttpClient client = send(question());
    keyed_->tell(i, kCases[i].kind, 7);
    const std::string response = client.read_response();
    EXPECT_EQ(status_of(response), kCases[i].status) << response;
    EXPECT_NE(response.find(kCases[i].words), std::string::npos) << response;
    EXPECT_TRUE(keyed_->calls[i].asks);
  }
}

TEST_F(KeyedElsewhere, WhatIsKnownAtOnceIsAnsweredAtOnce) {
  start();
  keyed_->answer_at_once(Kind::kRepeated, 7);
  EXPECT_NE(server_->ask(post()).find("{\"accepted\":7}"), std::string::npos);
  keyed_->answer_at_once(Kind::kPaid, 7);
  EXPECT_NE(server_->ask(question()).find("{\"accepted\":7}"), std::string::npos);
  EXPECT_EQ(server_->figures().posts_waiting, 0u);
}

TEST_F(KeyedElsewhere, WhatKeysAreWorthIsThatOfTheTopics) {
  start();
  EXPECT_NE(server_->ask(server_->get("/api/idempotency")).find("{\"kept\":\"topic\""),
            std::string::npos);
  EXPECT_NE(server_->ask(server_->get("/metrics")).find("paystats_serve_idempotency_keys 5\n"),
            std::string::npos);
}

TEST_F(KeyedElsewhere, AWaitOverTheLimitLeavesTheOutcomeOpenUntilItIsTold) {
  start({}, {.wait_timeout = milliseconds(300)});
  const std::string first = server_->ask(post());
  EXPECT_EQ(status_of(first), 503);
  EXPECT_NE(first.find("problem:outcome-unknown"), std::string::npos);
  EXPECT_NE(first.find("they may still be taken, once"), std::string::npos);
  EXPECT_EQ(status_of(server_->ask(question())), 409);  // of the same key, as long as that is so
  EXPECT_NE(server_->ask(server_->get("/api/payments/other")).find("problem:busy"),
            std::string::npos);
  EXPECT_EQ(server_->figures().posts_undecided, 3u);
  keyed_->tell(0, Kind::kPaid, 7);  // nobody waits for it any more
  EXPECT_EQ(server_->figures().posts_undecided, 2u);
  EXPECT_NE(server_->ask(question()).find("problem:busy"), std::string::npos);
  HttpClient again = send(post());
  keyed_->tell(4, Kind::kRepeated, 7);
  EXPECT_EQ(status_of(again.read_response()), 200);
}

TEST_F(KeyedElsewhere, AKeyIsNotUnknownWhileARequestOfItMayStillBeTaken) {
  start();
  HttpClient paying = send(post());
  for (const Kind kind : {Kind::kKeyUnknown, Kind::kUncertain}) {
    HttpClient asking = send(question());
    keyed_->tell(keyed_->count() - 1, kind);
    EXPECT_EQ(status_of(asking.read_response()), 409);
  }
  keyed_->answer_at_once(Kind::kKeyUnknown);
  EXPECT_EQ(status_of(server_->ask(question())), 409);
  keyed_->answer_at_once(std::nullopt);
  HttpClient of_another = send(server_->get("/api/payments/other"));
  keyed_->tell(4, Kind::kKeyUnknown);
  EXPECT_EQ(status_of(of_another.read_response()), 404);
  keyed_->tell(0, Kind::kNotTaken);
  EXPECT_EQ(status_of(paying.read_response()), 503);
  HttpClient asking = send(question());
  keyed_->tell(5, Kind::kKeyUnknown);
  EXPECT_EQ(status_of(asking.read_response()), 404);
}

TEST_F(KeyedElsewhere, WhatIsToldTooLateStillTakesRoom) {
  start({}, {.posts_max = 2, .wait_timeout = milliseconds(300)});
  EXPECT_NE(server_->ask(post()).find("problem:outcome-unknown"), std::string::npos);
  EXPECT_NE(server_->ask(question()).find("problem:key-under-way"), std::string::npos);
  EXPECT_NE(server_->ask(post()).find("problem:busy"), std::string::npos);
  EXPECT_EQ(keyed_->count(), 2u);  // the third was not handed over
  keyed_->tell(0, Kind::kPaid, 7);
  keyed_->tell(1, Kind::kPaid, 7);
  HttpClient client = send(post());
  keyed_->tell(2, Kind::kRepeated, 7);
  EXPECT_EQ(status_of(client.read_response()), 200);
}

TEST_F(KeyedElsewhere, AClientThatLeavesMeanwhileChangesNothing) {
  start();
  { const HttpClient gone = send(post()); }
  EXPECT_TRUE(server_->alive());
  EXPECT_TRUE(settles(1));  // it has begun
  keyed_->tell(0, Kind::kPaid, 7);
  EXPECT_TRUE(settles(0));
  EXPECT_TRUE(server_->alive());
}

TEST_F(KeyedElsewhere, AMonitorSeesThatNoBrokerTakesThem) {
  start();
  server_->start_cache(1);
  const auto ready = [&] { return status_of(server_->ask(server_->get("/readyz"))); };
  HttpClient refused = send(post());
  keyed_->tell(0, Kind::kNotTaken);
  EXPECT_EQ(status_of(refused.read_response()), 503);
  EXPECT_EQ(ready(), 503);
  EXPECT_EQ(status_of(server_->ask(server_->post(kSeven))), 200);
  EXPECT_EQ(ready(), 503);  // of the others that says nothing
  HttpClient uncertain = send(post());
  keyed_->tell(1, Kind::kUncertain);
  uncertain.read_response();
  EXPECT_EQ(ready(), 503);
  HttpClient taken = send(post());
  keyed_->tell(2, Kind::kPaid, 7);
  EXPECT_EQ(status_of(taken.read_response()), 200);
  EXPECT_EQ(ready(), 200);
}

TEST_F(KeyedElsewhere, WhereItBreaksTheServerEndsAndNothingMoreIsHandedOver) {
  start();
  HttpClient paying = send(post());
  HttpClient asking = send(question());
  for (int i = 0; i < 2; ++i) keyed_->handlers.on_broken({"requests: fenced"});
  EXPECT_NE(paying.read_response().find("problem:outcome-unknown"), std::string::npos);
  EXPECT_NE(asking.read_response().find("problem:stopping"), std::string::npos);
  EXPECT_NE(server_->ask(post()).find("problem:stopping"), std::string::npos);
  EXPECT_EQ(keyed_->count(), 2u);
  server_->on_loop([&] {
    EXPECT_EQ(server_->broken_message, "requests: fenced");
    EXPECT_EQ(server_->times_broken, 1);
  });
}

TEST_F(KeyedElsewhere, AServerThatEndsTellsWhatItCanWhileClientsStillWait) {
  start({}, {.wait_timeout = std::chrono::hours(1)});
  HttpClient paying = send(post());
  HttpClient asking = send(question());
  server_->end_waits_after(milliseconds(0));
  EXPECT_NE(paying.read_response().find("problem:outcome-unknown"), std::string::npos);
  EXPECT_NE(asking.read_response().find("problem:stopping"), std::string::npos);
}

TEST_F(KeyedElsewhere, AServerThatEndsDoesNotWaitForThemForEver) {
  start({.stop_timeout = milliseconds(100)});
  HttpClient paying = send(post());
  HttpClient asking = send(question());
  server_->begin_stop();
  EXPECT_EQ(paying.read_all(), "");
  EXPECT_EQ(asking.read_all(), "");
  EXPECT_TRUE(paying.ended());
  keyed_->tell(0, Kind::kPaid, 7);  // nobody is there any more
}

TEST_F(KeyedElsewhere, OutcomesOfManyThreadsReachTheirClients) {
  start();
  constexpr size_t kClients = 40;
  std::vector<HttpClient> clients;
  for (size_t i = 0; i < kClients; ++i) clients.push_back(send(post()));
  std::vector<std::thread> threads;
  for (size_t first = 0; first < 4; ++first) {
    threads.emplace_back([&, first] {
      for (size_t i = first; i < kClients; i += 4) keyed_->tell(i, Kind::kPaid, 100 + i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < kClients; ++i) {
    const std::string accepted = "{\"accepted\":" + std::to_string(100 + i) + "}";
    EXPECT_NE(clients[i].read_response().find(accepted), std::string::npos);
  }
}

TEST_F(KeyedElsewhere, ARequestOverTheirLimitsIsRefusedWithWordsThatSaySo) {
  start();
  const auto body = [](int volume) {
    return R"({"user":"a","paymentAmt":1,"volume":)" + std::to_string(volume) + "}";
  };
  const std::string many = server_->ask(server_->post(body(101), kKey));
  EXPECT_EQ(status_of(many), 422);
  EXPECT_NE(many.find("more than 100 payments in one request that has an idempotency key"),
            std::string::npos);
  const std::string user(1000, 'u');
  const std::string long_one = R"({"user":")" + user + R"(","paymentAmt":1})";
  const std::string large = server_->ask(server_->post(long_one, kKey));
  EXPECT_EQ(status_of(large), 413);
  EXPECT_NE(large.find("and it may have 1000"), std::string::npos);
  EXPECT_EQ(keyed_->count(), 0u);
  EXPECT_EQ(status_of(server_->ask(server_->post(body(101)))), 200);
  EXPECT_EQ(status_of(server_->ask(server_->post(long_one))), 200);
}

TEST_F(KeyedElsewhere, AServerIsReadyAgainWithoutAPostOnceABrokerTakesRequests) {
  start();
  server_->start_cache(1);
  HttpClient client = send(post());
  keyed_->tell(0, Kind::kNotTaken);
  EXPECT_EQ(status_of(client.read_response()), 503);
  EXPECT_NE(server_->ask(server_->get("/readyz")).find("payments cannot be written"),
            std::string::npos);
  keyed_->take_again();
  EXPECT_TRUE(eventually([&] { return status_of(server_->ask(server_->get("/readyz"))) == 200; }));
}

// Of a writer without a server, on a loop that does not run.
struct BareWriter {
  explicit BareWriter(const std::shared_ptr<FakeKeyedRequests::Control>& keyed) {
    const auto tell = [this](const auto&...) { ++told; };
    writer = std::make_unique<PaymentWriter>(
        *loop, std::make_unique<TrickySink>(std::make_shared<TrickySink::Control>()), clock,
        PaymentWriterLimits{},
        PaymentWriter::Handlers{
            .on_broken = tell, .on_not_stored = tell, .on_stored_again = tell, .on_stopped = tell},
        std::make_unique<FakeKeyedRequests>(keyed));
  }
  std::unique_ptr<loop::EventLoop> loop = std::make_unique<loop::EventLoop>();
  const base::SystemClock clock;
  int told = 0;
  std::unique_ptr<PaymentWriter> writer;
};

TEST(KeyedWriter, AreStoppedOnceWithTheWriter) {
  const auto keyed = std::make_shared<FakeKeyedRequests::Control>();
  BareWriter bare(keyed);
  ASSERT_TRUE(bare.writer->start());
  bare.writer->stop();
  EXPECT_EQ(keyed->stop_calls, 0);  // what is under way can still be decided
  EXPECT_TRUE(bare.writer->end());
  EXPECT_TRUE(bare.writer->end());
  bare.writer.reset();
  EXPECT_EQ(keyed->stop_calls, 1);
}

TEST(KeyedWriter, ThatCannotStartAreAnErrorOfTheWriter) {
  const auto keyed = std::make_shared<FakeKeyedRequests::Control>();
  keyed->starts = false;
  BareWriter bare(keyed);
  const base::Result<void> started = bare.writer->start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().message, "requests: no such topic");
  EXPECT_TRUE(bare.writer->end());
  EXPECT_EQ(keyed->stop_calls, 0);
}

// The loop is gone when the thread that is stuck calls at last: sanitizers see any use of it.
TEST(KeyedWriter, AThreadThatIsStuckMayCallWhenEverythingIsGone) {
  const auto keyed = std::make_shared<FakeKeyedRequests::Control>();
  keyed->stops = false;
  {
    BareWriter bare(keyed);
    ASSERT_TRUE(bare.writer->start());
    EXPECT_FALSE(bare.writer->end());
    EXPECT_FALSE(bare.writer->end());  // still
    bare.writer.reset();
    bare.loop.reset();
    keyed->handlers.on_outcomes({{.id = 1, .kind = Kind::kPaid, .count = 7}});
    keyed->handlers.on_takes_again();
    keyed->handlers.on_broken({"requests: fenced"});
    EXPECT_EQ(bare.told, 0);
  }
  keyed->handlers = {};
}

}  // namespace
}  // namespace paystats::http
