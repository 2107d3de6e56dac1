#include "protocol/answer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "unit/view/oracle.h"

namespace paystats::protocol {
namespace {

Envelope some_envelope() {
  return {.instance = 0xc0ffee,
          .version = 812,
          .ready = true,
          .offset = 0,
          .users = 1234,
          .sum = "8638.50",
          .count = "4321",
          .matches = {}};
}

TEST(Answer, IsTheBytesOfTheDocumentation) {
  EXPECT_EQ(
      render_answer(some_envelope(), {{1, "edgar", view::cents(700), 7}}),
      R"({"instance":"0000000000c0ffee","version":812,"ready":true,"offset":0,"users":1234,)"
      R"("sum":"8638.50","count":4321,"stats":[{"rank":1,"user":"edgar","sum":"7.00","count":7}]})"
      "\n");
}

TEST(Answer, WithoutRowsHasAnEmptyArray) {
  Envelope envelope = some_envelope();
  envelope.ready = false;
  envelope.instance = UINT64_MAX;
  envelope.offset = UINT64_MAX;
  EXPECT_EQ(render_answer(envelope, {}),
            R"({"instance":"ffffffffffffffff","version":812,"ready":false,)"
            R"("offset":18446744073709551615,"users":1234,"sum":"8638.50","count":4321,"stats":[]})"
            "\n");
}

TEST(Answer, SaysHowManyMatchAPrefixInFrontOfTheRows) {
  Envelope envelope = some_envelope();
  envelope.matches = 12;
  const std::string answer =
      render_answer(envelope, {{3, "edgar", view::cents(700), 7},
                               {9, "edna", money::Decimal::from_nanos(-125'000'000), 1}});
  EXPECT_NE(
      answer.find(R"("count":4321,"matches":12,"stats":[{"rank":3,"user":"edgar",)"
                  R"("sum":"7.00","count":7},{"rank":9,"user":"edna","sum":"-0.125","count":1}]})"),
      std::string::npos)
      << answer;
}

TEST(Answer, EscapesNamesAndIsOneLineOfJsonWhateverTheyHold) {
  const std::string hostile = "\"\\\n\r\x1b[2J\x01</script>\xE2\x80\xAE\xC3\xA9\x7F";
  const std::string answer = render_answer(some_envelope(), {{1, hostile, view::cents(1), 1}});
  EXPECT_EQ(answer.find('\n'), answer.size() - 1);
  EXPECT_NE(answer.find(R"("user":"\"\\\u000a\u000d\u001b[2J\u0001</script>)"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(answer)["stats"][0]["user"].get<std::string>(), hostile);
}

TEST(Answer, OfAnErrorIsJsonWhateverTheMessageHolds) {
  EXPECT_EQ(error_answer("q: not a string"), "{\"error\":\"q: not a string\"}\n");
  EXPECT_EQ(error_answer("\"\n"), "{\"error\":\"\\\"\\u000a\"}\n");
  const std::string broken = error_answer("\xFF\xC3");
  EXPECT_FALSE(nlohmann::json::parse(broken)["error"].get<std::string>().empty());
}

TEST(Answer, IsReadAsItWasWritten) {
  Envelope envelope = some_envelope();
  envelope.matches = 2;
  const std::string line = render_answer(
      envelope, {{3, "ed\"gar", view::cents(700), 7}, {9, "edna", view::cents(-5), UINT64_MAX}});
  const base::Result<ParsedAnswer> answer = parse_answer(line);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->envelope.instance, 0xc0ffeeU);
  EXPECT_EQ(answer->envelope.version, 812U);
  EXPECT_TRUE(answer->envelope.ready);
  EXPECT_EQ(answer->envelope.users, 1234U);
  EXPECT_EQ(answer->envelope.sum, "8638.50");
  EXPECT_EQ(answer->envelope.count, "4321");
  EXPECT_EQ(answer->envelope.matches, 2U);
  ASSERT_EQ(answer->rows.size(), 2U);
  EXPECT_EQ(answer->rows[0].rank, 3U);
  EXPECT_EQ(answer->rows[0].user, "ed\"gar");
  EXPECT_EQ(answer->rows[1].sum, view::cents(-5));
  EXPECT_EQ(answer->rows[1].count, UINT64_MAX);
}

TEST(Answer, ACountOfMoreThan64BitsIsReadToTheDigit) {
  Envelope envelope = some_envelope();
  envelope.count = "18446744073709551618";
  const base::Result<ParsedAnswer> answer =
      parse_answer(render_answer(envelope, {{1, "edgar", view::cents(700), UINT64_MAX}}));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->envelope.count, "18446744073709551618");
  for (const char* count : {"1.5", "1e30", "-1", "-18446744073709551618", "\"7\""}) {
    envelope.count = count;
    EXPECT_FALSE(parse_answer(render_answer(envelope, {}))) << count;
  }
}

TEST(Answer, AnErrorIsReadAsAnError) {
  const base::Result<ParsedAnswer> answer = parse_answer(error_answer("limit: too large"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "limit: too large");
}

TEST(Answer, AnythingElseIsNoAnswer) {
  const std::string whole = render_answer(some_envelope(), {{1, "edgar", view::cents(700), 7}});
  ASSERT_TRUE(parse_answer(whole));
  const nlohmann::json json = nlohmann::json::parse(whole);
  for (const auto& [name, value] : json.items()) {
    nlohmann::json without = json;
    without.erase(name);
    EXPECT_FALSE(parse_answer(without.dump())) << name;
    nlohmann::json wrong = json;
    wrong[name] = nullptr;
    EXPECT_FALSE(parse_answer(wrong.dump())) << name;
  }
  for (const auto& [name, value] : json["stats"][0].items()) {
    nlohmann::json without = json;
    without["stats"][0].erase(name);
    EXPECT_FALSE(parse_answer(without.dump())) << name;
  }
  for (const char* instance :
       {"", "c0ffee", "000000000000c0fg", "00000000000000c0ffee", "-00000000000c0ff"}) {
    nlohmann::json wrong = json;
    wrong["instance"] = instance;
    EXPECT_FALSE(parse_answer(wrong.dump())) << instance;
  }
  const nlohmann::json rows[] = {5, nullptr, "edgar", nlohmann::json::array()};
  for (const nlohmann::json& row : rows) {
    nlohmann::json wrong = json;
    wrong["stats"].push_back(row);
    EXPECT_FALSE(parse_answer(wrong.dump())) << row;
  }
  for (const char* line :
       {"", "[]", "null", "{", "{}", "HTTP/1.1 400 Bad Request", R"({"error":5})", "\xFF"})
    EXPECT_EQ(parse_answer(line).error().message, "not an answer of paystats-cache") << line;
  for (size_t cut = 0; cut + 2 < whole.size(); ++cut)
    EXPECT_FALSE(parse_answer(whole.substr(0, cut))) << cut;
}

TEST(Answer, OfANameThatOccursTwiceTheLastCounts) {
  const std::string whole = render_answer(some_envelope(), {{1, "edgar", view::cents(700), 7}});
  const auto with = [&whole](std::string_view more) {
    return whole.substr(0, whole.size() - 2) + std::string(more) + "}";
  };
  EXPECT_EQ(parse_answer(with(R"(,"version":813)"))->envelope.version, 813U);
  EXPECT_FALSE(parse_answer(with(R"(,"version":[813])")));
  EXPECT_TRUE(parse_answer(with(R"(,"matches":5)"))->envelope.matches);
  EXPECT_FALSE(parse_answer(with(R"(,"matches":5,"matches":{})"))->envelope.matches);
  EXPECT_TRUE(parse_answer(with(R"(,"stats":[])"))->rows.empty());
  EXPECT_FALSE(parse_answer(with(R"(,"stats":[5])")));
  EXPECT_EQ(parse_answer(with(R"(,"stats":[5],"stats":[])"))->rows.size(), 0U);
  EXPECT_EQ(parse_answer(with(R"(,"error":"away")")).error().message, "away");
  EXPECT_TRUE(parse_answer(with(R"(,"error":"away","error":null)")));
}

TEST(Answer, FieldsThatAreNotOursArePassedOver) {
  const nlohmann::json more = {{"version", 1}, {"stats", {{{"rank", "x"}}, 5}}, {"error", "no"}};
  nlohmann::json json =
      nlohmann::json::parse(render_answer(some_envelope(), {{1, "edgar", view::cents(700), 7}}));
  json["more"] = more;
  json["stats"][0]["more"] = more;
  const base::Result<ParsedAnswer> answer = parse_answer(json.dump());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->envelope.version, 812U);
  ASSERT_EQ(answer->rows.size(), 1U);
  EXPECT_EQ(answer->rows[0].user, "edgar");
}

using Json = nlohmann::json;

// What a reader of the whole JSON makes of a line: an error's message, or all but the rows.
std::string read_by_tree(const std::string& line) {
  const Json json = Json::parse(line, nullptr, false);
  const auto has = [](const Json& object, const char* name, auto is) {
    return object.is_object() && object.contains(name) && (object[name].*is)();
  };
  if (has(json, "error", &Json::is_string)) return json["error"].get<std::string>();
  bool good = has(json, "instance", &Json::is_string) && has(json, "ready", &Json::is_boolean) &&
              has(json, "sum", &Json::is_string) && has(json, "stats", &Json::is_array);
  for (const char* name : {"version", "offset", "users", "count"})
    good = good && has(json, name, &Json::is_number_unsigned);
  const std::string instance = good ? json["instance"].get<std::string>() : "";
  good = good && instance.size() == 16 &&
         instance.find_first_not_of("0123456789abcdefABCDEF") == instance.npos;
  if (!good) return "not an answer of paystats-cache";
  for (const Json& row : json["stats"]) {
    money::Decimal sum;
    if (!has(row, "rank", &Json::is_number_unsigned) || !has(row, "user", &Json::is_string) ||
        !has(row, "count", &Json::is_number_unsigned) || !has(row, "sum", &Json::is_string) ||
        money::parse_sum(row["sum"].get<std::string>(), sum) != money::AmountFlaw::kNone)
      return "not an answer of paystats-cache";
  }
  return Json{std::stoull(instance, nullptr, 16),
              json["version"],
              json["ready"],
              json["offset"],
              json["users"],
              json["sum"],
              std::to_string(json["count"].get<uint64_t>()),
              has(json, "matches", &Json::is_number_unsigned) ? json["matches"] : Json(),
              json["stats"].size()}
      .dump();
}

std::string text_of(const Envelope& of, size_t rows) {
  return Json{of.instance, of.version, of.ready, of.offset,
              of.users,    of.sum,     of.count, of.matches ? Json(*of.matches) : Json(),
              rows}
      .dump();
}

TEST(Answer, ItsHeadIsReadAsTheWholeIsHoweverItIsDamaged) {
  Envelope envelope = some_envelope();
  envelope.matches = 2;
  const std::string lines[] = {
      render_answer(some_envelope(), {{1, "edgar", view::cents(700), 7}}),
      render_answer(envelope, {{3, "ed\"\xC3\xA9", view::cents(-5), 7}, {9, "", {}, 1}}),
      render_answer(envelope, {}), error_answer("limit: too large")};
  const std::vector<std::string> pieces = {"\"",
                                           ",",
                                           ":",
                                           "{",
                                           "}",
                                           "[",
                                           "]",
                                           "0",
                                           "-",
                                           "e9",
                                           "null",
                                           "true",
                                           "\\",
                                           "\xFF",
                                           "\n",
                                           "[5],",
                                           "{},",
                                           "\"x\":1,",
                                           "\"rank\":",
                                           "\"sum\":",
                                           "\"stats\":[]",
                                           "\"error\":",
                                           "\"users\":",
                                           "\"ready\":false,",
                                           "\"matches\":3,",
                                           "\"version\":",
                                           "99999999999999999999"};
  std::mt19937_64 random(17);  // NOLINT(*-msc51-cpp): the same each time
  const auto below = [&random](size_t end) { return static_cast<size_t>(random() % end); };
  size_t good = 0;
  constexpr size_t kTrials = 40'000;
  for (size_t trial = 0; trial < kTrials; ++trial) {
    std::string line = lines[below(std::size(lines))];
    for (size_t edits = below(3); edits > 0; --edits) {
      const size_t at = below(line.size());
      const size_t removed = below(3) == 0 ? below(12) : below(2);
      line.replace(at, removed, below(4) == 0 ? "" : pieces[below(pieces.size())]);
    }
    const base::Result<ParsedAnswer> whole = parse_answer(line);
    const base::Result<AnswerHead> head = parse_answer_head(line);
    ASSERT_EQ(whole.has_value(), head.has_value()) << line;
    const std::string expected = read_by_tree(line);
    if (whole) {
      ++good;
      if (expected.front() != '[' && whole->envelope.count.size() > 19) continue;  // over 64 bits
      ASSERT_EQ(text_of(whole->envelope, whole->rows.size()), expected) << line;
      ASSERT_EQ(text_of(head->envelope, head->rows), expected) << line;
    } else {
      ASSERT_EQ(whole.error().message, expected) << line;
      ASSERT_EQ(head.error().message, expected) << line;
    }
  }
  EXPECT_GT(good, kTrials / 8);
  EXPECT_LT(good, kTrials * 7 / 8);
}

}  // namespace
}  // namespace paystats::protocol
