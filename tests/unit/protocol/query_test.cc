#include "protocol/query.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "record/payment.h"

namespace paystats::protocol {
namespace {

using std::string_literals::operator""s;

PageQuery page_of(std::string_view line) {
  const base::Result<Query> query = parse_query(line);
  EXPECT_TRUE(query) << line << ": " << (query ? "" : query.error().message);
  return query && std::holds_alternative<PageQuery>(*query) ? std::get<PageQuery>(*query)
                                                            : PageQuery{.limit = 0};
}

std::string user_of(std::string_view line) {
  const base::Result<Query> query = parse_query(line);
  return query && std::holds_alternative<UserQuery>(*query) ? std::get<UserQuery>(*query).user
                                                            : "(not a user)";
}

std::string error_of(std::string_view line) {
  const base::Result<Query> query = parse_query(line);
  return query ? "(none)" : query.error().message;
}

// {"NAME":VALUE}
std::string request(std::string_view name, std::string_view value) {
  return fmt::format("{{\"{}\":{}}}", name, value);
}
std::string in_quotes(std::string_view text) {
  return fmt::format("\"{}\"", text);
}

TEST(Query, AnEmptyObjectIsTheFirstPage) {
  EXPECT_EQ(page_of("{}"), (PageQuery{50, 0, "", false}));
  EXPECT_EQ(page_of(" { } \r"), (PageQuery{50, 0, "", false}));
}

TEST(Query, APageHasLimitOffsetAndPrefixInAnyOrder) {
  EXPECT_EQ(page_of(R"({"limit":10,"offset":20,"q":"ed"})"), (PageQuery{10, 20, "ed", false}));
  EXPECT_EQ(page_of(R"({"q":"ed","offset":20})"), (PageQuery{50, 20, "ed", false}));
  EXPECT_EQ(page_of(R"({"q":"\u00e9\"\u0000"})").prefix, "\xC3\xA9\"\0"s);
  EXPECT_EQ(page_of(R"({"q":""})").prefix, "");
}

TEST(Query, AWatchIsAPageThatStays) {
  EXPECT_EQ(page_of(R"({"watch":7})"), (PageQuery{7, 0, "", true}));
  EXPECT_EQ(page_of(R"({"watch":7,"offset":5,"q":"ed"})"), (PageQuery{7, 5, "ed", true}));
}

TEST(Query, AUserIsAskedForAlone) {
  EXPECT_EQ(user_of(R"({"user":"edgar"})"), "edgar");
  EXPECT_EQ(user_of(R"({"\u0075ser":"a\u00e9\n"})"), "a\xC3\xA9\n");
  EXPECT_EQ(error_of(R"({"user":"edgar","limit":1})"), "user: goes with no other field");
  EXPECT_EQ(error_of(R"({"q":"e","user":"edgar"})"), "user: goes with no other field");
  EXPECT_EQ(error_of(R"({"user":"edgar","offset":0})"), "user: goes with no other field");
  EXPECT_EQ(error_of(R"({"user":"edgar","watch":1})"), "user: goes with no other field");
  EXPECT_EQ(error_of(R"({"user":""})"), "user: empty");
}

TEST(Query, LimitsHoldFromBothSides) {
  EXPECT_EQ(page_of(R"({"limit":1})").limit, 1U);
  EXPECT_EQ(page_of(R"({"limit":1000})").limit, 1000U);
  EXPECT_EQ(page_of(R"({"watch":1000})").limit, 1000U);
  EXPECT_EQ(page_of(R"({"offset":18446744073709551615})").offset, UINT64_MAX);
  const std::string limit = "limit: not an integer from 1 to 1000";
  for (const char* value :
       {"0", "1001", "-1", "-0", "1.0", "1e1", "1e999", "18446744073709551616", "4294967297",
        "99999999999999999999999999999999999999", "\"5\"", "null", "true", "[5]", "{\"a\":1}"}) {
    EXPECT_EQ(error_of(request("limit", value)), std::string(value) == "1e999" ? "not JSON" : limit)
        << value;
  }
  EXPECT_EQ(error_of(R"({"watch":0})"), "watch: not an integer from 1 to 1000");
  EXPECT_EQ(error_of(R"({"offset":-1})"), "offset: not an integer from 0 to 18446744073709551615");
  EXPECT_EQ(error_of(R"({"offset":18446744073709551616})"),
            "offset: not an integer from 0 to 18446744073709551615");
  EXPECT_EQ(user_of(request("user", in_quotes(std::string(record::kUserBytesMax, 'x')))),
            std::string(record::kUserBytesMax, 'x'));
  EXPECT_EQ(error_of(request("user", in_quotes(std::string(record::kUserBytesMax + 1, 'x')))),
            "user: longer than 1024 bytes");
  EXPECT_EQ(error_of(request("q", in_quotes(std::string(record::kUserBytesMax + 1, 'x')))),
            "q: longer than 1024 bytes");
}

TEST(Query, TextsMustBeStrings) {
  for (const char* value : {"1", "-1", "1.5", "null", "true", "[\"a\"]", "{\"a\":1}"}) {
    EXPECT_EQ(error_of(request("q", value)), "q: not a string");
    EXPECT_EQ(error_of(request("user", value)), "user: not a string");
  }
}

TEST(Query, AFieldTwiceIsAnError) {
  EXPECT_EQ(error_of(R"({"limit":1,"limit":1})"), "limit: given twice");
  EXPECT_EQ(error_of(R"({"user":"a","\u0075ser":"b"})"), "user: given twice");
  EXPECT_EQ(error_of(R"({"watch":1,"limit":1})"), "watch: is the limit, do not give both");
}

TEST(Query, AnUnknownFieldIsNamedSafely) {
  EXPECT_EQ(error_of(R"({"limits":1})"), "unknown field: limits");
  EXPECT_EQ(error_of(R"({"Limit":1})"), "unknown field: Limit");
  EXPECT_EQ(error_of(R"({"":1})"), "unknown field: ");
  EXPECT_EQ(error_of(R"({"\u001b[2J":1})"), "unknown field: \\u001b[2J");
  EXPECT_LT(error_of(request(std::string(9000, 'x'), "1")).size(), 100U);
}

TEST(Query, WhatIsNotAnObjectIsAnError) {
  for (const char* line : {"1", "-1", "1.5", "\"edgar\"", "null", "true", "[]", "[{}]"})
    EXPECT_EQ(error_of(line), "not a JSON object") << line;
  for (const std::string& line : {""s,
                                  " "s,
                                  "{"s,
                                  "}"s,
                                  "{}}"s,
                                  "{} {}"s,
                                  R"({"limit":1,})"s,
                                  R"({"offset":01})"s,
                                  R"({"offset":NaN})"s,
                                  "{'limit':1}"s,
                                  R"({"limit":1} x)"s,
                                  "GET / HTTP/1.1"s,
                                  "\xEF\xBB\xBF{}"s,
                                  "{}\0"s,
                                  "{}\0{"s,
                                  R"({"q":"a)"s + "\0\"}"s,
                                  "{} // more"s,
                                  R"({"q":")"s + "\xFF\"}",
                                  R"({"q":"\ud800"})"s,
                                  R"({"q":"a)" + "\n\"}"s})
    EXPECT_EQ(error_of(line), "not JSON") << testing::PrintToString(line);
}

TEST(Query, ALineTooLongIsRefusedUnread) {
  EXPECT_EQ(error_of(std::string(1 << 20, '[')), "longer than 16384 bytes");
  EXPECT_EQ(error_of(std::string("{}").append(kRequestBytesMax - 1, ' ')),
            "longer than 16384 bytes");
  EXPECT_EQ(page_of(std::string("{}").append(kRequestBytesMax - 2, ' ')).limit, 50U);
}

TEST(Query, TheLongestRequestFits) {
  std::string escaped;
  for (size_t i = 0; i < record::kUserBytesMax; ++i) escaped += "\\u0061";
  const base::Result<Query> query =
      parse_query(R"({ "limit": 1000, "offset": 18446744073709551615, "q": ")" + escaped + "\" }");
  ASSERT_TRUE(query);
  EXPECT_EQ(std::get<PageQuery>(*query).prefix, std::string(record::kUserBytesMax, 'a'));
}

TEST(Query, DeepNestingAndGarbageOfAnyKindAreErrorsAndNoMore) {
  EXPECT_NE(error_of(std::string(kRequestBytesMax, '[')), "(none)");
  EXPECT_NE(error_of(request("q", std::string(kRequestBytesMax - 10, '{'))), "(none)");
  std::mt19937_64 random(9);
  const std::string valid = R"({"limit":50,"offset":0,"q":"ed\u00e9"})";
  for (int i = 0; i < 100'000; ++i) {
    std::string line = valid;
    for (size_t changes = 1 + random() % 4; changes > 0; --changes) {
      const size_t at = random() % line.size();
      switch (random() % 3) {
        case 0:
          line[at] = static_cast<char>(random());
          break;
        case 1:
          line.erase(at, 1 + random() % 3);
          break;
        default:
          line.insert(at, line.substr(random() % line.size(), random() % 9));
          break;
      }
      if (line.empty()) line.push_back('{');
    }
    const base::Result<Query> query = parse_query(line);
    if (query) {
      // What is accepted is in range, and says the same when it is written again.
      if (const auto* page = std::get_if<PageQuery>(&*query)) {
        EXPECT_GE(page->limit, 1U);
        EXPECT_LE(page->limit, kPageRowsMax);
      }
      const base::Result<Query> again = parse_query(request_line(*query));
      ASSERT_TRUE(again) << testing::PrintToString(line);
      EXPECT_TRUE(*query == *again) << testing::PrintToString(line);
    } else {
      EXPECT_FALSE(query.error().message.empty());
    }
  }
}

TEST(Query, IsWrittenAsDocumented) {
  EXPECT_EQ(request_line(PageQuery{}), "{\"limit\":50,\"offset\":0}\n");
  EXPECT_EQ(request_line(PageQuery{7, 3, "e\"d", false}),
            "{\"limit\":7,\"offset\":3,\"q\":\"e\\\"d\"}\n");
  EXPECT_EQ(request_line(PageQuery{7, 0, "", true}), "{\"watch\":7,\"offset\":0}\n");
  EXPECT_EQ(request_line(UserQuery{"a\nb"}), "{\"user\":\"a\\u000ab\"}\n");
}

}  // namespace
}  // namespace paystats::protocol
