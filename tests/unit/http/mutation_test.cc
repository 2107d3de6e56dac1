// Requests that have been damaged at random, by the ten thousands: each gets a proper answer or
// none, never a 500, and the server goes on. PAYSTATS_HTTP_MUTATIONS says how many, PAYSTATS_SEED
// which.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "unit/http/harness.h"

namespace paystats::http {
namespace {

uint64_t from_environment(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

class Mutator {
 public:
  Mutator(uint64_t seed, std::vector<std::string> originals)
      : random_(seed), originals_(std::move(originals)) {}

  std::string next() {
    std::string request = pick(originals_);
    for (size_t n = below(4) + 1; n > 0; --n) mutate(request);
    if (below(8) == 0) request += pick(originals_);
    return request;
  }

 private:
  size_t below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }
  template <class T>
  const T& pick(const std::vector<T>& all) {
    return all[below(all.size())];
  }

  void mutate(std::string& text) {
    static const std::vector<std::string> kPieces = {"\r\n",
                                                     "\n",
                                                     "\r",
                                                     "\r\n ",
                                                     " ",
                                                     "\t",
                                                     std::string(1, '\0'),
                                                     ":",
                                                     "%",
                                                     "%00",
                                                     "%ff",
                                                     "/..",
                                                     "?",
                                                     "&",
                                                     "=",
                                                     "\x7f",
                                                     "\xc3",
                                                     "Transfer-Encoding: chunked\r\n",
                                                     "Content-Length: 5\r\n",
                                                     "Host: x\r\n",
                                                     "Expect: 100-continue\r\n",
                                                     "Connection: close\r\n",
                                                     "HTTP/1.0",
                                                     "HTTP/9.9",
                                                     "999999999999999999999",
                                                     "-1",
                                                     "\"",
                                                     "\\u0000",
                                                     "{",
                                                     "[",
                                                     "]",
                                                     "}",
                                                     ",",
                                                     "1e999999999",
                                                     "\xef\xbb\xbf",
                                                     "limit=0",
                                                     "offset=18446744073709551615"};
    const size_t at = below(text.size() + 1);
    switch (below(6)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
        break;
      case 1:
        text.insert(at, 1, static_cast<char>(below(256)));
        break;
      case 2:
        text.erase(at, below(20) + 1);
        break;
      case 3:
        text.insert(at, text.substr(below(text.size() + 1), below(80)));
        break;
      case 4:
        text.insert(at, pick(kPieces));
        break;
      default:
        text.resize(at);
    }
    if (text.empty()) text = " ";
  }

  std::mt19937_64 random_;
  const std::vector<std::string> originals_;
};

// Every response in what came. (A problem may quote the request, but never begins a line with it.)
void expect_proper(const std::string& answer, const std::string& request) {
  for (size_t at = 0; (at = answer.find("HTTP/1.1 ", at)) != std::string::npos; at += 9) {
    if (at > 0 && answer[at - 1] != '\n') continue;
    const int status = std::atoi(answer.c_str() + at + 9);
    EXPECT_TRUE(status == 100 || (status >= 200 && status < 500) || status == 503)
        << status << " to:\n"
        << request;
  }
}

TEST(HttpMutations, AreAnsweredOrCutOffAndNeverHarm) {
  HttpHarness server;
  server.start_cache(1);
  server.set_total("edgar", 7);
  const uint64_t seed = from_environment("PAYSTATS_SEED", 1);
  const uint64_t count = from_environment("PAYSTATS_HTTP_MUTATIONS", 20'000);
  Mutator mutator(
      seed, {server.get("/"), server.get("/api/stats?limit=5&offset=1&q=ed%67"),
             server.get("/api/stats/edgar", "If-None-Match: \"a\", W/\"b\"\r\n"),
             server.get("/api/stream?limit=3"), server.get("/metrics"),
             server.get("/healthz", "Connection: close\r\n"),
             "OPTIONS * HTTP/1.1\r\n" + server.host() + "\r\n",
             "HEAD /api/openapi.json HTTP/1.1\r\n" + server.host() + "\r\n",
             server.post(R"({"user":"a","paymentAmt":1.25,"volume":3})"),
             server.post(R"([{"user":"\u00e4","paymentAmt":"1e2"},{"user":"b","paymentAmt":2}])",
                         "Origin: http://localhost:" + std::to_string(server.port) + "\r\n")});
  for (uint64_t i = 0; i < count && !::testing::Test::HasFailure(); ++i) {
    const std::string request = mutator.next();
    HttpClient client = server.client();
    ASSERT_TRUE(client.connected());
    client.send(request);
    client.end_sending();
    const std::string answer = client.read_all();
    EXPECT_TRUE(client.ended()) << "still open after:\n" << request;
    expect_proper(answer, request);
  }
  EXPECT_TRUE(server.alive());
  EXPECT_TRUE(eventually([&] { return server.figures().connections <= 1; }));
  EXPECT_EQ(server.figures().timeouts, 0u);
}

}  // namespace
}  // namespace paystats::http
