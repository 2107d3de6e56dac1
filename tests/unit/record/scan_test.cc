#include "record/scan.h"

#include <gtest/gtest.h>

#include <string>

namespace paystats::record::scan {
namespace {

TEST(Scan, LoadsNothingBeyondTheEnd) {
  const std::string text = "abcdefghij";
  const char* const begin = text.data();
  EXPECT_EQ(load_eight(begin, begin + 10), 0x6867666564636261U);
  EXPECT_EQ(load_eight(begin, begin + 3), 0x636261U);
  EXPECT_EQ(load_eight(begin + 9, begin + 10), 0x6AU);
  EXPECT_EQ(load_eight(begin + 10, begin + 10), 0U);
}

// Every byte at every place among bytes that differ from it by one or by the top bit.
TEST(Scan, FindsTheFirstByteThatQualifies) {
  for (int byte = 0; byte < 256; ++byte) {
    for (const char other : {'a', '!', '#', '[', ']', '\x7F', '\x80', '\xA2', '\xDC', '\xFF'}) {
      for (size_t place = 0; place < 8; ++place) {
        std::string text(8, other);
        text[place] = static_cast<char>(byte);
        const uint64_t word = load_eight(text.data(), text.data() + 8);
        const uint64_t stops = string_stops(word);
        const bool stop = byte == '"' || byte == '\\' || byte < 0x20;
        ASSERT_EQ(stops != 0, stop) << byte << " at " << place << " among " << int{other};
        if (stop) {
          ASSERT_EQ(first_byte(stops), place);
        }
        const uint64_t equal = equal_to(word, static_cast<char>(byte));
        ASSERT_NE(equal, 0U);
        ASSERT_EQ(first_byte(equal), static_cast<char>(byte) == other ? 0 : place);
      }
    }
  }
}

TEST(Scan, AStopIsFoundWhereverItStandsAndWhateverComesBeforeIt) {
  for (size_t size = 0; size < 40; ++size) {
    for (size_t place = 0; place <= size; ++place) {
      std::string text(size, 'x');
      if (place < size) text[place] = '"';
      bool beyond = false;
      const char* const found = find_string_stop(text.data(), text.data() + size, beyond);
      EXPECT_EQ(found - text.data(), static_cast<ptrdiff_t>(place));
      EXPECT_FALSE(beyond);
    }
  }
}

TEST(Scan, OnlyBytesBeforeTheStopCountAsBeyondAscii) {
  const auto beyond_in = [](const std::string& text) {
    bool beyond = false;
    find_string_stop(text.data(), text.data() + text.size(), beyond);
    return beyond;
  };
  EXPECT_TRUE(beyond_in("ab\xC3\xA9\""));
  EXPECT_TRUE(beyond_in("0123456789\xC3\xA9 0123456789\""));
  EXPECT_FALSE(beyond_in("ab\"\xC3\xA9"));
  EXPECT_FALSE(beyond_in("0123456\"\xC3\xA9"));
}

}  // namespace
}  // namespace paystats::record::scan
