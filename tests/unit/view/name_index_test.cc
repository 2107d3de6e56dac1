#include "view/name_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "unit/view/oracle.h"

namespace paystats::view {
namespace {

using std::string_literals::operator""s;

UserRow row_of(const std::string& name) {
  UserRow row;
  row.set_name(name, name.data());
  return row;
}

uint64_t name_head(const std::string& name) {
  return row_of(name).name_head();
}

TEST(NameHead, ComparesAsTheFirstEightBytesDo) {
  const std::string names[] = {""s,         "a"s,        "a\0"s,     "b"s,    "ab"s,  "\xFF"s,
                               "abcdefgh"s, "abcdefgi"s, "abcdefg"s, "\x7F"s, "\x80"s};
  for (const std::string& a : names)
    for (const std::string& b : names)
      if (name_head(a) < name_head(b)) {
        EXPECT_LT(a, b);
      }
  EXPECT_LT(name_head("\x7F"), name_head("\x80"));
  EXPECT_EQ(name_head("abcdefghi"), name_head("abcdefghz"));
}

TEST(Prefix, BeginsAndComparesAsTheBytesDo) {
  std::mt19937_64 random(2);
  const auto some_text = [&](size_t most) {
    std::string text;
    for (size_t size = random() % (most + 1); size > 0; --size)
      text.push_back("ab\0\xFF"[random() % 4]);
    return text;
  };
  int begun = 0;
  for (int i = 0; i < 200'000; ++i) {
    const std::string prefix_text = some_text(i % 7 == 0 ? 20 : i % 2 == 0 ? 3 : 11);
    std::string name = some_text(i % 5 == 0 ? 24 : 12);
    if (i % 3 == 0) name = prefix_text + name;
    const Prefix prefix(prefix_text);
    const bool begins = name.starts_with(prefix_text);
    begun += begins ? 1 : 0;
    ASSERT_EQ(prefix.begins(row_of(name)), begins)
        << testing::PrintToString(prefix_text) << " " << testing::PrintToString(name);
    const int compared = prefix.compare(name_head(name), name);
    ASSERT_EQ(compared == 0, begins);
    if (!begins) {
      ASSERT_EQ(compared < 0, name < prefix_text)
          << testing::PrintToString(prefix_text) << " " << testing::PrintToString(name);
    }
  }
  EXPECT_GT(begun, 1000);
}

TEST(NameIndex, TheRangeOfAPrefixIsAsLargeAsTheUsersThatBeginWithIt) {
  std::mt19937_64 random(4);
  View view(options_for_tests());
  std::vector<std::string> names;
  for (int i = 0; i < 30'000; ++i) {
    std::string name;
    for (size_t size = 1 + random() % 14; size > 0; --size) name.push_back("abc\xC3"[random() % 4]);
    view.apply(absolute(name, static_cast<int64_t>(random() % 100), 1));
    names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  ASSERT_EQ(view.users(), names.size());

  const auto check = [&](const std::string& text) {
    const NameRange range = find_range(view.name_index(), Prefix(text));
    const auto begins = [&](const std::string& name) { return name.starts_with(text); };
    const auto first = std::find_if(names.begin(), names.end(), begins);
    const auto matching = static_cast<uint64_t>(std::count_if(names.begin(), names.end(), begins));
    EXPECT_EQ(range.size(), matching) << testing::PrintToString(text);
    if (matching > 0) {
      EXPECT_EQ(range.first, static_cast<uint64_t>(first - names.begin()));
    }
  };
  for (const std::string& text : {""s, "a"s, "abc"s, "\xC3"s, "zzz"s, "\xFF"s, "\0"s}) check(text);
  for (int i = 0; i < 200; ++i) {
    const std::string& name = names[random() % names.size()];
    check(name.substr(0, random() % (name.size() + 1)));
  }
}

}  // namespace
}  // namespace paystats::view
