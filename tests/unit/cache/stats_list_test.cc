#include "cache/stats_list.h"

#include <gtest/gtest.h>

#include <vector>

namespace paystats::cache {
namespace {

protocol::RankedStats row(uint64_t rank, std::string_view user, int64_t whole_sum, uint64_t count) {
  return {rank, user, money::Decimal::from_nanos(money::Int128{whole_sum} * 1'000'000'000), count};
}

TEST(StatsList, PrintsLinesForPrograms) {
  const std::vector<protocol::RankedStats> rows = {row(1, "edgar", 7, 7),
                                                   row(2, "a\"b\x01", -1, 2)};
  EXPECT_EQ(stats_lines(rows),
            "{\"user\":\"edgar\",\"sum\":7.00,\"count\":7}\n"
            "{\"user\":\"a\\\"b\\u0001\",\"sum\":-1.00,\"count\":2}\n");
}

TEST(StatsList, PrintsATableForPeople) {
  const std::vector<protocol::RankedStats> rows = {row(9, "edgar", 1234, 7),
                                                   row(10, "al", 7, 12345)};
  EXPECT_EQ(stats_table(rows),
            "RANK  USER       SUM  COUNT\n"
            "   9  edgar  1234.00      7\n"
            "  10  al        7.00  12345\n");
}

TEST(StatsList, PrintsTheHeadingWhereThereIsNobody) {
  EXPECT_EQ(stats_table({}), "RANK  USER  SUM  COUNT\n");
}

TEST(StatsList, DoesNotLetANameDriveTheTerminal) {
  const std::vector<protocol::RankedStats> rows = {row(1, "\x1b[2J\xC2\x9B", 1, 1)};
  EXPECT_EQ(stats_table(rows),
            "RANK  USER              SUM  COUNT\n"
            "   1  \\u001b[2J\\u009b  1.00      1\n");
}

TEST(StatsList, AlignsByColumnsAndNotByBytes) {
  const std::vector<protocol::RankedStats> rows = {
      row(1, "日本", 1, 1), row(2, "Zoë", 1, 1), row(3, "e\xCC\x81", 1, 1), row(4, "plain", 1, 1)};
  EXPECT_EQ(stats_table(rows),
            "RANK  USER    SUM  COUNT\n"
            "   1  日本   1.00      1\n"
            "   2  Zoë    1.00      1\n"
            "   3  e\xCC\x81      1.00      1\n"
            "   4  plain  1.00      1\n");
}

TEST(StatsList, CutsANameThatIsTooWide) {
  const std::string user(1024, 'x');
  const std::vector<protocol::RankedStats> rows = {row(1, user, 1, 1)};
  const std::string table = stats_table(rows);
  EXPECT_NE(table.find("  " + std::string(39, 'x') + "…  1.00"), std::string::npos) << table;
}

TEST(StatsList, CutsBetweenWideCharactersAndNotWithin) {
  std::string user;
  for (int i = 0; i < 100; ++i) user += "本";
  const std::vector<protocol::RankedStats> rows = {row(1, user, 1, 1)};
  const std::string table = stats_table(rows);
  std::string shown;
  for (int i = 0; i < 19; ++i) shown += "本";
  EXPECT_NE(table.find("   1  " + shown + "…  1.00"), std::string::npos) << table;
}

TEST(StatsList, CountsColumns) {
  EXPECT_EQ(display_columns(""), 0U);
  EXPECT_EQ(display_columns("abc"), 3U);
  EXPECT_EQ(display_columns("日本"), 4U);
  EXPECT_EQ(display_columns("e\xCC\x81"), 1U);
  EXPECT_EQ(display_columns("\xF0\x9F\x98\x80"), 2U);
  EXPECT_EQ(display_columns("\xff"), 1U);
}

}  // namespace
}  // namespace paystats::cache
