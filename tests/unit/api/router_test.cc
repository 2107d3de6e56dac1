#include "api/router.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "api/problem.h"
#include "requests.h"

namespace paystats::api {
namespace {

template <class T>
T expect_action(const Action& action) {
  EXPECT_TRUE(std::holds_alternative<T>(action)) << "status " << status_of(action);
  return std::holds_alternative<T>(action) ? std::get<T>(action) : T{};
}

TEST(Router, ASubmitIsReadOnlyAfterItsHeadHasBeenFoundGood) {
  const auto take = expect_action<TakePayments>(router().route(post("1048576")));
  EXPECT_EQ(take.body_bytes, 1048576u);
  EXPECT_FALSE(take.expects_continue);
  const auto patient =
      expect_action<TakePayments>(router().route(post("5", {{"Expect", "100-continue"}})));
  EXPECT_TRUE(patient.expects_continue);
}

TEST(Router, ABodyOverTheLimitIs413AndTheConnectionEnds) {
  const Action action = router().route(post("1048577"));
  EXPECT_EQ(status_of(action), 413);
  EXPECT_TRUE(std::get<HttpResponse>(action).close);
}

TEST(Router, ASubmitWithoutALengthIs411) {
  EXPECT_EQ(status_of(router().route(
                request("POST", "/api/payments", {{"Content-Type", "application/json"}}))),
            411);
}

TEST(Router, OnlyJsonIsTaken) {
  const auto with_type = [](std::vector<HttpField> fields) {
    fields.push_back({"Content-Length", "2"});
    return status_of(router().route(request("POST", "/api/payments", fields)));
  };
  EXPECT_EQ(with_type({}), 415);
  EXPECT_EQ(with_type({{"Content-Type", "text/plain"}}), 415);
  EXPECT_EQ(with_type({{"Content-Type", "application/jsonp"}}), 415);
  EXPECT_EQ(with_type({{"Content-Type", "application/x-www-form-urlencoded"}}), 415);
  EXPECT_EQ(with_type({{"Content-Type", "text/plain; application/json"}}), 415);
  EXPECT_EQ(with_type({{"Content-Type", "application/json"}, {"Content-Type", "text/plain"}}), 415);
  EXPECT_EQ(with_type({{"Content-Type", "application/json"}, {"Content-Encoding", "gzip"}}), 415);
  EXPECT_EQ(with_type({{"Content-Type", "Application/JSON; charset=utf-8"}}), 0);
}

TEST(Router, APageOfTheTotalsHasLimitOffsetAndPrefix) {
  const auto ask = expect_action<AskStats>(
      router().route(request("GET", "/api/stats?limit=5&offset=10&q=ed%20g%C3%A4r+x")));
  const auto& page = std::get<protocol::PageQuery>(ask.query);
  EXPECT_EQ(page.limit, 5u);
  EXPECT_EQ(page.offset, 10u);
  EXPECT_EQ(page.prefix, "ed gär x");
  const auto plain = expect_action<AskStats>(router().route(request("GET", "/api/stats")));
  EXPECT_EQ(std::get<protocol::PageQuery>(plain.query), protocol::PageQuery{});
}

TEST(Router, ParametersOutOfRangeUnknownOrGivenTwiceAre400) {
  for (const char* target :
       {"/api/stats?limit=0", "/api/stats?limit=1001", "/api/stats?limit=-1",
        "/api/stats?limit=", "/api/stats?limit=5x", "/api/stats?limit=+5", "/api/stats?offset=-1",
        "/api/stats?offset=18446744073709551616", "/api/stats?limit=5&limit=5",
        "/api/stats?colour=red", "/api/stream?limit=0", "/api/stats/edgar?limit=1"}) {
    EXPECT_EQ(status_of(router().route(request("GET", target))), 400) << target;
  }
}

TEST(Router, AUserMayHaveAnyNameThatPaymentsMayHave) {
  for (const auto& [target, user] :
       {std::pair{"/api/stats/edgar", "edgar"}, std::pair{"/api/stats/a%2Fb", "a/b"},
        std::pair{"/api/stats/%2e%2e", ".."}, std::pair{"/api/stats/a+b", "a+b"},
        std::pair{"/api/stats/%C3%A4", "ä"}}) {
    const auto ask = expect_action<AskStats>(router().route(request("GET", target)));
    EXPECT_EQ(std::get<protocol::UserQuery>(ask.query).user, user);
  }
  const auto with_nul = expect_action<AskStats>(router().route(request("GET", "/api/stats/a%00b")));
  EXPECT_EQ(std::get<protocol::UserQuery>(with_nul.query).user, std::string("a\0b", 3));
  const std::string longest = "/api/stats/" + std::string(1024, 'x');
  EXPECT_EQ(status_of(router().route(request("GET", longest))), 0);
  EXPECT_EQ(status_of(router().route(request("GET", longest + "x"))), 400);
}

TEST(Router, TargetsThatAreNotCleanAre400) {
  for (const char* target :
       {"/api/stats/%", "/api/stats/%4", "/api/stats/%zz", "/api/stats/%ff", "/api/stats?q=%c0%af",
        "/a#b", "/a\\b", "/a b", "/\x7f", "/\xc3\xa4", "nothing", "", "?q=1", "*"}) {
    EXPECT_EQ(status_of(router().route(request("GET", target))), 400) << target;
  }
}

TEST(Router, NothingOutsideTheListOfFilesIsInReach) {
  for (const char* target :
       {"/../etc/passwd", "/css/../../etc/passwd", "/%2e%2e/etc/passwd", "/..%2fetc%2fpasswd",
        "/css%2fpage.css", "/%2fetc/passwd", "//etc/passwd", "/./index.html", "/css//page.css",
        "/css/", "/css", "/index.html/", "/....//", "/%252e%252e/", "/.git/config"}) {
    EXPECT_EQ(status_of(router().route(request("GET", target))), 404) << target;
  }
  EXPECT_EQ(status_of(router().route(request("GET", "/..\\etc"))), 400);
}

RouterOptions under_a_path(const char* url = "https://pay.example.org/pay/stats/") {
  return router_options({}, url).value();
}

TEST(Router, ATargetUnderThePathOfThePublicUrlIsServedAsWithoutIt) {
  const Router there = router(under_a_path());
  for (const char* target :
       {"/", "/pay/stats/", "/css/page.css", "/pay/stats/css/page.css", "/pay/stats/healthz",
        "/pay/stats/api/openapi.json", "/pay/%73tats/"}) {
    EXPECT_EQ(status_of(there.route(request("GET", target))), 200) << target;
  }
  expect_action<OpenStream>(there.route(request("GET", "/pay/stats/api/stream?limit=5")));
  const auto ask =
      expect_action<AskStats>(there.route(request("GET", "/pay/stats/api/stats/pay?")));
  EXPECT_EQ(std::get<protocol::UserQuery>(ask.query).user, "pay");
  HttpRequest posted = post("5");
  posted.target = "/pay/stats/api/payments";
  expect_action<TakePayments>(there.route(posted));
  for (const char* target :
       {"/pay/", "/pay", "/pay/statsx/", "/Pay/stats/", "/pay/stats/pay/stats/", "/pay/stats//",
        "/pay/stats/../", "/x/pay/stats/", "/pay%2fstats/"}) {
    EXPECT_EQ(status_of(there.route(request("GET", target))), 404) << target;
  }
  EXPECT_EQ(status_of(router().route(request("GET", "/pay/stats/"))), 404);
}

TEST(Router, ThePathOfThePublicUrlWithoutItsSlashIsRedirectedToThePage) {
  const Router there = router(under_a_path());
  const auto moved = expect_action<HttpResponse>(there.route(request("GET", "/pay/stats")));
  EXPECT_EQ(moved.status, 308);
  EXPECT_TRUE(has_field(moved, "Location: https://pay.example.org/pay/stats/"));
  const auto user =
      expect_action<HttpResponse>(there.route(request("GET", "/pay/stats?user=a%0d")));
  EXPECT_TRUE(has_field(user, "Location: https://pay.example.org/pay/stats/?user=a%0d"));
  const Router at_root = router(under_a_path("https://pay.example.org"));
  EXPECT_EQ(status_of(at_root.route(request("GET", "/"))), 200);
}

TEST(Router, ThePathOfThePublicUrlIsNoneOfTheApi) {
  for (const char* url : {"http://a/metrics", "http://a/healthz/", "http://a/api/stats",
                          "http://a/api/stats/edgar", "http://a/api/payments/"}) {
    const auto options = router_options({}, url);
    ASSERT_FALSE(options) << url;
    EXPECT_EQ(options.error().message.rfind("--public-url: http://a/", 0), 0u);
  }
  // Read as it is where that makes sense: a proxy may leave the path on, or take it off.
  const Router there = router(under_a_path("http://a/api"));
  expect_action<AskStats>(there.route(request("GET", "/api/stats")));
  expect_action<AskStats>(there.route(request("GET", "/api/api/stats")));
  EXPECT_EQ(status_of(there.route(request("GET", "/api/"))), 200);
  EXPECT_EQ(status_of(there.route(request("GET", "/api"))), 308);
  EXPECT_FALSE(router_options({"a/"}, std::nullopt));
}

TEST(Router, APathThatAProxyHasLeftOnIs404AndSaysWhatToSet) {
  const auto detail = [](std::string_view target) {
    const auto response = expect_action<HttpResponse>(router().route(request("GET", target)));
    EXPECT_EQ(response.status, 404);
    return nlohmann::json::parse(body_of(response)).value("detail", "");
  };
  for (const char* target : {"/pay/stats/", "/pay/stats/css/page.css", "/pay/stats/api/stats"}) {
    const std::string said = detail(target);
    EXPECT_NE(said.find("--public-url"), std::string::npos) << target;
    EXPECT_TRUE(said.ends_with(" /pay/stats/")) << said;
  }
  for (const char* target :
       {"/pay", "/pay/x", "/%1b%5b31m/", "/../", "/a%2fb/", "/a/b/c/d/e/f/g/h/"}) {
    EXPECT_EQ(detail(target), "") << target;
  }
  EXPECT_EQ(detail("/" + std::string(200, 'a') + "/"), "");
}

TEST(Router, NoOriginIsAskedOfFilesOfThePageAndOfAllElse) {
  const auto foreign = [](std::string_view method, std::string_view target) {
    return status_of(router(under_a_path())
                         .route(request(method, target,
                                        {{"Origin", "https://evil.example"},
                                         {"Sec-Fetch-Site", "cross-site"}})));
  };
  for (const char* target : {"/", "/css/page.css", "/pay/stats/", "/pay/stats/css/page.css"}) {
    EXPECT_EQ(foreign("GET", target), 200) << target;
    EXPECT_EQ(foreign("HEAD", target), 200) << target;
    EXPECT_EQ(foreign("POST", target), 403) << target;
    EXPECT_EQ(foreign("OPTIONS", target), 403) << target;
  }
  for (const char* target :
       {"/api/stats", "/api/stream", "/api/stats/edgar", "/api/payments/k", "/api/idempotency",
        "/api/openapi.json", "/metrics", "/healthz", "/readyz", "/no-such-file", "/pay/stats",
        "/pay/stats/api/stats", "/pay/stats/metrics", "/%zz"}) {
    EXPECT_EQ(foreign("GET", target), 403) << target;
  }
  EXPECT_EQ(foreign("OPTIONS", "*"), 403);
}

TEST(Router, FilesHaveTheirTypeAnETagAndAStrictPolicy) {
  const Action page = router().route(request("GET", "/"));
  const auto response = expect_action<HttpResponse>(page);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(body_of(response), "<!doctype html>");
  EXPECT_TRUE(has_field(response, "Content-Type: text/html; charset=utf-8"));
  EXPECT_TRUE(has_field(response, "Cache-Control: no-cache"));
  EXPECT_TRUE(has_field(response, "X-Content-Type-Options: nosniff"));
  EXPECT_TRUE(has_field(response, "Referrer-Policy: no-referrer"));
  EXPECT_NE(response.fields.find("Content-Security-Policy: default-src 'self'; "
                                 "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"),
            std::string::npos);
  EXPECT_EQ(response.fields.find("Access-Control"), std::string::npos);

  const size_t at = response.fields.find("ETag: ") + 6;
  const std::string etag = response.fields.substr(at, response.fields.find('\r', at) - at);
  const auto again = expect_action<HttpResponse>(
      router().route(request("GET", "/index.html", {{"If-None-Match", etag}})));
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, nullptr);
  EXPECT_EQ(status_of(router().route(request("GET", "/css/page.css"))), 200);
}

TEST(Router, AWrongMethodIs405AndSaysWhichAreRight) {
  for (const char* method : {"PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "FOO", "get"}) {
    const auto response =
        expect_action<HttpResponse>(router().route(request(method, "/api/stats")));
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_TRUE(has_field(response, "Allow: GET, HEAD, OPTIONS"));
  }
  const auto response =
      expect_action<HttpResponse>(router().route(request("GET", "/api/payments")));
  EXPECT_EQ(response.status, 405);
  EXPECT_TRUE(has_field(response, "Allow: POST, OPTIONS"));
  EXPECT_EQ(status_of(router().route(request("POST", "/"))), 405);
}

TEST(Router, OptionsGrantsNothingToOtherSites) {
  for (const char* target : {"/api/payments", "/api/stats", "/", "*"}) {
    const auto response = expect_action<HttpResponse>(router().route(request("OPTIONS", target)));
    EXPECT_EQ(response.status, 204) << target;
    EXPECT_EQ(response.fields.find("Access-Control"), std::string::npos);
  }
}

TEST(Router, WhatIsNotThereIs404AndSaysWhereThePageCouldBe) {
  EXPECT_EQ(status_of(router().route(request("GET", "/api"))), 404);
  EXPECT_EQ(status_of(router().route(request("GET", "/api/stats/"))), 404);
  EXPECT_EQ(status_of(router().route(request("GET", "/api/stats/a/b"))), 404);
  EXPECT_EQ(status_of(router().route(request("GET", "/API/stats"))), 404);
  const Router without_page({}, StaticFiles());
  const auto response = expect_action<HttpResponse>(without_page.route(request("GET", "/")));
  EXPECT_EQ(response.status, 404);
  EXPECT_NE(body_of(response).find("--www"), std::string::npos);
}

TEST(Router, ARequestThatHasABodyItShouldNotHaveEndsTheConnection) {
  const std::vector<HttpField> body = {{"Content-Length", "5"}};
  const auto stats =
      expect_action<HttpResponse>(router().route(request("GET", "/api/stats", body)));
  EXPECT_EQ(stats.status, 400);
  EXPECT_TRUE(stats.close);
  const auto page = expect_action<HttpResponse>(router().route(request("GET", "/", body)));
  EXPECT_EQ(page.status, 400);
  EXPECT_TRUE(page.close);
  const auto nothing = expect_action<HttpResponse>(router().route(request("GET", "/x", body)));
  EXPECT_EQ(nothing.status, 404);
  EXPECT_TRUE(nothing.close);
  EXPECT_EQ(status_of(router().route(request("GET", "/api/stats", {{"Content-Length", "0"}}))), 0);
}

TEST(Router, HealthReadinessMetricsAndStreamHaveTheirRoutes) {
  EXPECT_EQ(status_of(router().route(request("GET", "/healthz"))), 200);
  EXPECT_EQ(expect_action<Report>(router().route(request("GET", "/readyz"))).kind,
            Report::Kind::kReadiness);
  EXPECT_EQ(expect_action<Report>(router().route(request("HEAD", "/metrics"))).kind,
            Report::Kind::kMetrics);
  const auto stream =
      expect_action<OpenStream>(router().route(request("GET", "/api/stream?limit=3&q=a")));
  EXPECT_EQ(stream.query.limit, 3u);
  EXPECT_EQ(stream.query.prefix, "a");
}

TEST(Router, AnAbsoluteTargetIsTakenForItsOwnHostOnly) {
  EXPECT_EQ(status_of(router().route(request("GET", "http://localhost:8080/healthz"))), 200);
  EXPECT_EQ(status_of(router().route(request("GET", "http://localhost:8080"))), 200);
  EXPECT_EQ(status_of(router().route(request("GET", "http://evil.example/healthz"))), 400);
  EXPECT_EQ(status_of(router().route(request("GET", "http://127.0.0.1:8080/healthz"))), 400);
  EXPECT_EQ(status_of(router().route(request("GET", "ftp://localhost:8080/healthz"))), 400);
}

}  // namespace
}  // namespace paystats::api
