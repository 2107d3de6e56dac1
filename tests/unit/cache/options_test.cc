#include "cache/options.h"

#include <gtest/gtest.h>

namespace paystats::cache {
namespace {

std::string refusal(const CacheRequest& request) {
  const base::Result<void> checked = check_request(request);
  return checked ? "" : checked.error().message;
}

const std::string kPath = "stats.sock";

TEST(CacheRequest, EachOfTheThreeJobsCanBeAskedFor) {
  CacheRequest serve;
  serve.socket = kPath;
  serve.hold = true;
  EXPECT_EQ(refusal(serve), "");
  CacheRequest list;
  list.top = 5000;
  list.output = std::string("top.jsonl");
  EXPECT_EQ(refusal(list), "");
  CacheRequest question;
  question.connect = kPath;
  question.top = 1000;
  EXPECT_EQ(refusal(question), "");
  question.watch = true;
  EXPECT_EQ(refusal(question), "");
}

TEST(CacheRequest, AReadyLineIsForASocketThatIsFedWithLines) {
  CacheRequest request;
  request.ready_line = true;
  request.top = 5;
  EXPECT_EQ(refusal(request), "--ready-line needs --socket");
  request.top.reset();
  request.socket = kPath;
  EXPECT_EQ(refusal(request), "");
  request.inputs = {"kafka:payment-stats"};
  EXPECT_EQ(refusal(request), "--ready-line is for lines: of a topic the end is known");
}

TEST(CacheRequest, NothingToDoIsAMistakeThatSaysWhatThereIs) {
  EXPECT_EQ(refusal({}), "say what to do: --socket PATH, --top N or --connect PATH");
}

TEST(CacheRequest, WhatBelongsToOneJobIsRefusedWithAnother) {
  CacheRequest serve;
  serve.socket = kPath;
  for (const auto& change :
       {+[](CacheRequest& r) { r.connect = kPath; }, +[](CacheRequest& r) { r.top = 1; },
        +[](CacheRequest& r) { r.user = std::string("edgar"); },
        +[](CacheRequest& r) { r.watch = true; },
        +[](CacheRequest& r) { r.output = std::string("-"); }}) {
    CacheRequest request = serve;
    change(request);
    EXPECT_NE(refusal(request), "");
  }
  CacheRequest question;
  question.connect = kPath;
  question.top = 1;
  for (const auto& change :
       {+[](CacheRequest& r) { r.inputs.emplace_back("-"); },
        +[](CacheRequest& r) { r.hold = true; }, +[](CacheRequest& r) { r.users_max = 1; },
        +[](CacheRequest& r) { r.rejects = std::string("bad.jsonl"); },
        +[](CacheRequest& r) { r.metrics = std::string("cache.prom"); },
        +[](CacheRequest& r) { r.user = std::string("edgar"); },
        +[](CacheRequest& r) { r.top = 1001; }}) {
    CacheRequest request = question;
    change(request);
    EXPECT_NE(refusal(request), "");
  }
}

TEST(CacheRequest, AUserToAskForIsUtf8) {
  CacheRequest question;
  question.connect = kPath;
  question.user = std::string("zo\xc3\xab");
  EXPECT_EQ(refusal(question), "");
  question.user = std::string("zo\xeb");
  EXPECT_EQ(refusal(question), "--user: not UTF-8");
}

}  // namespace
}  // namespace paystats::cache
