#include "api/gatekeeper.h"

#include <gtest/gtest.h>

#include "requests.h"

namespace paystats::api {
namespace {

int refusal(const HttpRequest& request, std::vector<std::string> allowed = {}) {
  std::string_view origin_form;
  const auto refused = Gatekeeper(std::move(allowed)).refuse(request, origin_form);
  return refused ? refused->status : 0;
}

int with_host(std::string_view host, std::vector<std::string> allowed = {}) {
  return refusal(request("GET", "/", {{"Host", host}}), std::move(allowed));
}

TEST(Gatekeeper, NamesOfLoopbackAreOursWithTheRightPort) {
  for (const char* host : {"localhost:8080", "LocalHost:8080", "127.0.0.1:8080", "[::1]:8080"}) {
    EXPECT_EQ(with_host(host), 0) << host;
  }
}

TEST(Gatekeeper, ASiteWhoseNamePointsAtUsGetsNothing) {
  for (const char* host :
       {"evil.example", "evil.example:8080", "localhost", "localhost:80", "localhost:8081",
        "localhost.evil.example:8080", "evil.localhost:8080", "127.0.0.1.evil.example:8080",
        "127.0.0.2:8080", "localhost.:8080", "localhost:08080", "localhost:8080:8080",
        "user@localhost:8080", "localhost:8080,evil", "[::1]", "::1:8080", "0:8080"}) {
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
}

TEST(Gatekeeper, AllowedNamesAreOursWithAnyPortOrWithTheirs) {
  EXPECT_EQ(with_host("pi.local", {"pi.local"}), 0);
  EXPECT_EQ(with_host("PI.local:30080", {"pi.local"}), 0);
  EXPECT_EQ(with_host("pi.local:443", {"pi.local:443"}), 0);
  EXPECT_EQ(with_host("pi.local:444", {"pi.local:443"}), 421);
  EXPECT_EQ(with_host("evil.example", {"pi.local"}), 421);
  EXPECT_EQ(with_host("[2001:db8::1]:80", {"[2001:db8::1]"}), 0);
}

TEST(Gatekeeper, OnPort80ThePortMayBeLeftOut) {
  HttpRequest made = request("GET", "/", {{"Host", "localhost"}});
  made.local_port = 80;
  EXPECT_EQ(refusal(made), 0);
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
  const auto refused = Gatekeeper({}).refuse(old, origin_form);
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
