// What becomes of posts that wait for their turn, and of those with an idempotency key.
#include <gtest/gtest.h>

#include <vector>

#include "unit/http/harness.h"

namespace paystats::http {
namespace {

using std::chrono::milliseconds;

constexpr const char* kSevenPayments = R"({"user":"a","paymentAmt":1,"volume":7})";
constexpr const char* kKeyField = "Idempotency-Key: \"k\"\r\n";

uint64_t waiting(HttpHarness& server) {
  return server.figures().posts_waiting;
}

TEST(WaitingPosts, WhatHasNotBegunAtItsLimitIsNeverWritten) {
  HttpHarness server({.writer = {.wait_timeout = milliseconds(300)}});
  server.control->hold_turn(true);
  EXPECT_NE(server.ask(server.post(kSevenPayments)).find("problem:busy"), std::string::npos);
  server.control->hold_turn(false);
  EXPECT_EQ(status_of(server.ask(server.post(kSevenPayments))), 200);
  EXPECT_EQ(server.control->flushed(), 7u);
}

TEST(WaitingPosts, WhoseClientHasLeftIsNeverWritten) {
  HttpHarness server;
  server.control->hold_turn(true);
  {
    HttpClient gone = server.client();
    gone.send(server.post(kSevenPayments));
    ASSERT_TRUE(eventually([&] { return waiting(server) == 1; }));
    std::this_thread::sleep_for(milliseconds(150));  // longer than one that only ends its side
  }
  HttpClient stays = server.client();
  stays.send(server.post(R"({"user":"a","paymentAmt":1})"));
  ASSERT_TRUE(eventually([&] { return waiting(server) == 2; }));
  server.control->hold_turn(false);
  EXPECT_EQ(status_of(stays.read_response()), 200);
  EXPECT_TRUE(eventually([&] { return waiting(server) == 0; }));
  EXPECT_EQ(server.control->flushed(), 1u);
}

// As a server finds it that was stopped, or was busy, for so long.
TEST(WaitingPosts, WhoseClientLeftBeforeTheRequestWasReadIsNeverWritten) {
  HttpHarness server;
  HttpClient first = server.client();
  first.send(server.post(kSevenPayments));
  EXPECT_EQ(status_of(first.read_response()), 200);
  server.on_loop([&] {
    {
      HttpClient gone = server.client();
      gone.send(server.post(kSevenPayments));
    }
    std::this_thread::sleep_for(milliseconds(1200));
  });
  EXPECT_TRUE(eventually([&] { return server.figures().posts_failed == 1; }));
  EXPECT_EQ(server.control->flushed(), 7u);
}

TEST(WaitingPosts, AClientThatEndsItsSideAndWaitsIsAnswered) {
  HttpHarness server;
  HttpClient client = server.client();
  client.send(server.post(kSevenPayments));
  client.end_sending();
  EXPECT_EQ(status_of(client.read_response()), 200);
}

TEST(WaitingPosts, AServerThatEndsDoesNotWaitForItsTurn) {
  HttpHarness server({.limits = {.stop_timeout = milliseconds(100)}});
  server.control->hold_turn(true);
  HttpClient client = server.client();
  client.send(server.post(kSevenPayments));
  ASSERT_TRUE(eventually([&] { return waiting(server) == 1; }));
  server.begin_stop();
  client.read_all();
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(server.control->flushed(), 0u);
}

TEST(KeyedPosts, ARepeatedRequestIsAnsweredAsTheFirstAndWrittenOnce) {
  HttpHarness server({.keeps_keys = true});
  const std::string first = server.ask(server.post(kSevenPayments, kKeyField));
  EXPECT_EQ(status_of(first), 200);
  const std::string again =
      server.ask(server.post(R"([{"volume":"7","paymentAmt":"1.0","user":"a"}])", kKeyField));
  EXPECT_EQ(again.substr(again.find("\r\n\r\n")), first.substr(first.find("\r\n\r\n")));
  const std::string other = server.ask(server.post(R"({"user":"b","paymentAmt":1})", kKeyField));
  EXPECT_EQ(status_of(other), 422);
  EXPECT_NE(other.find("problem:key-reused"), std::string::npos);
  EXPECT_EQ(server.control->flushed(), 7u);
  EXPECT_EQ(server.figures().posts_repeated, 1u);
  EXPECT_EQ(server.figures().payments_accepted, 7u);
}

TEST(KeyedPosts, ManyAtOnceAreOneAndAllAreTold) {
  HttpHarness server({.keeps_keys = true});
  server.control->hold(true);
  std::vector<HttpClient> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(server.client());
    clients.back().send(server.post(kSevenPayments, kKeyField));
  }
  ASSERT_TRUE(eventually([&] { return waiting(server) == 50; }));
  server.control->hold(false);
  for (HttpClient& client : clients) EXPECT_EQ(status_of(client.read_response()), 200);
  EXPECT_EQ(server.control->flushed(), 7u);
}

TEST(KeyedPosts, WhatTheOutputDidNotTakeBindsNoKey) {
  HttpHarness server({.keeps_keys = true});
  server.control->fail_next(1);
  EXPECT_EQ(status_of(server.ask(server.post(kSevenPayments, kKeyField))), 507);
  EXPECT_EQ(status_of(server.ask(server.get("/api/payments/k"))), 404);
  EXPECT_EQ(status_of(server.ask(server.post(R"({"user":"b","paymentAmt":1})", kKeyField))), 200);
  EXPECT_EQ(server.control->flushed(), 1u);
}

TEST(KeyedPosts, WhereAKeyCannotBeReadTheTurnEndsAndNothingOfItIsWritten) {
  HttpHarness server({.keeps_keys = true});
  server.control->hold_turn(true);
  HttpClient unkeyed = server.client();
  unkeyed.send(server.post(kSevenPayments));
  ASSERT_TRUE(eventually([&] { return waiting(server) == 1; }));
  HttpClient keyed = server.client();
  keyed.send(server.post(kSevenPayments, kKeyField));
  ASSERT_TRUE(eventually([&] { return waiting(server) == 2; }));
  {
    const std::lock_guard lock(server.control->mutex);
    server.control->key_unreadable = true;
  }
  server.control->hold_turn(false);
  EXPECT_EQ(status_of(unkeyed.read_response()), 507);
  EXPECT_EQ(status_of(keyed.read_response()), 507);
  {
    const std::lock_guard lock(server.control->mutex);
    server.control->key_unreadable = false;
    EXPECT_EQ(server.control->abandons, 1);
  }
  EXPECT_EQ(status_of(server.ask(server.post(R"({"user":"b","paymentAmt":1})"))), 200);
  EXPECT_EQ(server.control->flushed(), 1u);
}

TEST(KeyedPosts, OneCanAskWhatBecameOfThem) {
  HttpHarness server({.keeps_keys = true});
  const std::string unknown = server.ask(server.get("/api/payments/k"));
  EXPECT_EQ(status_of(unknown), 404);
  EXPECT_NE(unknown.find("\"horizon\":{\"kept\":\"process\""), std::string::npos);
  EXPECT_EQ(status_of(server.ask(server.post(kSevenPayments, kKeyField))), 200);
  const std::string known = server.ask(server.get("/api/payments/%6B"));
  EXPECT_EQ(status_of(known), 200);
  EXPECT_NE(known.find("{\"accepted\":7}"), std::string::npos);
  EXPECT_EQ(status_of(server.ask(server.get("/api/payments/" + std::string(256, 'k')))), 400);
}

TEST(KeyedPosts, TheSecondIsToldThatTheFirstIsUnderWay) {
  HttpHarness server({.writer = {.wait_timeout = milliseconds(300)}, .keeps_keys = true});
  server.control->hold(true);
  HttpClient first = server.client();
  first.send(server.post(kSevenPayments, kKeyField));
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(server.control->mutex);
    return server.control->puts_begun == 1;
  }));
  HttpClient second = server.client();
  second.send(server.post(kSevenPayments, kKeyField));
  HttpClient other = server.client();
  other.send(server.post(kSevenPayments, "Idempotency-Key: l\r\n"));
  EXPECT_NE(first.read_response().find("problem:outcome-unknown"), std::string::npos);
  const std::string under_way = second.read_response();
  EXPECT_EQ(status_of(under_way), 409);
  EXPECT_NE(under_way.find("Retry-After: 1\r\n"), std::string::npos);
  EXPECT_NE(other.read_response().find("problem:busy"), std::string::npos);
  EXPECT_EQ(status_of(server.ask(server.get("/api/payments/k"))), 409);  // still
  server.control->hold(false);
  EXPECT_TRUE(
      eventually([&] { return status_of(server.ask(server.get("/api/payments/k"))) == 200; }));
  EXPECT_EQ(server.control->flushed(), 7u);
}

TEST(KeyedPosts, WaitUntilTheKeysAreReadWhileOthersAreTaken) {
  HttpHarness server({.keeps_keys = true});
  {
    const std::lock_guard lock(server.control->mutex);
    server.control->keys_read = false;
  }
  HttpClient keyed = server.client();
  keyed.send(server.post(kSevenPayments, kKeyField));
  ASSERT_TRUE(eventually([&] { return waiting(server) == 1; }));
  EXPECT_EQ(status_of(server.ask(server.post(R"({"user":"a","paymentAmt":1})"))), 200);
  {
    const std::lock_guard lock(server.control->mutex);
    server.control->keys_read = true;
  }
  EXPECT_EQ(status_of(keyed.read_response()), 200);
  EXPECT_EQ(server.control->flushed(), 8u);
}

TEST(KeyedPosts, WhatWaitedForItsTurnIsToldSoAndNotThatThereWereTooMany) {
  HttpHarness server({.writer = {.wait_timeout = milliseconds(300)}, .keeps_keys = true});
  const auto expect_told = [&server](const char* key) {
    const std::string posted = server.ask(server.post(kSevenPayments, key));
    EXPECT_EQ(status_of(posted), 503);
    EXPECT_NE(posted.find("problem:busy"), std::string::npos);
    EXPECT_NE(posted.find("the output could not be written to in time; none of these payments was "
                          "taken"),
              std::string::npos)
        << posted;
  };
  server.control->hold_turn(true);
  expect_told("");
  expect_told(kKeyField);
  server.control->hold_turn(false);
  {
    const std::lock_guard lock(server.control->mutex);
    server.control->keys_read = false;
  }
  expect_told(kKeyField);
}

TEST(KeyedPosts, AQuestionThatCannotBeAnsweredIsToldThatInWordsOfItsOwn) {
  HttpHarness server({.writer = {.wait_timeout = milliseconds(300)}, .keeps_keys = true});
  const auto expect_open = [&server](const char* why) {
    const std::string answer = server.ask(server.get("/api/payments/k"));
    EXPECT_EQ(status_of(answer), 503) << why;
    EXPECT_NE(answer.find("problem:busy"), std::string::npos) << answer;
    EXPECT_NE(answer.find(std::string("what became of the key cannot be told now: ") + why),
              std::string::npos)
        << answer;
  };
  const auto set = [&server](bool TrickySink::Control::*what, bool now) {
    const std::lock_guard lock(server.control->mutex);
    (*server.control).*what = now;
  };
  server.control->hold_turn(true);
  expect_open("the output could not be asked in time");
  server.control->hold_turn(false);
  set(&TrickySink::Control::keys_read, false);
  expect_open("the output could not be asked in time");
  set(&TrickySink::Control::keys_read, true);
  set(&TrickySink::Control::key_unreadable, true);
  expect_open("the output could not be asked (its error is on the server's stderr)");
  set(&TrickySink::Control::key_unreadable, false);
  set(&TrickySink::Control::no_turn, true);
  expect_open("the output could not be asked (its error is on the server's stderr)");
  const std::string posted = server.ask(server.post(kSevenPayments, kKeyField));
  EXPECT_EQ(status_of(posted), 507);
  EXPECT_NE(posted.find("the output did not take them (its error is on a server's stderr); none "
                        "of them is stored"),
            std::string::npos)
      << posted;
  set(&TrickySink::Control::no_turn, false);
  EXPECT_EQ(status_of(server.ask(server.get("/api/payments/k"))), 404);
}

TEST(KeyedPosts, AFullTableOfKeysIsToldOnceAndSoIsRoomAgain) {
  HttpHarness server({.keeps_keys = true});
  const auto told = [&server] {
    std::vector<bool> all;
    server.on_loop([&] { all = server.keys_full_told; });
    return all;
  };
  const auto set_full = [&server](bool full) {
    const std::lock_guard lock(server.control->mutex);
    server.control->keys_full = full;
  };
  set_full(true);
  for (int i = 0; i < 2; ++i) {
    const std::string refused = server.ask(server.post(kSevenPayments, kKeyField));
    EXPECT_EQ(status_of(refused), 503);
    EXPECT_NE(refused.find("Retry-After: 60\r\n"), std::string::npos) << refused;
  }
  EXPECT_EQ(told(), std::vector<bool>{true});
  set_full(false);
  EXPECT_TRUE(eventually([&] { return told() == std::vector<bool>({true, false}); }));
  EXPECT_EQ(status_of(server.ask(server.post(kSevenPayments, kKeyField))), 200);
}

// A request of a topic may be refused at once: no post waits, and room is looked for all the same.
TEST(KeyedPosts, RoomForKeysOfATopicIsToldWithoutAPost) {
  const auto keyed = std::make_shared<FakeKeyedRequests::Control>();
  HttpHarness server({.keyed = keyed});
  keyed->answer_at_once(io::KeyedOutcome::Kind::kNoRoom);
  EXPECT_EQ(status_of(server.ask(server.post(kSevenPayments, kKeyField))), 503);
  EXPECT_TRUE(eventually([&] {
    std::vector<bool> told;
    server.on_loop([&] { told = server.keys_full_told; });
    return told == std::vector<bool>({true, false});
  }));
}

TEST(KeyedPosts, AreRefusedWhereKeysAreNotKept) {
  HttpHarness server;
  const std::string refused = server.ask(server.post(kSevenPayments, kKeyField));
  EXPECT_EQ(status_of(refused), 501);
  EXPECT_NE(refused.find("problem:keys-not-kept"), std::string::npos);
  EXPECT_EQ(status_of(server.ask(server.get("/api/payments/k"))), 501);
  EXPECT_NE(server.ask(server.get("/api/idempotency")).find("{\"kept\":\"no\""), std::string::npos);
  EXPECT_EQ(server.control->flushed(), 0u);
}

}  // namespace
}  // namespace paystats::http
