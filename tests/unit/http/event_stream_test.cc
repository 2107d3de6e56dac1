#include "http/event_stream.h"

#include "unit/http/harness.h"

namespace paystats::http {
namespace {

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

TEST(EventStream, ASlowClientMissesWhatIsOvertakenAndGetsTheNewest) {
  HttpHarness server({.limits = {.send_buffer_bytes = 4096}});
  server.start_cache(1);
  for (int i = 0; i < 500; ++i) server.set_total(std::string(900, 'u') + std::to_string(i), i);
  HttpClient slow = server.client(4096);
  slow.send(server.get("/api/stream?limit=500"));
  HttpClient quick = server.client();
  quick.send(server.get("/api/stream?limit=500"));
  constexpr int kChanges = 30;
  for (int i = 1; i <= kChanges; ++i) {
    const int64_t euros = 1'000'000 + i;
    server.set_total("edgar", euros);
    ASSERT_NE(quick.read_until("\"" + std::to_string(euros) + ".00\""), "");
  }
  const std::string all = slow.read_until("\"" + std::to_string(1'000'000 + kChanges) + ".00\"");
  ASSERT_NE(all, "");
  // The one that was being sent when the first change came, at most one that had begun, the newest.
  EXPECT_LE(count_of(all, "event: stats"), 4u);
}

TEST(EventStream, StreamsMayBeginWhileTotalsChange) {
  HttpHarness server;
  server.start_cache(1);
  std::vector<HttpClient> streams;
  constexpr int kStreams = 300;
  for (int i = 1; i <= kStreams; ++i) {
    server.set_total("edgar", i);
    streams.push_back(server.client());
    ASSERT_TRUE(streams.back().send(server.get("/api/stream?limit=5")));
  }
  const std::string newest = "\"" + std::to_string(kStreams) + ".00\"";
  for (HttpClient& stream : streams) ASSERT_NE(stream.read_until(newest), "");
}

TEST(EventStream, ThousandsOfClientsAreToldAndEndWithTheServer) {
  constexpr size_t kClients = 400;
  auto running = std::make_unique<HttpHarness>();
  HttpHarness& server = *running;
  server.start_cache(1);
  std::vector<HttpClient> streams;
  for (size_t i = 0; i < kClients; ++i) {
    streams.push_back(server.client());
    ASSERT_TRUE(streams.back().send(server.get("/api/stream?limit=5")));
  }
  for (HttpClient& stream : streams) ASSERT_NE(stream.read_until("\"stats\":[]}\n\n"), "");
  EXPECT_EQ(server.figures().streams, kClients);
  // Every second one goes while the others are told.
  std::vector<HttpClient> staying;
  for (size_t i = 0; i < kClients; i += 2) staying.push_back(std::move(streams[i]));
  server.set_total("edgar", 7);
  streams.clear();
  for (HttpClient& stream : staying) ASSERT_NE(stream.read_until("edgar"), "");
  EXPECT_TRUE(eventually([&] { return server.figures().streams == kClients / 2; }));
  running.reset();
  for (HttpClient& stream : staying) {
    stream.read_all();
    EXPECT_TRUE(stream.ended());
  }
}

}  // namespace
}  // namespace paystats::http
