#include "http/clients.h"

#include <gtest/gtest.h>

#include <string>

namespace paystats::http {
namespace {

using State = Client::State;
using Wait = Clients::Wait;
using std::chrono::milliseconds;
using std::chrono::seconds;

class FakeClient final : public Client {
 public:
  void give_way() override { gone = true; }
  bool gone = false;
};

class ClientsTest : public ::testing::Test {
 protected:
  // One that entered `state` so long ago.
  std::shared_ptr<FakeClient> add(State state, base::Duration ago) {
    auto client = std::make_shared<FakeClient>();
    clients_.add(client, now_ - ago);
    clients_.enter(*client, state, now_ - ago);
    return client;
  }
  Clients::Room make_room() { return clients_.make_room(now_); }

  HttpLimits limits_{.connections_max = 16, .connections_kept_max = 2};
  Clients clients_{limits_};
  const base::Instant now_ = base::Instant() + std::chrono::hours(1);
};

TEST_F(ClientsTest, RequestsThatAreNotWholeHaveABudgetAndTheOneThatBeganFirstGivesWay) {
  limits_.arriving_bytes_max = 1000;
  const auto first = add(State::kArriving, seconds(3));
  const auto second = add(State::kArriving, seconds(2));
  const auto waiting = add(State::kWaiting, seconds(9));
  const auto newest = add(State::kArriving, seconds(1));
  clients_.keep(*first, 400);
  clients_.keep(*second, 400);
  clients_.keep(*newest, 200);
  EXPECT_FALSE(first->gone);
  clients_.keep(*newest, 300);
  EXPECT_TRUE(first->gone);
  clients_.keep(*newest, 600);
  EXPECT_FALSE(second->gone);
  clients_.remove(*second);
  clients_.keep(*newest, 5000);  // alone
  EXPECT_FALSE(newest->gone);
  EXPECT_FALSE(waiting->gone);
}

TEST_F(ClientsTest, GiveWayInTheOrderOfWhatTheyHaveToLose) {
  const auto waiting = add(State::kWaiting, seconds(9));
  const auto quiet = add(State::kReadingBody, seconds(2));
  const auto quieter = add(State::kWriting, seconds(3));
  const auto lingering = add(State::kLingering, seconds(8));
  const auto arriving = add(State::kArriving, seconds(7));
  const auto longest = add(State::kIdle, seconds(2));
  const auto idle = add(State::kIdle, seconds(1));
  for (const auto& next : {longest, idle, arriving, lingering, quieter, quiet}) {
    EXPECT_FALSE(next->gone);
    EXPECT_EQ(make_room(), Clients::Room::kNow);
    EXPECT_TRUE(next->gone);
  }
  EXPECT_EQ(make_room(), Clients::Room::kNone);
  EXPECT_FALSE(waiting->gone);
  EXPECT_EQ(clients_.size(), 1u);
}

TEST_F(ClientsTest, WhoBeginsAnewIsTheLastToGiveWay) {
  const auto first = add(State::kIdle, seconds(3));
  const auto second = add(State::kIdle, seconds(2));
  clients_.enter(*first, State::kIdle, now_ - seconds(1));
  make_room();
  EXPECT_TRUE(second->gone);
  EXPECT_FALSE(first->gone);
}

TEST_F(ClientsTest, ANewcomerMaySayWhatItWantsFirst) {
  const auto newcomer = add(State::kIdle, milliseconds(1));
  EXPECT_EQ(make_room(), Clients::Room::kSoon);
  EXPECT_FALSE(newcomer->gone);
  const auto older = add(State::kArriving, seconds(1));
  EXPECT_EQ(make_room(), Clients::Room::kNow);
  EXPECT_TRUE(older->gone);
}

TEST_F(ClientsTest, WhoIsWaitedForAndMakesProgressKeepsItsPlace) {
  const auto busy = add(State::kReadingBody, milliseconds(900));
  EXPECT_EQ(make_room(), Clients::Room::kNone);
  EXPECT_FALSE(busy->gone);
}

TEST_F(ClientsTest, SomePlacesAreNeverHeld) {
  const auto newcomer = add(State::kIdle, seconds(0));
  for (int i = 0; i < 10; ++i) add(State::kReadingBody, milliseconds(1));
  EXPECT_TRUE(clients_.may_hold(*newcomer, Wait::kForClient, 3, now_));
  EXPECT_FALSE(clients_.may_hold(*newcomer, Wait::kForClient, 4, now_));
  // Whoever waits for us has one place more, which those before cannot take.
  EXPECT_TRUE(clients_.may_hold(*newcomer, Wait::kForOutput, 4, now_));
  EXPECT_FALSE(clients_.may_hold(*newcomer, Wait::kForOutput, 5, now_));
  EXPECT_TRUE(clients_.may_hold(*newcomer, Wait::kForCache, 5, now_));
  EXPECT_FALSE(clients_.may_hold(*newcomer, Wait::kForCache, 6, now_));
  // It may go on from one wait to another.
  clients_.enter(*newcomer, State::kWaiting, now_);
  EXPECT_TRUE(clients_.may_hold(*newcomer, Wait::kForClient, 99, now_));
}

TEST_F(ClientsTest, WhoIsQuietGivesItsHeldPlaceToOneThatComes) {
  const auto newcomer = add(State::kIdle, seconds(0));
  const auto quiet = add(State::kWriting, seconds(2));
  for (int i = 0; i < 13; ++i) add(State::kReadingBody, milliseconds(1));
  EXPECT_TRUE(clients_.may_hold(*newcomer, Wait::kForClient, 0, now_));
  EXPECT_TRUE(quiet->gone);
}

TEST_F(ClientsTest, OneThatIsRemovedStaysSo) {
  const auto client = add(State::kIdle, seconds(1));
  clients_.remove(*client);
  clients_.remove(*client);
  clients_.enter(*client, State::kWriting, now_);
  EXPECT_EQ(clients_.size(), 0u);
}

}  // namespace
}  // namespace paystats::http
