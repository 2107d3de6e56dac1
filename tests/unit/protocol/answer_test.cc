#include "protocol/answer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

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

}  // namespace
}  // namespace paystats::protocol
