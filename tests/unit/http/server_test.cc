// What a well-behaved client sees.
#include "http/server.h"

#include <gtest/gtest.h>

#include "http/answer_feed.h"
#include "http/head.h"
#include "http/live_pages.h"
#include "http/run.h"
#include "unit/http/harness.h"

namespace paystats::http {
namespace {

using std::chrono::milliseconds;

TEST(HttpServer, AnswersTheRequestsOfAConnectionInTheirOrder) {
  HttpHarness server;
  HttpClient client = server.client();
  // All at once, a submit among them.
  client.send(server.get("/healthz") + server.post(R"({"user":"a","paymentAmt":1,"volume":3})") +
              server.get("/nothing") + server.get("/"));
  EXPECT_NE(client.read_response().find("ok\n"), std::string::npos);
  EXPECT_NE(client.read_response().find("{\"accepted\":3}"), std::string::npos);
  EXPECT_EQ(status_of(client.read_response()), 404);
  EXPECT_NE(client.read_response().find("<!doctype html>"), std::string::npos);
  EXPECT_EQ(server.control->flushed(), 3u);
}

TEST(HttpServer, AHeadIsAGetWithoutItsBody) {
  HttpHarness server;
  HttpClient client = server.client();
  client.send("HEAD / HTTP/1.1\r\n" + server.host() + "\r\n" + server.get("/healthz"));
  const std::string head = client.read_response(true);
  EXPECT_NE(head.find("Content-Length: 15\r\n"), std::string::npos);
  EXPECT_EQ(status_of(client.read_response()), 200);
}

TEST(HttpServer, AClientThatAsksForItEndsAfterTheResponse) {
  HttpHarness server;
  EXPECT_NE(server.provoke(server.get("/healthz", "Connection: close\r\n")).find("ok\n"),
            std::string::npos);
  EXPECT_NE(server.provoke("GET /healthz HTTP/1.0\r\n" + server.host() + "\r\n").find("ok\n"),
            std::string::npos);
}

TEST(HttpServer, AClientThatWaitsBeforeItsBodyIsToldToGoOn) {
  HttpHarness server;
  HttpClient client = server.client();
  client.send(
      "POST /api/payments HTTP/1.1\r\n" + server.host() +
      "Content-Type: application/json\r\nContent-Length: 29\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send(R"({"user":"abc","paymentAmt":1})");
  EXPECT_EQ(status_of(client.read_response()), 200);
}

std::string chunk_of(const std::string& text) {
  char size[16];
  std::snprintf(size, sizeof size, "%zx\r\n", text.size());
  return size + text + "\r\n";
}

TEST(HttpServer, ABodyMayComeInChunks) {
  HttpHarness server;
  const std::string head = "POST /api/payments HTTP/1.1\r\n" + server.host() +
                           "Content-Type: application/json\r\ntransfer-Encoding: Chunked\r\n\r\n";
  const std::string body =
      chunk_of(R"([{"user":"a","paymen)") + chunk_of(R"(tAmt":1,"volume":2}])");
  HttpClient client = server.client();
  // At once with what follows it; in pieces; and with a large one.
  client.send(head + body + "0\r\n\r\n" + server.get("/nothing"));
  EXPECT_NE(client.read_response().find("{\"accepted\":2}"), std::string::npos);
  EXPECT_EQ(status_of(client.read_response()), 404);
  for (const char c : head + body + "0\r\n\r\n") client.send(std::string(1, c));
  EXPECT_NE(client.read_response().find("{\"accepted\":2}"), std::string::npos);
  std::string large = head;
  for (int i = 0; i < 50; ++i) large += chunk_of(std::string(10'000, ' '));
  client.send(large + body + "0\r\n\r\n" + server.get("/healthz"));
  EXPECT_NE(client.read_response().find("{\"accepted\":2}"), std::string::npos);
  EXPECT_EQ(status_of(client.read_response()), 200);
  EXPECT_EQ(server.control->flushed(), 6u);
  // No more than another body may have.
  for (int i = 0; i < 60; ++i) large += chunk_of(std::string(10'000, ' '));
  EXPECT_EQ(status_of(server.provoke(large)), 413);
}

TEST(HttpServer, AClientThatWaitsBeforeItsChunksIsToldToGoOn) {
  HttpHarness server;
  HttpClient client = server.client();
  client.send("POST /api/payments HTTP/1.1\r\n" + server.host() +
              "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
              "Expect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send(chunk_of(R"({"user":"abc","paymentAmt":1})") + "0\r\n\r\n");
  EXPECT_EQ(status_of(client.read_response()), 200);
}

TEST(HttpServer, WithoutACacheTotalsAre503AndSubmitsGoOn) {
  HttpHarness server;
  const std::string away = server.ask(server.get("/api/stats"));
  EXPECT_EQ(status_of(away), 503);
  EXPECT_NE(away.find("Retry-After: 1\r\n"), std::string::npos);
  EXPECT_EQ(status_of(server.ask(server.get("/readyz"))), 503);
  EXPECT_EQ(status_of(server.ask(server.post(R"({"user":"a","paymentAmt":1})"))), 200);
}

std::string etag_of_response(const std::string& response) {
  const size_t at = response.find("ETag: ");
  return at == std::string::npos ? "" : response.substr(at + 6, response.find('\r', at) - at - 6);
}

TEST(HttpServer, TotalsHaveATagThatChangesWithThem) {
  HttpHarness server;
  server.start_cache(0xC0FFEE);
  server.set_total("edgar", 7);
  std::string first;
  ASSERT_TRUE(eventually([&] {
    first = server.ask(server.get("/api/stats"));
    return first.find("\"user\":\"edgar\",\"sum\":\"7.00\"") != std::string::npos;
  }));
  const std::string tag = etag_of_response(first);
  const std::string fields = "If-None-Match: " + tag + "\r\n";
  EXPECT_EQ(status_of(server.ask(server.get("/api/stats", fields))), 304);
  EXPECT_EQ(status_of(server.ask(server.get("/api/stats?limit=5", fields))), 200);
  server.set_total("edgar", 8);
  EXPECT_TRUE(
      eventually([&] { return status_of(server.ask(server.get("/api/stats", fields))) == 200; }));
  EXPECT_EQ(status_of(server.ask(server.get("/api/stats/edgar"))), 200);
  EXPECT_EQ(status_of(server.ask(server.get("/api/stats/nobody"))), 404);
}

TEST(HttpServer, ACacheThatComesBackAsAnotherInstanceJustWorks) {
  HttpHarness server;
  server.start_cache(1);
  server.set_total("edgar", 7);
  ASSERT_TRUE(eventually(
      [&] { return server.ask(server.get("/api/stats")).find("edgar") != std::string::npos; }));
  const std::string tag = etag_of_response(server.ask(server.get("/api/stats")));
  server.stop_cache();
  EXPECT_EQ(status_of(server.ask(server.get("/api/stats"))), 503);
  server.start_cache(2);
  server.set_total("gerd", 7);
  EXPECT_TRUE(eventually([&] {
    const std::string again =
        server.ask(server.get("/api/stats", "If-None-Match: " + tag + "\r\n"));
    return status_of(again) == 200 && again.find("gerd") != std::string::npos;
  }));
}

TEST(HttpStream, TellsTheStateAtOnceAndAfterEachChange) {
  HttpHarness server;
  server.start_cache(5);
  HttpClient stream = server.client();
  stream.send(server.get("/api/stream?limit=3"));
  EXPECT_NE(stream.read_until("\n\n").find("Content-Type: text/event-stream"), std::string::npos);
  EXPECT_NE(stream.read_until("\"stats\":[]}\n\n").find("event: stats\nid: 0000000000000005-"),
            std::string::npos);
  server.set_total("edgar", 7);
  EXPECT_NE(stream.read_until("edgar"), "");
  server.set_total("edgar", 9);
  EXPECT_NE(stream.read_until("\"9.00\""), "");
  EXPECT_EQ(server.figures().streams, 1u);
}

TEST(HttpStream, SaysThatTheCacheIsAwayAndThatItIsBack) {
  HttpHarness server;
  HttpClient stream = server.client();
  stream.send(server.get("/api/stream"));
  EXPECT_NE(stream.read_until("event: away\ndata: {}\n\n"), "");
  server.start_cache(1);
  EXPECT_NE(stream.read_until("id: 0000000000000001-"), "");
  server.stop_cache();
  EXPECT_NE(stream.read_until("event: away"), "");
  server.start_cache(2);
  EXPECT_NE(stream.read_until("id: 0000000000000002-"), "");
}

TEST(HttpStream, SendsACommentWhenNothingHappens) {
  HttpHarness server({.limits = {.comment_interval = milliseconds(30)}});
  HttpClient stream = server.client();
  stream.send(server.get("/api/stream"));
  EXPECT_NE(stream.read_until(": still here\n\n"), "");
  EXPECT_NE(stream.read_until(": still here\n\n"), "");
}

TEST(HttpStream, EndsWithItsClient) {
  HttpHarness server;
  {
    HttpClient stream = server.client();
    stream.send(server.get("/api/stream"));
    stream.read_until("away");
    EXPECT_EQ(server.figures().streams, 1u);
  }
  EXPECT_TRUE(eventually([&] { return server.figures().connections == 0; }));
}

TEST(HttpStream, ManyWhoWatchTheSameAreToldTheSame) {
  HttpHarness server;
  server.start_cache(1);
  std::vector<HttpClient> streams;
  for (int i = 0; i < 100; ++i) {
    streams.push_back(server.client());
    streams.back().send(server.get("/api/stream?limit=" + std::to_string(i % 3 + 1)));
  }
  for (HttpClient& stream : streams) EXPECT_NE(stream.read_until("\"stats\":[]}\n\n"), "");
  server.set_total("edgar", 7);
  for (HttpClient& stream : streams) EXPECT_NE(stream.read_until("edgar"), "");
}

TEST(HttpServer, StopsWhenWhatIsInFlightIsAnswered) {
  auto server = std::make_unique<HttpHarness>();
  server->control->hold(true);
  HttpClient idle = server->client();
  idle.send(server->get("/healthz"));
  idle.read_response();
  HttpClient busy = server->client();
  busy.send(server->post(R"({"user":"a","paymentAmt":1})"));
  ASSERT_TRUE(eventually([&] { return server->figures().posts_waiting == 1; }));
  const auto control = server->control;
  server->begin_stop();
  control->hold(false);
  const std::string response = busy.read_all();
  server.reset();
  EXPECT_EQ(status_of(response), 200);
  EXPECT_NE(response.find("Connection: close"), std::string::npos);
  EXPECT_EQ(control->flushed(), 1u);
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_TRUE(idle.ended());
}

// What is looked at each second is looked at while there are clients alone.
TEST(HttpServer, AClientThatComesAfterAQuietTimeHasDeadlinesAndTheDateOfToday) {
  HttpHarness server({.limits = {.head_timeout = milliseconds(300)}});
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(server.alive());
    ASSERT_TRUE(eventually([&] { return server.figures().connections == 0; }));
    std::this_thread::sleep_for(milliseconds(2100));  // two looks, at which there is nobody
    const std::time_t before = std::time(nullptr);
    const std::string answer = server.ask(server.get("/healthz"));
    const std::time_t after = std::time(nullptr);
    bool is_of_now = false;
    for (std::time_t t = before; t <= after; ++t) {
      is_of_now = is_of_now || answer.find("Date: " + api::http_date(t)) != std::string::npos;
    }
    EXPECT_TRUE(is_of_now) << answer;
    HttpClient slow = server.client();
    slow.send("GET / HT");
    slow.read_all();
    EXPECT_TRUE(slow.ended());
  }
  EXPECT_EQ(server.figures().timeouts, 2u);
}

TEST(HttpServer, AnswersOnAUnixSocketAsOnAnyOther) {
  const TempFolder folder;
  HttpHarness::Settings settings;
  settings.address = {.host = {}, .port = 0, .socket_path = folder / "serve.sock"};
  const HttpHarness server(settings);
  loop::UnixClient client(folder / "serve.sock");
  ASSERT_TRUE(client.connected());
  ASSERT_TRUE(client.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  EXPECT_TRUE(client.receive_through("\r\n\r\nok\n"));
}

TEST(HttpHead, IsReadInAnyNumberOfPieces) {
  const std::string bytes = "GET /a HTTP/1.1\r\nHost: b\r\nX:  c d \r\n\r\nrest";
  size_t scanned = 0;
  HttpHead head;
  for (size_t n = 0; n < bytes.size() - 4; ++n) {
    ASSERT_EQ(parse_head(std::string_view(bytes).substr(0, n), scanned, head),
              HeadStatus::kIncomplete);
  }
  ASSERT_EQ(parse_head(bytes, scanned, head), HeadStatus::kComplete);
  EXPECT_EQ(head.bytes, bytes.size() - 4);
  EXPECT_EQ(head.request.method, "GET");
  EXPECT_EQ(head.request.target, "/a");
  EXPECT_EQ(head.request.find("x"), "c d");
  EXPECT_TRUE(head.keep_alive);
  EXPECT_FALSE(head.request.is_http_1_0);
}

TEST(HttpHead, AConnectionOfHttp10StaysIfThatIsAskedFor) {
  for (const bool asked : {false, true}) {
    const std::string bytes = std::string("GET / HTTP/1.0\r\nHost: b\r\n") +
                              (asked ? "Connection: keep-alive\r\n\r\n" : "\r\n");
    size_t scanned = 0;
    HttpHead head;
    ASSERT_EQ(parse_head(bytes, scanned, head), HeadStatus::kComplete);
    EXPECT_TRUE(head.request.is_http_1_0);
    EXPECT_EQ(head.keep_alive, asked);
  }
}

}  // namespace
}  // namespace paystats::http
