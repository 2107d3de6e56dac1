#include "api/http.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "api/problem.h"
#include "api/report.h"
#include "api/static_files.h"
#include "api/stats_response.h"
#include "api/target.h"
#include "requests.h"

namespace paystats::api {
namespace {

TEST(Http, AHeadHasItsLengthItsDateAndSaysWhenTheConnectionEnds) {
  std::string out;
  HttpResponse response = text_response(200, "text/plain", "hello");
  response.fields = "A: b\r\n";
  append_head(out, response, {.keep_alive = true, .date = "today"});
  EXPECT_EQ(out, "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\nDate: today\r\n\r\n");
  out.clear();
  append_head(out, response, {.keep_alive = true, .say_keep_alive = true, .date = ""});
  EXPECT_EQ(out, "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n");
  out.clear();
  response.close = true;
  append_head(out, response, {});
  EXPECT_EQ(out, "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\nConnection: close\r\n\r\n");
}

TEST(Http, NoLengthWhereThereIsNoBodyOrNoEnd) {
  for (const int status : {204, 304}) {
    HttpResponse response;
    response.status = status;
    std::string out;
    append_head(out, response, {});
    EXPECT_EQ(out.find("Content-Length"), std::string::npos);
  }
  std::string out;
  append_head(out, stream_response(), {.keep_alive = false, .date = "", .stream = true});
  EXPECT_EQ(out.find("Content-Length"), std::string::npos);
  EXPECT_NE(out.find("Connection: close"), std::string::npos);
}

TEST(Http, DatesAreInEnglishWhateverTheLocale) {
  EXPECT_EQ(http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(Http, AnETagIsFoundInAList) {
  EXPECT_TRUE(etag_matches("\"a\"", "\"a\""));
  EXPECT_TRUE(etag_matches("W/\"x\", W/\"a\"", "\"a\""));
  EXPECT_TRUE(etag_matches(" * ", "\"a\""));
  EXPECT_FALSE(etag_matches("\"b\", \"ab\"", "\"a\""));
  EXPECT_FALSE(etag_matches("\"a", "\"a\""));
  EXPECT_FALSE(etag_matches("", "\"a\""));
}

TEST(RawHead, LinesThatDifferentProgramsReadDifferentlyAreFound) {
  EXPECT_EQ(flaw_of_raw_head("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), nullptr);
  EXPECT_EQ(flaw_of_raw_head(""), nullptr);
  for (const std::string_view head : {std::string_view("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n"),
                                      std::string_view("GET / HTTP/1.1\r\nA: b\r\n\tc\r\n\r\n"),
                                      std::string_view("GET / HTTP/1.1\nA: b\r\n\r\n"),
                                      std::string_view("GET / HTTP/1.1\r\nA: b\n\r\n"),
                                      std::string_view("GET / HTTP/1.1\r\nA: b\rc\r\n\r\n"),
                                      std::string_view("GET / HTTP/1.1\r\nA: b\r\r\n\r\n"),
                                      std::string_view("GET / HTTP/1.1\r\nA: b\0c\r\n\r\n", 27),
                                      std::string_view("GET / HTTP/1.1\r\nA: b")}) {
    EXPECT_NE(flaw_of_raw_head(head), nullptr) << head;
  }
}

TEST(Target, WhatIsEncodedAndDecodedIsTheSame) {
  const std::string user = "a/b?c#d%e+f ä\"\\";
  const base::Result<Target> target =
      parse_target("/x/" + percent_encoded(user) + "?q=" + percent_encoded(user));
  ASSERT_TRUE(target);
  EXPECT_EQ(target->segments[1], user);
  EXPECT_EQ(target->parameters[0].second, user);
}

TEST(StaticFiles, AFolderIsReadWithoutWhatIsHidden) {
  namespace fs = std::filesystem;
  const fs::path folder =
      fs::temp_directory_path() / ("paystats-www-" + std::to_string(::getpid()));
  fs::create_directories(folder / "js");
  fs::create_directories(folder / ".git");
  std::ofstream(folder / "index.html") << "<p>";
  std::ofstream(folder / "js" / "a.js") << "1";
  std::ofstream(folder / ".secret") << "x";
  std::ofstream(folder / ".git" / "config") << "x";
  const base::Result<StaticFiles> files = StaticFiles::load(folder.string());
  ASSERT_TRUE(files) << files.error().message;
  ASSERT_NE(files->find("js/a.js"), nullptr);
  EXPECT_EQ(*files->find("js/a.js")->body, "1");
  EXPECT_EQ(files->find(".secret"), nullptr);
  EXPECT_EQ(files->find(".git/config"), nullptr);
  fs::remove(folder / "index.html");
  EXPECT_FALSE(StaticFiles::load(folder.string()));
  fs::remove_all(folder);
  EXPECT_FALSE(StaticFiles::load(folder.string()));
}

constexpr const char* kAnswer =
    R"({"instance":"00c0ffee00c0ffee","version":8,"ready":true,"offset":0,"users":1,"sum":"7.00","count":7,"stats":[{"rank":1,"user":"edgar","sum":"7.00","count":7}]})"
    "\n";

TEST(StatsResponse, TheBodyIsTheCachesBytesAndTheTagNamesInstanceVersionAndPage) {
  protocol::PageQuery page;
  page.prefix = "a \"b\"";
  const auto answer = prepare_answer(kAnswer, page);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->etag, "\"00c0ffee00c0ffee-8-50-0-a%20%22b%22\"");
  EXPECT_EQ(body_of(stats_response(*answer, page, "")), kAnswer);
  EXPECT_EQ(stats_response(*answer, page, answer->etag).status, 304);
  EXPECT_EQ(stats_response(*answer, page, "\"other\"").status, 200);
}

TEST(StatsResponse, AUserWhoIsNotThereIs404) {
  const protocol::Query query = protocol::UserQuery{"nobody"};
  const auto answer = prepare_answer(
      R"({"instance":"00c0ffee00c0ffee","version":8,"ready":true,"offset":0,"users":0,"sum":"0.00","count":0,"stats":[]})",
      query);
  ASSERT_TRUE(answer);
  EXPECT_EQ(stats_response(*answer, query, "").status, 404);
  EXPECT_EQ(stats_response(*answer, protocol::PageQuery{}, "").status, 200);
  EXPECT_FALSE(prepare_answer(R"({"error":"too many"})", query));
}

TEST(StatsResponse, AnEventIsOneLineOfDataWithItsPlaceInTime) {
  const auto answer = prepare_answer(kAnswer, protocol::PageQuery{});
  ASSERT_TRUE(answer);
  const SharedEvent event = stats_event(*answer);
  EXPECT_EQ(event->head + *event->data + std::string(event->tail),
            "event: stats\nid: 00c0ffee00c0ffee-8\ndata: " + std::string(kAnswer) + "\n");
  EXPECT_EQ(event->data, answer->body) << "the data is a copy";
  EXPECT_EQ(away_event()->head, "event: away\ndata: {}\n\n");
}

TEST(Report, ReadinessSaysWhatIsMissing) {
  ServerFigures figures;
  EXPECT_EQ(readiness_response(figures).status, 503);
  figures.cache_connected = true;
  EXPECT_EQ(body_of(readiness_response(figures)), "the cache is still reading\n");
  figures.cache_ready = true;
  EXPECT_EQ(readiness_response(figures).status, 200);
  figures.output_writable = false;
  EXPECT_EQ(body_of(readiness_response(figures)), "payments cannot be written\n");
}

TEST(Report, MetricsHaveTheirTypes) {
  ServerFigures figures;
  figures.payments_accepted = 42;
  const std::string text = body_of(metrics_response(figures));
  EXPECT_NE(
      text.find("# TYPE paystats_serve_payments_total counter\npaystats_serve_payments_total 42\n"),
      std::string::npos);
}

// Prometheus shows no increase of a counter that was not there before.
TEST(Report, EachTypeOfRefusalIsCountedFromTheStart) {
  ServerFigures figures;
  const std::string none = body_of(metrics_response(figures));
  EXPECT_NE(none.find("\npaystats_serve_refusals_total{type=\"bad-request\"} 0\n"),
            std::string::npos);
  EXPECT_NE(none.find("\npaystats_serve_refusals_total{type=\"not-stored\"} 0\n"),
            std::string::npos);
  figures.count(problem_response(ProblemType::kBusy, ""));
  figures.count(problem_response(ProblemType::kBusy, ""));
  figures.count(text_response(200, "text/plain", ""));
  const std::string text = body_of(metrics_response(figures));
  EXPECT_NE(text.find("\npaystats_serve_refusals_total{type=\"busy\"} 2\n"), std::string::npos);
  EXPECT_NE(text.find("\npaystats_serve_responses_total{status=\"5xx\"} 2\n"), std::string::npos);
  EXPECT_NE(text.find("\npaystats_serve_responses_total{status=\"2xx\"} 1\n"), std::string::npos);
}

TEST(Report, TheVersionIsAmongTheMetrics) {
  EXPECT_TRUE(body_of(metrics_response({}))
                  .starts_with("# HELP paystats_serve_build_info 1, with the version"));
}

TEST(Report, OfKeysThereAreMetricsWhereTheyAreKept) {
  ServerFigures figures;
  EXPECT_EQ(body_of(metrics_response(figures)).find("idempotency"), std::string::npos);
  using Kept = keys::KeyFigures::Kept;
  for (const Kept kept : {Kept::kProcess, Kept::kLog, Kept::kTopic}) {
    figures.keys = {
        .kept = kept, .keys = 3, .keys_young = 2, .keys_max = 9, .memory = std::chrono::minutes(1)};
    const std::string text = body_of(metrics_response(figures));
    EXPECT_NE(text.find("\npaystats_serve_idempotency_keys 3\n"), std::string::npos);
    EXPECT_NE(text.find("\npaystats_serve_idempotency_keys_young 2\n"), std::string::npos);
    EXPECT_NE(text.find("\npaystats_serve_idempotency_memory_seconds 60\n"), std::string::npos);
  }
}

TEST(Problem, TryingAgainIsSuggestedWhereItCanHelp) {
  EXPECT_TRUE(has_field(problem_response(ProblemType::kCacheAway, ""), "Retry-After: 1"));
  EXPECT_EQ(problem_response(ProblemType::kNotFound, "").fields.find("Retry-After"),
            std::string::npos);
  const auto json = nlohmann::json::parse(
      body_of(problem_response({ProblemType::kBadRequest, "a \"b\"", {{"/0/\"", "c\n"}}})));
  EXPECT_EQ(json["detail"], "a \"b\"");
  EXPECT_EQ(json["errors"][0]["pointer"], "/0/\"");
}

}  // namespace
}  // namespace paystats::api
