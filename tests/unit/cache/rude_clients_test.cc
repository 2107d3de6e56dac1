// A slow or rude client harms nobody else: while each of them does its worst, a polite one keeps
// asking, and gets each of its answers.
#include <sys/resource.h>

#include <algorithm>
#include <vector>

#include "unit/cache/fixture.h"

namespace paystats::cache {
namespace {

// Asks for the first users again and again, from construction to finish().
class PoliteClient {
 public:
  explicit PoliteClient(const RunningCache& cache) : client_(cache.path()) {
    thread_ = std::thread([this] { ask_on(); });
  }
  ~PoliteClient() { finish(); }

  int answers() const { return answers_; }
  // Fails the test when too few answers came.
  void finish() {
    if (!thread_.joinable()) return;
    EXPECT_TRUE(eventually([&] { return answers_ >= 50; })) << answers_ << " answers";
    done_ = true;
    thread_.join();
  }

 private:
  // A loop that a rude client holds up lets an answer wait beyond the limit of ask().
  void ask_on() {
    while (!done_) {
      const protocol::ParsedAnswer answer = client_.ask(R"({"limit":50})");
      if (answer.rows.size() != 50) {
        ADD_FAILURE() << "the polite client got no answer";
        return;
      }
      ++answers_;
    }
  }

  RawClient client_;
  std::atomic<bool> done_ = false;
  std::atomic<int> answers_ = 0;
  std::thread thread_;
};

class RudeClient : public ::testing::Test {
 protected:
  RudeClient() { cache_.set_many(2000); }

  bool only_polite_left() {
    return eventually([&] { return cache_.connections() == 1; });
  }

  RunningCache cache_;
};

const std::string kRequests = "{\"limit\":1000}\n{\"user\":\"user1\"}\n{\"q\":\"user\"}\n";

TEST_F(RudeClient, WhoAsksAndNeverReadsIsClosed) {
  PoliteClient polite(cache_);
  RawClient rude = cache_.client();
  ASSERT_TRUE(eventually([&] { return rude.send_now(kRequests) < 0; }));
  EXPECT_TRUE(only_polite_left());
}

// What the server holds for a client is bounded, and the rest of the requests stays with it.
TEST(RudeClients, WhoAskAndNeverReadAreNotReadFrom) {
  RunningCache cache(CacheServerOptions{});  // with a write_timeout that this does not reach
  cache.set_many(2000);
  PoliteClient polite(cache);
  RawClient rude = cache.client();
  constexpr size_t kSentMax = 2 << 20;
  size_t sent = 0;
  // Until the server has had so many turns without reading on.
  int last_taken = polite.answers();
  while (sent < kSentMax && polite.answers() - last_taken < 1000) {
    const ssize_t n = rude.send_now(kRequests);
    if (n < 0) {
      std::this_thread::sleep_for(1ms);
      continue;
    }
    sent += static_cast<size_t>(n);
    last_taken = polite.answers();
  }
  EXPECT_LT(sent, kSentMax);
  EXPECT_EQ(cache.connections(), 2U);
}

TEST_F(RudeClient, WhoWatchesAndNeverReadsIsClosed) {
  PoliteClient polite(cache_);
  RawClient rude = cache_.client();
  rude.send("{\"watch\":1000}\n");
  ASSERT_TRUE(eventually([&] { return cache_.connections() == 2; }));
  int64_t sum = 0;
  EXPECT_TRUE(eventually([&] {
    cache_.set("edgar", ++sum);
    return cache_.connections() == 1;
  }));
}

TEST_F(RudeClient, WhoSendsGarbageGetsAnErrorForEachLine) {
  PoliteClient polite(cache_);
  RawClient rude = cache_.client();
  std::string garbage;
  uint32_t random = 1;
  size_t lines = 0;
  for (int i = 0; i < 200'000; ++i) {
    random = random * 1664525U + 1013904223U;
    const char c = i % 37 == 36 ? '\n' : static_cast<char>(random >> 24U);
    if (c != '\r' || garbage.empty()) garbage += c == '\n' && garbage.ends_with('\n') ? 'x' : c;
  }
  garbage += '\n';
  lines = static_cast<size_t>(std::count(garbage.begin(), garbage.end(), '\n'));
  std::thread sender([&] { EXPECT_TRUE(rude.send(garbage)); });
  for (size_t i = 0; i < lines; ++i) {
    const std::optional<std::string> line = rude.line();
    ASSERT_TRUE(line) << "after " << i << " of " << lines;
    EXPECT_TRUE(line->starts_with(R"({"error":")")) << *line;
  }
  sender.join();
  EXPECT_EQ(rude.ask(R"({"limit":1})").rows.size(), 1U);
}

TEST_F(RudeClient, WhoSendsALineOfAGigabyteIsClosedEarly) {
  PoliteClient polite(cache_);
  RawClient rude = cache_.client();
  const std::string part(64 << 10, '{');
  size_t sent = 0;
  while (sent < (size_t{1} << 30) && rude.send(part)) sent += part.size();
  EXPECT_LT(sent, 4U << 20);
  EXPECT_EQ(rude.line(), R"({"error":"request: longer than 16384 bytes"})");
  EXPECT_TRUE(only_polite_left());
}

TEST_F(RudeClient, WhoConnectsTenThousandTimesIsServedAndForgotten) {
  PoliteClient polite(cache_);
  for (int i = 0; i < 10'000; ++i) {
    RawClient rude = cache_.client();
    ASSERT_TRUE(rude.connected()) << i;
    if (i % 3 == 0) rude.send("{}\n");
  }
  EXPECT_TRUE(only_polite_left());
  EXPECT_TRUE(eventually([&] { return cache_.connections_seen() == 10'001; }));
}

TEST_F(RudeClient, WhoLeavesHalfALineIsClosedAndOneWhoIsIdleIsNot) {
  PoliteClient polite(cache_);
  RawClient idle = cache_.client();
  ASSERT_EQ(idle.ask("{}").rows.size(), 50U);
  RawClient rude = cache_.client();
  rude.send(R"({"limit":)");
  EXPECT_TRUE(rude.closed());
  EXPECT_EQ(idle.ask("{}").rows.size(), 50U);
}

TEST_F(RudeClient, WhoSendsAByteAtATimeIsClosedTooWhenItTakesTooLong) {
  PoliteClient polite(cache_);
  RawClient rude = cache_.client();
  EXPECT_TRUE(eventually([&] {
    std::this_thread::sleep_for(10ms);
    return !rude.send(" ");
  }));
}

TEST_F(RudeClient, WhoClosesInTheMiddleOfAnAnswerIsForgotten) {
  PoliteClient polite(cache_);
  for (int i = 0; i < 200; ++i) {
    RawClient rude = cache_.client();
    for (int request = 0; request < 5; ++request) rude.send("{\"limit\":1000}\n");
    char byte = 0;
    ASSERT_EQ(::recv(rude.fd(), &byte, 1, 0), 1);
  }
  EXPECT_TRUE(only_polite_left());
}

TEST_F(RudeClient, WhoSearchesBroadlyAllTheTimeDoesNotHoldUpOthers) {
  cache_.set_many(100'000);
  PoliteClient polite(cache_);
  RawClient rude = cache_.client();
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    requests += R"({"q":"user","limit":1,"offset":)" + std::to_string(90'000 + i) + "}\n";
  }
  ASSERT_TRUE(rude.send(requests));
  for (int i = 0; i < 50; ++i) ASSERT_EQ(rude.answer().rows.size(), 1U);
}

TEST(TooManyClients, AreToldSoAndTheOthersAreServed) {
  CacheServerOptions options = RunningCache::quick();
  options.connections_max = 3;
  RunningCache cache(options);
  std::vector<RawClient> served;
  for (int i = 0; i < 3; ++i) {
    served.push_back(cache.client());
    ASSERT_EQ(served.back().ask("{}").envelope.users, 0U);
  }
  RawClient refused = cache.client();
  EXPECT_EQ(refused.line(), R"({"error":"too many connections"})");
  EXPECT_TRUE(refused.closed());
  EXPECT_EQ(served[2].ask("{}").envelope.users, 0U);
  served.pop_back();
  EXPECT_TRUE(eventually([&] {
    RawClient next = cache.client();
    return next.send("{}\n") && !next.line()->starts_with(R"({"error")");
  }));
}

TEST(TooManyClients, WaitWhereNoDescriptorIsFreeAndAreServedLater) {
  RunningCache cache;
  cache.set_many(50);
  RawClient served = cache.client();
  ASSERT_EQ(served.ask("{}").rows.size(), 50U);
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  // Both sides are in this process: the sockets are made before the limit falls.
  base::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(socket.get()) + 1;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, cache.path().data(), cache.path().size());
  const int connected =
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(served.ask("{}").rows.size(), 50U);
  const uint64_t seen = cache.connections_seen();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(connected, 0);
  EXPECT_EQ(seen, 1U);
  EXPECT_TRUE(eventually([&] { return cache.connections_seen() == 2; }));
}

}  // namespace
}  // namespace paystats::cache
