#include "base/utf8.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

namespace paystats::base {
namespace {

bool valid_by_characters(std::string_view text) {
  while (!text.empty()) {
    const size_t bytes = decode_utf8(text).bytes;
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

TEST(Utf8, AllTextsOfThreeBytesAreJudgedAsTheirCharactersAre) {
  for (unsigned i = 0; i < 1U << 24U; ++i) {
    const std::array<char, 3> bytes = {static_cast<char>(i >> 16U), static_cast<char>(i >> 8U),
                                       static_cast<char>(i)};
    const std::string_view text(bytes.data(), bytes.size());
    ASSERT_EQ(is_valid_utf8(text), valid_by_characters(text)) << i;
  }
}

TEST(Utf8, LongerTextsAreJudgedAsTheirCharactersAre) {
  const std::array<std::string, 9> pieces = {"a",
                                             "abcdefghij",
                                             "\xC3\xA9",
                                             "\xE6\x9D\xB1",
                                             "\xF0\x9F\x98\x80",
                                             "\xED\x9F\xBF",
                                             "\xEE\x80\x80",
                                             "\xF4\x8F\xBF\xBF",
                                             "\xE0\xA0\x80"};
  std::mt19937_64 random(1);
  int valid = 0;
  for (int i = 0; i < 200000; ++i) {
    std::string text = pieces[random() % pieces.size()];
    while (random() % 8 != 0) text += pieces[random() % pieces.size()];
    if (random() % 2 == 0) text[random() % text.size()] = static_cast<char>(random());
    if (random() % 4 == 0) text.resize(random() % text.size());
    ASSERT_EQ(is_valid_utf8(text), valid_by_characters(text)) << text;
    if (is_valid_utf8(text)) ++valid;
  }
  EXPECT_GT(valid, 20000);
  EXPECT_LT(valid, 180000);
}

TEST(Utf8, EveryCharacterIsReadAsItWasWritten) {
  std::array<char, 4> bytes{};
  for (uint32_t code_point = 0; code_point <= 0x10FFFF; ++code_point) {
    if (code_point >= 0xD800 && code_point <= 0xDFFF) continue;  // no characters
    const size_t size = encode_utf8(code_point, bytes.data());
    const Utf8Char read = decode_utf8({bytes.data(), size});
    ASSERT_EQ(read.code_point, code_point);
    ASSERT_EQ(read.bytes, size);
    ASSERT_EQ(utf8_bytes(bytes.data(), size), size);
    ASSERT_EQ(utf8_bytes(bytes.data(), size - 1 + (size == 1 ? 1 : 0)), size == 1 ? 1U : 0U);
  }
}

}  // namespace
}  // namespace paystats::base
