#include "record/short_amounts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "unit/record/every_target.h"

namespace paystats::record {
namespace {

// What becomes of each of so many texts, which are read together, whatever stands around them.
std::vector<std::optional<money::Decimal>> read_all(const std::vector<std::string>& texts) {
  std::vector<std::string> padded;
  for (const std::string& text : texts) padded.push_back("1234567." + text + "9.}");
  ShortAmounts amounts;
  for (size_t i = 0; i < texts.size(); ++i) {
    const char* const begin = padded[i].data() + 8;
    amounts.set(i, begin, begin + texts[i].size());
  }
  const uint32_t right = amounts.read(texts.size());
  std::vector<std::optional<money::Decimal>> all(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(std::string(amounts.begin(i), amounts.end(i)), texts[i]);
    if ((right >> i & 1U) != 0) all[i] = amounts.at(i);
  }
  EXPECT_EQ(uint64_t{right} >> texts.size(), 0U);
  return all;
}

void expect_right(const std::vector<std::string>& texts) {
  const std::vector<std::optional<money::Decimal>> all = read_all(texts);
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::string& text = texts[i];
    money::Decimal expected;
    const bool right = money::parse_amount(text, expected) == money::AmountFlaw::kNone &&
                       text.size() <= 8 &&
                       text.find_first_not_of("0123456789.") == std::string::npos;
    ASSERT_EQ(all[i].has_value(), right) << text;
    if (right) {
      ASSERT_EQ(*all[i], expected) << text;
    }
  }
}

TEST(ShortAmounts, AreReadAsAWholeOrNotAtAll) {
  for_every_target([] {
    expect_right({"52.05", "7", "0", "0.5", "12345678", "0.000001", "123456.7", "10", "1.5",
                  "99999999", "0.10", "00000000", "1.000000"});
    expect_right({"",   "-1",        "01",    "00", "00.1", ".5",    "5.",  ".",
                  "+1", "123456789", "1.5e3", "1 ", " 1",   "1.2.3", "1,5", "1\n",
                  "x",  "12345.678", "-",     "..", "0.",   ".0"});
    EXPECT_EQ(to_string(*read_all({"52.05"})[0]), "52.05");
  });
}

TEST(ShortAmounts, WithoutATextAreNone) {
  for_every_target([] {
    const std::string text = "12345678901234567890";
    ShortAmounts amounts;
    amounts.set(0, text.data() + 12, text.data() + 10);  // the end before the beginning
    amounts.set(1, text.data() + 8, text.data() + 9);
    EXPECT_EQ(amounts.read(2), 2U);
    EXPECT_EQ(to_string(amounts.at(1)), "9.00");
    EXPECT_EQ(amounts.read(0), 0U);
  });
}

// Most of their bytes are of these.
void for_random_texts(std::string_view likely,
                      const std::function<void(const std::vector<std::string>&)>& expect) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> texts(1 + random() % ShortAmounts::kMax);
    for (std::string& text : texts) {
      text.resize(random() % 10);
      for (char& c : text) {
        c = random() % 50 == 0 ? static_cast<char>(random()) : likely[random() % likely.size()];
      }
    }
    expect(texts);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

TEST(ShortAmounts, AreWhatTheGrammarSaysOfAnyBytes) {
  for_every_target([] {
    for_random_texts("0123456789012345678901234567890123456789....,}e- \x80\xFF", expect_right);
  });
}

// The same of volumes.
void expect_right_volumes(const std::vector<std::string>& texts) {
  std::vector<std::string> padded;
  for (const std::string& text : texts) padded.push_back("12345678" + text + "9}");
  ShortVolumes volumes;
  for (size_t i = 0; i < texts.size(); ++i) {
    const char* const begin = padded[i].data() + 8;
    volumes.set(i, begin, begin + texts[i].size());
  }
  const uint32_t right = volumes.read(texts.size());
  EXPECT_EQ(uint64_t{right} >> texts.size(), 0U);
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::string& text = texts[i];
    EXPECT_EQ(std::string(volumes.begin(i), volumes.end(i)), text);
    const bool expected = !text.empty() && text.size() <= 8 && text[0] != '0' &&
                          text.find_first_not_of("0123456789") == std::string::npos;
    ASSERT_EQ((right >> i & 1U) != 0, expected) << text;
    if (expected) {
      ASSERT_EQ(volumes.at(i), std::stoll(text));
    }
  }
}

TEST(ShortVolumes, AreReadAsAWholeOrNotAtAll) {
  for_every_target([] {
    expect_right_volumes({"1", "7", "9", "10", "99", "100", "1000000", "12345678", "99999999",
                          "90000000", "10203040"});
    expect_right_volumes({"", "0", "00", "01", "-1", "+7", "1.0", "1e2", "7 ", " 7", "7\r",
                          "100000000", "99999999999999999999", "x", "1,2", "/", ":"});
  });
}

TEST(ShortVolumes, WithoutATextAreNone) {
  for_every_target([] {
    const std::string text = "12345678901234567890";
    ShortVolumes volumes;
    volumes.set(0, text.data() + 12, text.data() + 10);  // the end before the beginning
    volumes.set(1, text.data() + 8, text.data() + 10);
    volumes.set(2, text.data() + 9, text.data() + 9);
    EXPECT_EQ(volumes.read(3), 2U);
    EXPECT_EQ(volumes.at(1), 90);
    EXPECT_EQ(volumes.read(0), 0U);
  });
}

TEST(ShortVolumes, AreWhatTheGrammarSaysOfAnyBytes) {
  for_every_target([] {
    for_random_texts("01234567890123456789012345678901234567890123456789.,}e- \x80\xFF",
                     expect_right_volumes);
  });
}

}  // namespace
}  // namespace paystats::record
