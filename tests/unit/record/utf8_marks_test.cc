#include "record/utf8_marks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "unit/record/every_target.h"

namespace paystats::record {
namespace {

bool is_beyond_ascii(char c) {
  return static_cast<unsigned char>(c) >= 0x80;
}

// What is left of a bit for each byte that is not ASCII; `text` alone can be read.
std::vector<bool> marks_of(std::string_view text) {
  const auto exact = std::make_unique<char[]>(text.size());
  std::copy(text.begin(), text.end(), exact.get());
  std::vector<uint8_t> bits((text.size() + 63) / 64 * 8);
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_beyond_ascii(text[i])) bits[i / 8] = static_cast<uint8_t>(bits[i / 8] | 1U << i % 8);
  }
  unmark_utf8(exact.get(), text.size(), bits.data());
  std::vector<bool> marks;
  for (size_t i = 0; i < text.size(); ++i) marks.push_back((bits[i / 8] >> i % 8 & 1U) != 0);
  return marks;
}

bool unmarks_all(std::string_view text) {
  const std::vector<bool> marks = marks_of(text);
  return std::find(marks.begin(), marks.end(), true) == marks.end();
}

// Followed by ASCII, so that nothing can be cut off at the end.
bool judged_valid(const std::string& text) {
  return unmarks_all(text + "abc");
}

TEST(Utf8Marks, AllTextsOfTwoBytesAreJudgedAsByTheirCharacters) {
  for_every_target([] {
    for (unsigned i = 0; i < 1U << 16U; ++i) {
      const std::string text = {static_cast<char>(i >> 8U), static_cast<char>(i)};
      ASSERT_EQ(judged_valid(text), base::is_valid_utf8(text)) << i;
    }
  });
}

// Each class of bytes that the grammar of RFC 3629 tells apart, at its ends.
TEST(Utf8Marks, AllTextsOfFourOddBytesAreJudgedAsByTheirCharacters) {
  constexpr std::array<unsigned char, 20> kBytes = {0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0,
                                                    0xBF, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED,
                                                    0xEE, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF};
  for_every_target([&kBytes] {
    std::string text(4, 'x');
    for (const unsigned char a : kBytes) {
      for (const unsigned char b : kBytes) {
        for (const unsigned char c : kBytes) {
          for (const unsigned char d : kBytes) {
            text = {static_cast<char>(a), static_cast<char>(b), static_cast<char>(c),
                    static_cast<char>(d)};
            ASSERT_EQ(judged_valid(text), base::is_valid_utf8(text))
                << int{a} << ' ' << int{b} << ' ' << int{c} << ' ' << int{d};
          }
        }
      }
    }
  });
}

TEST(Utf8Marks, EveryCharacterIsRightAtAnyPlaceAndWrongWithoutItsEnd) {
  for_every_target([] {
    for (const std::string_view character : {"\xC3\xA9", "\xE6\x9D\xB1", "\xF0\x9F\x98\x80"}) {
      for (size_t at = 0; at < 200; ++at) {
        const std::string before(at, 'a');
        const std::string after(70, 'z');
        ASSERT_TRUE(unmarks_all(before + std::string(character) + after)) << at;
        ASSERT_TRUE(unmarks_all(before + std::string(character))) << at;
        for (size_t cut = 1; cut < character.size(); ++cut) {
          const std::string front(character.substr(0, cut));
          const std::string back(character.substr(cut));
          ASSERT_FALSE(unmarks_all(before + front + after)) << at;
          ASSERT_FALSE(unmarks_all(before + back + after)) << at;
        }
      }
    }
  });
}

TEST(Utf8Marks, WhatTheEndCutsOffKeepsItsBitsAndTheRestLosesThem) {
  for_every_target([] {
    for (const std::string_view front : {"\xC3", "\xE6\x9D", "\xE6", "\xF0\x9F\x98", "\xF0"}) {
      for (size_t at = 0; at < 140; ++at) {
        const std::string before = std::string(at, 'a') + "\xC3\xA9";
        const std::vector<bool> marks = marks_of(before + std::string(front));
        for (size_t i = 0; i < marks.size(); ++i) ASSERT_EQ(marks[i], i >= before.size()) << at;
      }
    }
  });
}

TEST(Utf8Marks, ACharacterCutOffBeforeTheOneAtTheEndIsSeen) {
  for_every_target([] {
    for (const std::string_view wrong :
         {"\xC3\xF0", "\xE6\x9D\xF0", "\xF0\x9F\xE6", "\xE6\xF0\x9F"}) {
      for (size_t at = 0; at < 140; ++at) {
        const std::vector<bool> marks = marks_of(std::string(at, 'a') + std::string(wrong));
        ASSERT_TRUE(marks[at]) << at;
      }
    }
  });
}

TEST(Utf8Marks, AWrongTextKeepsAllItsBits) {
  const std::string text = "J\xC3\xBCrgen \x80 \xC3\xA9";
  const std::vector<bool> marks = marks_of(text);
  for (size_t i = 0; i < text.size(); ++i) EXPECT_EQ(marks[i], is_beyond_ascii(text[i]));
}

TEST(Utf8Marks, LongerTextsAreJudgedAsByTheirCharacters) {
  const std::array<std::string, 10> pieces = {"a",
                                              "abcdefghij",
                                              "\xC3\xA9",
                                              "\xE6\x9D\xB1",
                                              "\xF0\x9F\x98\x80",
                                              "\xED\x9F\xBF",
                                              "\xEE\x80\x80",
                                              "\xF4\x8F\xBF\xBF",
                                              "\xE0\xA0\x80",
                                              std::string(60, '~')};
  for_every_target([&pieces] {
    std::mt19937_64 random(1);
    int valid = 0;
    for (int i = 0; i < 30'000; ++i) {
      std::string text = pieces[random() % pieces.size()];
      while (random() % 24 != 0) text += pieces[random() % pieces.size()];
      if (random() % 2 == 0) text[random() % text.size()] = static_cast<char>(random());
      ASSERT_EQ(judged_valid(text), base::is_valid_utf8(text)) << text;
      if (base::is_valid_utf8(text)) ++valid;
    }
    EXPECT_GT(valid, 3'000);
    EXPECT_LT(valid, 27'000);
  });
}

}  // namespace
}  // namespace paystats::record
