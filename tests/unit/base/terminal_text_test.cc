#include "base/terminal_text.h"

#include <gtest/gtest.h>

#include "base/utf8.h"

namespace paystats::base {
namespace {

TEST(Printable, OrdinaryTextIsUnchanged) {
  EXPECT_EQ(printable("edgar"), "edgar");
  EXPECT_EQ(printable("Žofie 💶 \"x\" \\"), "Žofie 💶 \"x\" \\");
  EXPECT_EQ(printable(""), "");
}

TEST(Printable, ControlsAreShownNotSent) {
  EXPECT_EQ(printable("\x1b[2J"), "\\u001b[2J");
  EXPECT_EQ(printable("a\nb\tc\r\x07\x7f"), "a\\u000ab\\u0009c\\u000d\\u0007\\u007f");
  EXPECT_EQ(printable(std::string_view("\0", 1)), "\\u0000");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\u009b31m");  // CSI as one C1 character
}

TEST(Printable, BidirectionalControlsAndLineSeparatorsAreShown) {
  for (const char* text :
       {"\u061c", "\u200e", "\u200f", "\u2028", "\u2029", "\u202a", "\u202e", "\u2066", "\u2069"}) {
    EXPECT_EQ(printable(text).substr(0, 2), "\\u") << text;
  }
  EXPECT_EQ(printable("\u200d"), "\u200d");  // the joiner of emoji drives nothing
}

TEST(Printable, BytesThatAreNotUtf8AreShown) {
  EXPECT_EQ(printable("a\xff"
                      "b"),
            "a\\xffb");
  EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82");
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");
}

TEST(Utf8, TheLimitsOfEachFormAreKept) {
  for (const char* good : {"\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                           "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_valid_utf8(good)) << printable(good);
    EXPECT_EQ(decode_utf8(good).bytes, std::string_view(good).size());
  }
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc2", "\xe2\x82",
        "\xf0\x90\x80", "\xc2\x41", "12345678\xff"}) {
    EXPECT_FALSE(is_valid_utf8(bad)) << printable(bad);
  }
}

TEST(Utf8, EveryCodePointDecodesToItself) {
  for (uint32_t c = 0x80; c <= 0x10FFFF; ++c) {
    std::string text;
    const auto put = [&text](uint32_t byte) { text.push_back(static_cast<char>(byte)); };
    if (c < 0x800) {
      put(0xC0 | (c >> 6));
    } else if (c < 0x10000) {
      put(0xE0 | (c >> 12));
      put(0x80 | ((c >> 6) & 0x3F));
    } else {
      put(0xF0 | (c >> 18));
      put(0x80 | ((c >> 12) & 0x3F));
      put(0x80 | ((c >> 6) & 0x3F));
    }
    put(0x80 | (c & 0x3F));
    const bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    ASSERT_EQ(is_valid_utf8(text), !surrogate) << std::hex << c;
    if (!surrogate) {
      ASSERT_EQ(decode_utf8(text).code_point, c);
    }
  }
}

}  // namespace
}  // namespace paystats::base
