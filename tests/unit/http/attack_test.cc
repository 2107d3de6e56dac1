// What ill-behaved clients can do: to themselves, and to nobody else.
#include <gtest/gtest.h>

#include "http/connection.h"
#include "http/line_link.h"
#include "loop/asio_tcp.h"
#include "loop/await_call.h"
#include "unit/http/harness.h"

namespace paystats::http {
namespace {

using std::chrono::milliseconds;

constexpr const char* kBatch = R"({"user":"a","paymentAmt":1})";

TEST(Attack, AHeaderThatDripsIsCutOff) {
  HttpHarness server({.limits = {.head_timeout = milliseconds(500)}});
  HttpClient slow = server.client();
  slow.send("GET / HTTP/1.1\r\n");
  const std::string told = slow.read_all();
  EXPECT_TRUE(slow.ended());
  EXPECT_EQ(status_of(told), 408);
  // A byte now and then does not buy time.
  HttpClient dripping = server.client();
  const auto begun = std::chrono::steady_clock::now();
  while (dripping.send("x") && std::chrono::steady_clock::now() - begun < kLimit) {
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, kLimit);
  // Neither does silence.
  HttpClient silent = server.client();
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_TRUE(silent.ended());
  EXPECT_EQ(server.figures().timeouts, 2u);
  // On a busy machine a good request may be cut off as well.
  EXPECT_TRUE(eventually([&] { return server.alive(); }));
}

TEST(Attack, ABodyThatDripsIsCutOff) {
  HttpHarness server({.limits = {.body_timeout = milliseconds(100)}});
  HttpClient slow = server.client();
  slow.send("POST /api/payments HTTP/1.1\r\n" + server.host() +
            "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"user\":");
  EXPECT_EQ(status_of(slow.read_all()), 408);
  EXPECT_TRUE(slow.ended());
  EXPECT_TRUE(server.alive());
}

TEST(Attack, AnIdleConnectionEnds) {
  HttpHarness server({.limits = {.idle_timeout = milliseconds(50)}});
  HttpClient client = server.client();
  client.send(server.get("/healthz"));
  EXPECT_EQ(status_of(client.read_response()), 200);
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(client.ended());
}

TEST(Attack, AReaderThatDoesNotReadIsCutOff) {
  HttpHarness server({.limits = {.write_timeout = milliseconds(100), .send_buffer_bytes = 4096}});
  HttpClient slow = server.client(4096);
  for (int i = 0; i < 3; ++i) slow.send(server.get("/large.bin"));
  EXPECT_TRUE(eventually([&] { return server.figures().timeouts == 1; }));
  EXPECT_TRUE(eventually([&] { return server.figures().connections == 0; }));
  EXPECT_TRUE(server.alive());
}

TEST(Attack, AStreamThatIsNotReadIsCutOffAndKeepsOneEventAtMost) {
  HttpHarness server({.limits = {.write_timeout = milliseconds(200), .send_buffer_bytes = 4096}});
  server.start_cache(1);
  for (int i = 0; i < 500; ++i) server.set_total(std::string(900, 'u') + std::to_string(i), i);
  HttpClient slow = server.client(4096);
  slow.send(server.get("/api/stream?limit=500"));
  HttpClient quick = server.client();
  quick.send(server.get("/api/stream?limit=1"));
  EXPECT_TRUE(eventually([&] { return server.figures().timeouts == 1; }));
  server.set_total("edgar", 12345);
  EXPECT_NE(quick.read_until("12345.00"), "");
}

TEST(Attack, AStreamWhoseClientGoesOnTalkingEnds) {
  HttpHarness server;
  HttpClient stream = server.client();
  stream.send(server.get("/api/stream"));
  stream.read_until("away");
  stream.send(server.get("/api/stats"));
  stream.read_all();
  EXPECT_TRUE(stream.ended());
}

TEST(Attack, AHeaderThatIsTooLargeIs431) {
  HttpHarness server;
  EXPECT_EQ(status_of(server.provoke(server.get("/", "X: " + std::string(8192, 'x') + "\r\n"))),
            431);
  EXPECT_EQ(status_of(server.provoke("GET /" + std::string(100'000, 'a'))), 431);
  std::string many;
  for (int i = 0; i < 2000; ++i) many += "A: b\r\n";
  EXPECT_EQ(status_of(server.provoke(server.get("/", many))), 431);
  EXPECT_TRUE(server.alive());
}

TEST(Attack, ABodyThatIsTooLargeIsRefusedBeforeItHasCome) {
  HttpHarness server;
  const std::string head = "POST /api/payments HTTP/1.1\r\n" + server.host() +
                           "Content-Type: application/json\r\nContent-Length: ";
  EXPECT_EQ(status_of(server.provoke(head + "1099511627776\r\n\r\n")), 413);
  // And its client reads why, although it goes on sending.
  EXPECT_EQ(status_of(server.provoke(head + "4194304\r\n\r\n" + std::string(4 << 20, 'x'))), 413);
  EXPECT_TRUE(server.alive());
}

// Requests of which another program in between might see more, or fewer, than we do. Each is
// refused, and nothing behind it in the connection is answered.
TEST(Attack, SmugglingShapesAreRefusedWithWhatFollowsThem) {
  HttpHarness server;
  const std::string start =
      "POST /api/payments HTTP/1.1\r\n" + server.host() + "Content-Type: application/json\r\n";
  const std::string get = "GET /healthz HTTP/1.1\r\n" + server.host();
  const std::string length = "Content-Length: 27\r\n";
  const std::string chunked = "\r\n1b\r\n" + std::string(kBatch) + "\r\n0\r\n\r\n";
  const std::vector<std::string> shapes = {
      start + length + "Transfer-Encoding: chunked\r\n" + chunked,
      start + "Transfer-Encoding: chunked\r\n" + length + chunked,
      start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" + chunked,
      start + "Transfer-Encoding: chunked, chunked\r\n" + chunked,
      "POST /api/payments HTTP/1.0\r\n" + server.host() +
          "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n" + chunked,
      get + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      start + "Transfer-Encoding: gzip, chunked\r\n" + chunked,
      start + "Transfer-Encoding: identity\r\n" + length + "\r\n" + kBatch,
      start + "Transfer-Encoding: xchunked\r\n" + length + "\r\n" + kBatch,
      start + "Transfer-Encoding:\r\n" + length + "\r\n" + kBatch,
      start + "Transfer-Encoding: chunked\r\n\r\n1b;x\r\n" + kBatch + "\r\n0\r\n\r\n",
      start + "Transfer-Encoding: chunked\r\n\r\n1b\r\n" + kBatch + "\r\n0\r\nX: y\r\n\r\n",
      start + "Transfer-Encoding: chunked\r\n\r\n1b\n" + kBatch + "\n0\n\n",
      start + "Transfer-Encoding: chunked\r\n\r\n1c\r\n" + kBatch + "\r\n0\r\n\r\n",
      start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n" + chunked,
      start + "Transfer-Encoding : chunked\r\n" + chunked,
      start + "Transfer-Encoding\t: chunked\r\n" + chunked,
      start + " Transfer-Encoding: chunked\r\n" + chunked,
      start + "X: y\r\n Transfer-Encoding: chunked\r\n" + chunked,
      start + "X: y\nTransfer-Encoding: chunked\r\n" + chunked,
      start + "X: y\rTransfer-Encoding: chunked\r\n" + chunked,
      start +
          "Transfer-Encoding: \x0b"
          "chunked\r\n" +
          chunked,
      start + length + length + "\r\n" + kBatch,
      start + length + "Content-Length: 0\r\n\r\n" + kBatch,
      start + "Content-Length: 27, 27\r\n\r\n" + kBatch,
      start + "Content-Length: +27\r\n\r\n" + kBatch,
      start + "Content-Length: -1\r\n\r\n" + kBatch,
      start + "Content-Length: 0x1b\r\n\r\n" + kBatch,
      start + "Content-Length: 27 0\r\n\r\n" + kBatch,
      start + "Content-Length : 27\r\n\r\n" + kBatch,
      start + "Content-Length: 27\n\r\n" + kBatch,
      start + "Content-Length: 99999999999999999999\r\n\r\n" + kBatch,
      start + "Content-\r\n Length: 27\r\n\r\n" + kBatch,
      get + "X: a\r\n b\r\n\r\n",
      get + "X: a\r\n\tb\r\n\r\n",
      get + " X: a\r\n\r\n",
      get + "X : a\r\n\r\n",
      get + "X\r\n\r\n",
      get + ": a\r\n\r\n",
      get + "X: a" + std::string(1, '\0') + "b\r\n\r\n",
      get + std::string(1, '\0') + "X: a\r\n\r\n",
      get + "X: a\nY: b\r\n\r\n",
      get + "X: a\rY: b\r\n\r\n",
      get + "Content-Length: 5\r\n\r\nhello",
      get + server.host() + "\r\n",
      "GET /healthz HTTP/1.1\r\n\r\n",
      "GET /healthz HTTP/1.1\n" + server.host() + "\n",
      "GET  /healthz HTTP/1.1\r\n" + server.host() + "\r\n",
      "GET /healthz  HTTP/1.1\r\n" + server.host() + "\r\n",
      "GET\t/healthz HTTP/1.1\r\n" + server.host() + "\r\n",
      "GET /healthz HTTP/1.1 \r\n" + server.host() + "\r\n",
      "GET /healthz http/1.1\r\n" + server.host() + "\r\n",
      "GET /healthz HTTP/2.0\r\n" + server.host() + "\r\n",
      "GET /healthz HTTP/1.10\r\n" + server.host() + "\r\n",
      "GET /healthz\r\n\r\n",
      "GET http://evil.example/healthz HTTP/1.1\r\n" + server.host() + "\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello\r\n\r\n",
      " GET /healthz HTTP/1.1\r\n" + server.host() + "\r\n",
  };
  for (const std::string& shape : shapes) {
    const std::string answer = server.provoke(shape + server.get("/metrics"));
    EXPECT_TRUE(status_of(answer) >= 400 && status_of(answer) < 500) << shape << "\n->\n" << answer;
    EXPECT_EQ(answer.find("paystats_serve"), std::string::npos) << shape;
    EXPECT_EQ(answer.find("HTTP/1.1", 1), std::string::npos) << shape;
  }
  EXPECT_EQ(server.control->flushed(), 0u);
  EXPECT_TRUE(server.alive());
}

TEST(Attack, NoShapeOfAPathLeadsOutOfTheListOfFiles) {
  HttpHarness server;
  for (const char* target :
       {"/../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd",
        "/..%5c..%5cetc", "/..\\..\\etc\\passwd", "/%2fetc/passwd", "//etc/passwd",
        "/index.html%00.js", "/%c0%ae%c0%ae/etc/passwd", "/....//....//etc/passwd",
        "/%252e%252e/etc/passwd", "/index.html/../../etc/passwd", "/./../etc/passwd",
        "/;/../etc/passwd", "/.%2e/etc/passwd", "file:///etc/passwd", "/etc/passwd"}) {
    const int status = status_of(server.ask(server.get(target)));
    EXPECT_TRUE(status == 400 || status == 404) << target << " -> " << status;
  }
}

TEST(Attack, OtherSitesGetNothing) {
  HttpHarness server;
  const std::string rebound = server.provoke(
      "GET /api/stats HTTP/1.1\r\nHost: evil.example:" + std::to_string(server.port) + "\r\n\r\n");
  EXPECT_EQ(status_of(rebound), 421);
  EXPECT_EQ(status_of(server.provoke(server.post(kBatch, "Origin: http://evil.example\r\n"))), 403);
  EXPECT_EQ(status_of(server.provoke(server.post(kBatch, "Origin: null\r\n"))), 403);
  EXPECT_EQ(status_of(server.provoke(server.post(kBatch, "Sec-Fetch-Site: cross-site\r\n"))), 403);
  EXPECT_EQ(server.control->flushed(), 0u);
}

TEST(Attack, AFloodOfHalfReadHeadsLeavesRoomForThoseWhoComeAndGo) {
  HttpHarness server({.limits = {.connections_max = 20, .newcomer_time = milliseconds(1)}});
  std::vector<HttpClient> flood;
  for (int i = 0; i < 100; ++i) {
    flood.push_back(server.client());
    flood.back().send("G");
  }
  EXPECT_TRUE(eventually([&] { return server.figures().connections_evicted >= 80; }));
  EXPECT_LE(server.figures().connections, 20u);
  EXPECT_EQ(server.figures().connections_refused, 0u);
  for (int i = 0; i < 30; ++i) EXPECT_TRUE(server.alive());
  flood.clear();
  EXPECT_TRUE(eventually([&] { return server.figures().connections == 0; }));
  // Connections that say nothing make room.
  for (int i = 0; i < 100; ++i) flood.push_back(server.client());
  EXPECT_TRUE(server.alive());
  flood.clear();
  EXPECT_TRUE(eventually([&] { return server.figures().connections == 0; }));
  std::vector<HttpClient> idle;
  for (int i = 0; i < 20; ++i) {
    idle.push_back(server.client());
    idle.back().send(server.get("/healthz"));
    idle.back().read_response();
  }
  for (int i = 0; i < 30; ++i) EXPECT_TRUE(server.alive());
}

TEST(Attack, WhoseHeadOrBodyGivesWayIsToldSo) {
  HttpHarness server({.limits = {.connections_max = 1, .newcomer_time = milliseconds(1)}});
  for (const std::string& half :
       {server.get("/healthz").substr(0, 30), server.post(std::string(1000, ' ')).substr(0, 500)}) {
    HttpClient first = server.client();
    first.send(half);
    // Nothing tells from outside that the server has read it.
    std::string told;
    EXPECT_TRUE(eventually([&] {
      EXPECT_TRUE(server.alive());
      told = first.read_all();
      return first.ended();
    }));
    EXPECT_TRUE(told.empty() || status_of(told) == 503) << told;
  }
}

TEST(Attack, StreamsAndSlowPostsLeaveRoomForRequests) {
  HttpHarness server({.limits = {.connections_max = 16, .newcomer_time = milliseconds(1)}});
  std::vector<HttpClient> streams;
  for (int i = 0; i < 14; ++i) {
    streams.push_back(server.client());
    streams.back().send(server.get("/api/stream"));
    EXPECT_NE(streams.back().read_until("away"), "");
  }
  const std::string refused = server.ask(server.get("/api/stream"));
  EXPECT_EQ(status_of(refused), 503);
  EXPECT_NE(refused.find("problem:busy"), std::string::npos);
  const std::string large = std::string(20'000, ' ') + kBatch;
  EXPECT_EQ(status_of(server.provoke(server.post(large))), 503);
  // A small one is read, whether it comes with its head or behind it.
  EXPECT_EQ(status_of(server.ask(server.post(kBatch))), 200);
  HttpClient in_parts = server.client();
  const std::string whole = server.post(kBatch);
  in_parts.send(whole.substr(0, whole.size() - 10));
  in_parts.send(whole.substr(whole.size() - 10));
  EXPECT_EQ(status_of(in_parts.read_response()), 200);
  streams.pop_back();
  EXPECT_TRUE(eventually([&] { return server.figures().streams == 13; }));
  EXPECT_EQ(status_of(server.ask(server.post(large))), 200);
}

TEST(Attack, HalfSentBodiesTogetherHaveABudgetAndSmallOnesAreNotRefused) {
  HttpHarness server({.limits = {.body_bytes_max = 300'000}});
  const std::string large = server.post(std::string(200'000, ' ')).substr(0, 190'000);
  std::vector<HttpClient> half;
  for (int i = 0; i < 10; ++i) {
    half.push_back(server.client());
    half.back().send(large);
  }
  EXPECT_TRUE(eventually([&] { return server.figures().responses[5] >= 8; }));
  EXPECT_EQ(status_of(half.back().read_response()), 503);
  EXPECT_EQ(status_of(server.ask(server.post(std::string(8000, ' ') + kBatch))), 200);
  // Those that have long been quiet give way.
  EXPECT_TRUE(eventually([&] {
    return status_of(server.ask(server.post(std::string(200'000, ' ') + kBatch))) == 200;
  }));
  EXPECT_GE(server.figures().connections_evicted, 1u);
}

TEST(Attack, AnswersThatAreNotReadHaveABudget) {
  HttpHarness server({.limits = {.unread_bytes_max = 100'000, .send_buffer_bytes = 4096}});
  server.start_cache(1);
  for (int i = 0; i < 200; ++i) server.set_total(std::string(900, 'u') + std::to_string(i), i);
  std::vector<HttpClient> slow;
  for (int i = 0; i < 10; ++i) {
    const std::string page = "?limit=" + std::to_string(100 + i);
    slow.push_back(server.client(4096));
    slow.back().send(server.get((i % 2 == 0 ? "/api/stats" : "/api/stream") + page));
  }
  EXPECT_TRUE(eventually([&] { return server.figures().connections_evicted == 9; }));
  HttpClient reader = server.client();
  reader.send(server.get("/api/stats?limit=200"));
  EXPECT_EQ(status_of(reader.read_response()), 200);
  EXPECT_TRUE(server.alive());
}

TEST(Attack, AFloodOfPipelinedRequestsIsAnsweredInOrderAndHoldsUpNobody) {
  HttpHarness server;
  HttpClient flood = server.client();
  std::thread sender([&] {
    std::string many;
    for (int i = 0; i < 100; ++i) many += server.get("/healthz") + server.get("/nothing");
    for (int i = 0; i < 10; ++i) flood.send(many);
  });
  EXPECT_TRUE(server.alive());
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(status_of(flood.read_response()), 200);
    ASSERT_EQ(status_of(flood.read_response()), 404);
  }
  sender.join();
}

// All requests are there before the loop looks at any of them; the answer of the last client says
// how many were answered before it.
TEST(Attack, RequestsThatCameOneBehindAnotherAreAnsweredInTurnsWithThoseOfOthers) {
  constexpr size_t kFloods = 10;
  constexpr size_t kRequests = 60;
  HttpHarness server;
  std::vector<HttpClient> floods;
  for (size_t i = 0; i <= kFloods; ++i) {
    floods.push_back(server.client());
    floods.back().send(server.get("/healthz"));
    ASSERT_EQ(status_of(floods.back().read_response()), 200);
  }
  HttpClient other = std::move(floods.back());
  floods.pop_back();
  std::string many;
  for (size_t i = 0; i < kRequests; ++i) many += server.get("/healthz");
  server.while_loop_stands([&] {
    for (HttpClient& flood : floods) flood.send(many);
    other.send(server.get("/metrics"));
  });
  const std::string metrics = other.read_response();
  const std::string name = "\npaystats_serve_requests_total ";
  const size_t at = metrics.find(name);
  ASSERT_NE(at, std::string::npos);
  EXPECT_LT(std::stoul(metrics.substr(at + name.size())), 15 * kFloods);
  for (HttpClient& flood : floods) {
    for (size_t i = 0; i < kRequests; ++i) ASSERT_EQ(status_of(flood.read_response()), 200);
  }
}

TEST(Attack, AServerThatStopsSaysSoToThoseThatWaitForTheirTurn) {
  constexpr size_t kRequests = 60;
  auto server = std::make_unique<HttpHarness>();
  HttpClient flood = server->client();
  flood.send(server->get("/healthz"));
  flood.read_response();
  std::string many;
  for (size_t i = 0; i < kRequests; ++i) many += server->get("/healthz");
  flood.send(many);
  ASSERT_EQ(status_of(flood.read_response()), 200);
  server->begin_stop();
  size_t answers = 1;
  std::string last;
  for (std::string next; !(next = flood.read_response()).empty(); ++answers) last = next;
  EXPECT_TRUE(answers == kRequests || last.find("Connection: close") != std::string::npos);
}

TEST(Attack, ClientsThatVanishHalfWayLeaveNothingBehind) {
  HttpHarness server;
  const std::string whole = server.post(kBatch) + server.get("/api/stream");
  for (size_t n = 0; n < whole.size(); n += 3) {
    HttpClient client = server.client();
    client.send(whole.substr(0, n));
  }
  EXPECT_TRUE(eventually([&] { return server.figures().connections == 0; }));
  EXPECT_TRUE(server.alive());
}

}  // namespace
}  // namespace paystats::http
