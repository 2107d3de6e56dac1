#include "api/gatekeeper.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "api/public_url.h"
#include "requests.h"

namespace paystats::api {
namespace {

Gatekeeper keeper(const std::vector<std::string>& allowed = {}, const char* public_url = nullptr) {
  std::optional<PublicUrl> url;
  if (public_url != nullptr) url = parse_public_url(public_url).value();
  return Gatekeeper(ServerNames(allowed, url));
}

// The status of a refusal for whatever reason, 0 for none.
int refusal(const HttpRequest& request, const Gatekeeper& gatekeeper = keeper()) {
  std::string_view origin_form;
  auto refused = gatekeeper.refuse(request, origin_form);
  if (!refused) refused = gatekeeper.refuse_origin(request);
  return refused ? refused->status : 0;
}

std::string detail(const HttpRequest& request, const Gatekeeper& gatekeeper = keeper()) {
  std::string_view origin_form;
  auto refused = gatekeeper.refuse(request, origin_form);
  if (!refused) refused = gatekeeper.refuse_origin(request);
  return refused ? nlohmann::json::parse(body_of(*refused)).at("detail") : "";
}

int with_host(std::string_view host, const std::vector<std::string>& allowed = {}) {
  return refusal(request("GET", "/", {{"Host", host}}), keeper(allowed));
}

TEST(Gatekeeper, NamesOfLoopbackAreOursWithAnyPort) {
  for (const char* host : {"localhost:8080", "LocalHost:8080", "127.0.0.1:8080", "[::1]:8080",
                           "localhost", "localhost:80", "localhost:8081", "127.0.0.1:30080",
                           "[::1]", "[::1]:1", "127.0.0.1:65535"}) {
    EXPECT_EQ(with_host(host), 0) << host;
  }
}

// All that no server of DNS is asked for: RFC 1122 and RFC 6761.
TEST(Gatekeeper, AllAddressesOfLoopbackAndAllReservedNamesAreOurs) {
  for (const char* host :
       {"127.0.0.2:8080", "127.0.1.1", "127.255.255.254", "[0:0:0:0:0:0:0:1]:8080",
        "[::ffff:127.0.0.1]", "[::FFFF:7f00:2]:80", "localhost.:8080", "LOCALHOST.",
        "pay.localhost:8080", "a.b.Localhost", "pay.localhost.:9090"}) {
    EXPECT_EQ(with_host(host), 0) << host;
  }
}

// Where its file of hosts lacks them, a client asks DNS, and in the domains that it searches.
TEST(Gatekeeper, NamesOfLoopbackThatNoStandardReservesAreNotOurs) {
  for (const char* host : {"ip6-localhost:8080", "ip6-loopback", "localhost6", "loopback",
                           "localhost.localdomain", "localhost.localhost.evil.example"}) {
    EXPECT_EQ(with_host(host), 421) << host;
    EXPECT_EQ(with_host(host, {host}), 0) << host;
  }
}

TEST(Gatekeeper, ANameIsTheSameWithTheDotThatEndsAnAbsoluteOne) {
  EXPECT_EQ(with_host("pi.example.:80", {"pi.example"}), 0);
  EXPECT_EQ(with_host("pi.example", {"pi.example."}), 0);
  EXPECT_EQ(with_host("pi.example..", {"pi.example"}), 421);
  const Gatekeeper public_one = keeper({}, "https://pay.example.org");
  const auto with = [&](const char* host, const char* origin) {
    return refusal(post("2", {{"Host", host}, {"Origin", origin}}), public_one);
  };
  EXPECT_EQ(with("pay.example.org.", "https://pay.example.org."), 0);
  EXPECT_EQ(with("pay.example.org.", "http://pay.example.org."), 403);
  EXPECT_EQ(with("localhost.:8080", "http://localhost.:8080"), 0);
}

TEST(Gatekeeper, ASiteWhoseNamePointsAtUsGetsNothing) {
  for (const char* host : {"evil.example",
                           "evil.example:8080",
                           "localhost.evil.example:8080",
                           "evillocalhost:8080",
                           ".localhost",
                           "localhost..",
                           "127.0.0.1.evil.example:8080",
                           "127.evil.example",
                           "128.0.0.1",
                           "126.255.255.255",
                           "127.0.0.1.",
                           "127.0.0.256",
                           "127.0.0.01",
                           "127.1",
                           "0x7f000001",
                           "2130706433",
                           "[::2]",
                           "[::]",
                           "[::ffff:128.0.0.1]",
                           "[::127.0.0.1]",
                           "[fe80::1]",
                           "localhost:08080",
                           "localhost:8080:8080",
                           "user@localhost:8080",
                           "localhost:8080,evil",
                           "::1:8080",
                           "0:8080",
                           "localhost:",
                           "localhost:0",
                           "localhost:65536",
                           "localhost:+80",
                           "[::1]x",
                           "[::1",
                           "::1",
                           "localhost/",
                           "localhost:80/",
                           "local host",
                           "http://localhost"}) {
    EXPECT_EQ(with_host(host), 421) << host;
  }
}

TEST(Gatekeeper, HostMustStandThereExactlyOnce) {
  HttpRequest none = request("GET", "/");
  none.fields.clear();
  EXPECT_EQ(refusal(none), 400);
  EXPECT_EQ(refusal(request("GET", "/", {{"Host", "localhost:8080"}, {"host", "localhost:8080"}})),
            400);
  EXPECT_EQ(with_host(""), 421);
}

TEST(Gatekeeper, TheAddressThatTheConnectionCameInByIsOurs) {
  HttpRequest made = request("GET", "/", {{"Host", "192.0.2.7:8080"}});
  EXPECT_EQ(refusal(made), 421);
  made.local_host = "192.0.2.7";
  EXPECT_EQ(refusal(made), 0);
  HttpRequest forwarded = request("GET", "/", {{"Host", "192.0.2.7:80"}});
  forwarded.local_host = "192.0.2.7";
  EXPECT_EQ(refusal(forwarded), 0);
  made.local_host = "";
  EXPECT_EQ(refusal(made), 421);
}

TEST(Gatekeeper, AllowedNamesAreOursWithAnyPortOrWithTheirs) {
  EXPECT_EQ(with_host("pi.local", {"pi.local"}), 0);
  EXPECT_EQ(with_host("PI.local:30080", {"pi.local"}), 0);
  EXPECT_EQ(with_host("pi.local:443", {"pi.local:443"}), 0);
  EXPECT_EQ(with_host("pi.local:444", {"pi.local:443"}), 421);
  EXPECT_EQ(with_host("evil.example", {"pi.local"}), 421);
  EXPECT_EQ(with_host("[2001:db8::1]:80", {"[2001:db8::1]"}), 0);
}

TEST(Gatekeeper, TheNameOfThePublicUrlIsOursWithAnyPort) {
  const Gatekeeper public_one = keeper({}, "https://pay.example.org/paystats/");
  for (const char* host : {"pay.example.org", "PAY.example.org:443", "pay.example.org:8080"}) {
    EXPECT_EQ(refusal(request("GET", "/", {{"Host", host}}), public_one), 0) << host;
  }
  EXPECT_EQ(refusal(request("GET", "/", {{"Host", "example.org"}}), public_one), 421);
}

TEST(Gatekeeper, AForeignOriginIs403WhateverTheMethod) {
  for (const char* origin :
       {"http://evil.example", "null", "http://localhost:3000", "http://localhost",
        "https://localhost:8080.evil.example", "localhost:8080", "http://localhost:8080/", "",
        "file://localhost:8080"}) {
    EXPECT_EQ(refusal(post("2", {{"Origin", origin}})), 403) << origin;
    EXPECT_EQ(refusal(request("GET", "/api/stream", {{"Origin", origin}})), 403) << origin;
  }
  EXPECT_EQ(refusal(post("2", {{"Origin", "http://localhost:8080"}})), 0);
  EXPECT_EQ(refusal(post("2", {{"Origin", "https://LOCALHOST:8080"}})), 0);
  EXPECT_EQ(refusal(post(
                "2", {{"Origin", "http://localhost:8080"}, {"Origin", "http://localhost:8080"}})),
            403);
}

TEST(Gatekeeper, AnOriginIsOursWithTheSchemesPortWrittenOrNot) {
  const auto with = [](const char* host, const char* origin) {
    return refusal(post("2", {{"Host", host}, {"Origin", origin}}), keeper({"pay.example.org"}));
  };
  EXPECT_EQ(with("pay.example.org", "https://pay.example.org"), 0);
  EXPECT_EQ(with("pay.example.org", "http://pay.example.org:80"), 0);
  EXPECT_EQ(with("pay.example.org:443", "https://pay.example.org"), 0);
  EXPECT_EQ(with("pay.example.org:443", "http://pay.example.org"), 403);
  EXPECT_EQ(with("pay.example.org", "https://pay.example.org:8443"), 403);
  EXPECT_EQ(with("pay.example.org:8443", "https://pay.example.org:8443"), 0);
  EXPECT_EQ(with("pay.example.org:8443", "https://pay.example.org"), 403);
}

// ssh -L 9090:localhost:8080, and something else on port 3000 of the client.
TEST(Gatekeeper, ThePageOfAnotherPortOfLocalhostGetsNothing) {
  const auto with = [](const char* origin) {
    return refusal(post("2", {{"Host", "localhost:9090"}, {"Origin", origin}}));
  };
  EXPECT_EQ(with("http://localhost:9090"), 0);
  EXPECT_EQ(with("http://localhost:3000"), 403);
  EXPECT_EQ(with("http://localhost:8080"), 403);
  EXPECT_EQ(with("http://127.0.0.1:9090"), 403);
  EXPECT_EQ(with("http://pay.localhost:9090"), 403);
}

// One program may have 127.0.0.2:8080, and another one 127.0.0.1:8080 or pay.localhost:8080.
TEST(Gatekeeper, ThePageOfAnotherNameOfLoopbackGetsNothing) {
  const auto with = [](const char* host, const char* origin) {
    return refusal(post("2", {{"Host", host}, {"Origin", origin}}));
  };
  EXPECT_EQ(with("127.0.0.2:8080", "http://127.0.0.2:8080"), 0);
  EXPECT_EQ(with("127.0.0.1:8080", "http://127.0.0.2:8080"), 403);
  EXPECT_EQ(with("pay.localhost:8080", "http://pay.localhost:8080"), 0);
  EXPECT_EQ(with("pay.localhost:8080", "http://other.localhost:8080"), 403);
  EXPECT_EQ(with("localhost:8080", "http://pay.localhost:8080"), 403);
}

TEST(Gatekeeper, TheOriginOfThePublicUrlIsOursWhateverHostTheProxySends) {
  const Gatekeeper public_one = keeper({}, "https://pay.example.org/paystats/");
  const auto with = [&](const char* host, const char* origin) {
    return refusal(post("2", {{"Host", host}, {"Origin", origin}}), public_one);
  };
  for (const char* host : {"127.0.0.1:8080", "pay.example.org", "localhost"}) {
    EXPECT_EQ(with(host, "https://pay.example.org"), 0) << host;
    EXPECT_EQ(with(host, "https://PAY.example.org:443"), 0) << host;
    EXPECT_EQ(with(host, "https://pay.example.org:8443"), 403) << host;
    EXPECT_EQ(with(host, "https://evil.example"), 403) << host;
    EXPECT_EQ(with(host, "https://pay.example.org.evil.example"), 403) << host;
    EXPECT_EQ(with(host, "null"), 403) << host;
  }
  EXPECT_EQ(with("127.0.0.1:8080", "http://pay.example.org"), 403);
  // A proxy may leave the port out, and plain HTTP is not the page's.
  EXPECT_EQ(with("pay.example.org", "http://pay.example.org"), 403);
  const Gatekeeper other_port = keeper({}, "https://pay.example.org:8443");
  const HttpRequest posted =
      post("2", {{"Host", "pay.example.org"}, {"Origin", "https://pay.example.org"}});
  EXPECT_EQ(refusal(posted, other_port), 403);
  EXPECT_EQ(refusal(posted, keeper({"pay.example.org"}, "https://pay.example.org:8443")), 0);
  EXPECT_EQ(with("evil.example", "https://pay.example.org"), 421);
}

TEST(Gatekeeper, ARefusalNamesTheOptionWithItsValue) {
  EXPECT_NE(detail(request("GET", "/", {{"Host", "pay.example.org:8443"}}))
                .find("--allow-host pay.example.org:8443,"),
            std::string::npos);
  const HttpRequest posted =
      post("2", {{"Host", "127.0.0.1:8080"}, {"Origin", "https://pay.example.org"}});
  EXPECT_NE(detail(posted).find("--public-url https://pay.example.org/"), std::string::npos);
  EXPECT_NE(
      detail(posted, keeper({}, "http://pay.example.org/p")).find("http://pay.example.org/p/"),
      std::string::npos);
}

TEST(Gatekeeper, ARefusalAdvisesNothingThatIsNoNameAndIsPrintableAndBounded) {
  for (const char* text : {"evil\x1b[31m", "a;rm -rf", "$(id)", "\xff\xfe", "a b", ""}) {
    const std::string said = detail(request("GET", "/", {{"Host", text}}));
    EXPECT_EQ(said.find("--"), std::string::npos) << said;
    EXPECT_EQ(said.find('\x1b'), std::string::npos) << said;
    const std::string origin = "https://" + std::string(text);
    EXPECT_EQ(detail(post("2", {{"Origin", origin}})).find("--"), std::string::npos) << origin;
  }
  const std::string longest = std::string(4000, 'a') + ".example";
  EXPECT_LT(detail(request("GET", "/", {{"Host", longest}})).size(), 500u);
  EXPECT_LT(detail(post("2", {{"Origin", "http://" + longest}})).size(), 500u);
}

TEST(Gatekeeper, ACrossSiteRequestIs403UnlessSomebodyFollowsALink) {
  EXPECT_EQ(refusal(post("2", {{"Sec-Fetch-Site", "cross-site"}})), 403);
  EXPECT_EQ(refusal(post("2", {{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Mode", "navigate"}})),
            403);
  EXPECT_EQ(refusal(request("GET", "/api/stream", {{"Sec-Fetch-Site", "cross-site"}})), 403);
  EXPECT_EQ(refusal(request("GET", "/",
                            {{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Mode", "navigate"}})),
            0);
  EXPECT_EQ(refusal(post("2", {{"Sec-Fetch-Site", "same-origin"}})), 0);
}

TEST(Gatekeeper, OfTransferEncodingsChunkedAloneIsTaken) {
  const auto with = [](std::vector<HttpField> fields) {
    return request("POST", "/api/payments", std::move(fields));
  };
  EXPECT_EQ(refusal(with({{"transfer-ENCODING", "Chunked"}})), 0);
  for (const char* coding :
       {"gzip, chunked", "chunked, chunked", "identity", "", "x", "chunked;q=1"}) {
    EXPECT_EQ(refusal(with({{"Transfer-Encoding", coding}})), 411) << coding;
  }
  EXPECT_EQ(refusal(with({{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}})),
            411);
  EXPECT_EQ(refusal(with({{"Transfer-Encoding", "chunked"}, {"Content-Length", "2"}})), 400);
  HttpRequest old = with({{"Transfer-Encoding", "chunked"}});
  old.is_http_1_0 = true;
  std::string_view origin_form;
  const auto refused = keeper().refuse(old, origin_form);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 400);
  EXPECT_TRUE(refused->close);
}

TEST(Gatekeeper, ALengthIsOnePlainNumber) {
  for (const char* length : {"+2", "-2", "2,2", "2, 2", "0x2", "2.0", "", " ", "2e1",
                             "99999999999999999999", "2 2", "\xD9\xA2"}) {
    EXPECT_EQ(refusal(post(length)), 400) << length;
  }
  EXPECT_EQ(refusal(post("2", {{"Content-Length", "2"}})), 400);
  EXPECT_EQ(refusal(post("2")), 0);
  EXPECT_EQ(content_length(post("12")), 12u);
}

TEST(Gatekeeper, AnUnknownExpectationIs417) {
  EXPECT_EQ(refusal(post("2", {{"Expect", "100-Continue"}})), 0);
  EXPECT_EQ(refusal(post("2", {{"Expect", "200-ok"}})), 417);
}

}  // namespace
}  // namespace paystats::api
