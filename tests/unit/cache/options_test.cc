#include "cache/options.h"

#include <gtest/gtest.h>

namespace paystats::cache {
namespace {

std::string refusal(const CacheOptions& options) {
  const base::Result<void> checked = check_options(options);
  return checked ? "" : checked.error().message;
}

const std::string kPath = "stats.sock";

TEST(CacheOptions, EachOfTheThreeJobsCanBeAskedFor) {
  CacheOptions serve;
  serve.socket = kPath;
  serve.hold = true;
  EXPECT_EQ(refusal(serve), "");
  CacheOptions list;
  list.top = 5000;
  list.output = std::string("top.jsonl");
  EXPECT_EQ(refusal(list), "");
  CacheOptions question;
  question.connect = kPath;
  question.top = 1000;
  EXPECT_EQ(refusal(question), "");
  question.watch = true;
  EXPECT_EQ(refusal(question), "");
}

TEST(CacheOptions, AReadyLineIsForASocketThatIsFedWithLines) {
  CacheOptions options;
  options.ready_line = true;
  options.top = 5;
  EXPECT_EQ(refusal(options), "--ready-line needs --socket");
  options.top.reset();
  options.socket = kPath;
  EXPECT_EQ(refusal(options), "");
  options.inputs = {"kafka:payment-stats"};
  EXPECT_EQ(refusal(options), "--ready-line is for lines: of a topic the end is known");
}

TEST(CacheOptions, NothingToDoIsAMistakeThatSaysWhatThereIs) {
  EXPECT_EQ(refusal({}), "say what to do: --socket PATH, --top N or --connect PATH");
}

TEST(CacheOptions, WhatBelongsToOneJobIsRefusedWithAnother) {
  CacheOptions serve;
  serve.socket = kPath;
  for (const auto& change :
       {+[](CacheOptions& r) { r.connect = kPath; }, +[](CacheOptions& r) { r.top = 1; },
        +[](CacheOptions& r) { r.user = std::string("edgar"); },
        +[](CacheOptions& r) { r.watch = true; },
        +[](CacheOptions& r) { r.output = std::string("-"); }}) {
    CacheOptions options = serve;
    change(options);
    EXPECT_NE(refusal(options), "");
  }
  CacheOptions question;
  question.connect = kPath;
  question.top = 1;
  for (const auto& change :
       {+[](CacheOptions& r) { r.inputs.emplace_back("-"); },
        +[](CacheOptions& r) { r.hold = true; }, +[](CacheOptions& r) { r.users_max = 1; },
        +[](CacheOptions& r) { r.rejects = std::string("bad.jsonl"); },
        +[](CacheOptions& r) { r.metrics = std::string("cache.prom"); },
        +[](CacheOptions& r) { r.user = std::string("edgar"); },
        +[](CacheOptions& r) { r.top = 1001; }}) {
    CacheOptions options = question;
    change(options);
    EXPECT_NE(refusal(options), "");
  }
}

TEST(CacheOptions, ACommandFeedsASocketOrAListAndNothingElseDoes) {
  CacheOptions options;
  options.run = {"payagg"};
  EXPECT_NE(refusal(options), "");
  options.top = 1;
  EXPECT_EQ(refusal(options), "");
  options.inputs = {"totals.jsonl"};
  EXPECT_EQ(refusal(options), "--run reads no INPUT but its command's output");
  options = {};
  options.run = {"payagg"};
  options.socket = kPath;
  options.ready_line = true;
  EXPECT_EQ(refusal(options), "");
  options.hold = true;
  EXPECT_EQ(refusal(options), "--hold and --run exclude each other: it ends with its command");
  options = {};
  options.run = {"payagg"};
  options.connect = kPath;
  options.top = 1;
  EXPECT_EQ(refusal(options), "--run and --connect exclude each other");
}

TEST(CacheOptions, AUserToAskForIsUtf8) {
  CacheOptions question;
  question.connect = kPath;
  question.user = std::string("zo\xc3\xab");
  EXPECT_EQ(refusal(question), "");
  question.user = std::string("zo\xeb");
  EXPECT_EQ(refusal(question), "--user: not UTF-8");
}

}  // namespace
}  // namespace paystats::cache
