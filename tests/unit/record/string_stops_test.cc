#include "record/string_stops.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>

#include "base/utf8.h"
#include "unit/record/every_target.h"

namespace paystats::record {
namespace {

bool is_stop(char c, bool text_is_utf8) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == '"' || byte == '\\' || byte < 0x20 || (byte >= 0x80 && !text_is_utf8);
}

// Memory of exactly this size, so that a sanitizer sees each byte that is read beyond it.
struct Exact {
  explicit Exact(const std::string& text)
      : bytes(std::make_unique<char[]>(text.size())), size(text.size()) {
    std::copy(text.begin(), text.end(), bytes.get());
  }
  std::unique_ptr<char[]> bytes;
  size_t size;
};

void expect_right(const std::string& text) {
  const Exact exact(text);
  const char* const begin = exact.bytes.get();
  const char* const end = begin + exact.size;
  StringStops stops;
  stops.mark(begin, end);
  ASSERT_EQ(stops.end(), begin + std::min(exact.size, StringStops::kBytes));
  const auto is_stop_here =
      [is_utf8 = base::is_valid_utf8({begin, static_cast<size_t>(stops.end() - begin)})](char c) {
        return is_stop(c, is_utf8);
      };
  for (const char* p = begin; p < stops.end(); ++p) {
    ASSERT_TRUE(stops.covers(p));
    ASSERT_EQ(stops.next(p) - begin, std::find_if(p, stops.end(), is_stop_here) - begin)
        << "from " << p - begin << " of " << exact.size;
    const char* const newline = std::find(p, stops.end(), '\n');
    ASSERT_EQ(std::min(stops.next_newline(p), stops.end()) - begin, newline - begin)
        << "from " << p - begin << " of " << exact.size;
  }
}

TEST(StringStops, AreTheQuoteTheBackslashControlsAndWhatIsNotAscii) {
  for_every_target([] {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text(70, 'x');
      text[33] = static_cast<char>(byte);
      expect_right(text);
    }
  });
}

TEST(StringStops, AreNoneInTextBeyondAsciiThatIsRight) {
  for_every_target([] {
    for (size_t at = 0; at < 100; ++at) {
      expect_right(std::string(at, 'x') + "J\xC3\xBCrgen \xF0\x9F\x98\x80\"" +
                   std::string(50, 'y'));
      expect_right(std::string(at, 'x') + "J\xC3\xBCrgen \xF0\x9F\x98 \"" + std::string(50, 'y'));
    }
  });
}

TEST(StringStops, AreFoundFromAnyPlaceInTextsOfAnyLength) {
  for_every_target([] {
    std::mt19937_64 random(1);
    for (size_t size = 0; size < 400; ++size) {
      std::string text(size, 'a');
      for (char& c : text) {
        if (random() % 40 == 0) c = random() % 4 == 0 ? '\n' : static_cast<char>(random());
      }
      expect_right(text);
      expect_right(std::string(size, 'a'));
    }
  });
}

TEST(StringStops, AreMarkedAsFarAsThereIsRoom) {
  for_every_target([] {
    for (const size_t size : {StringStops::kBytes - 1, StringStops::kBytes, StringStops::kBytes + 1,
                              2 * StringStops::kBytes}) {
      expect_right(std::string(size, 'a'));
      std::string text(size, 'a');
      text[StringStops::kBytes - 2] = '"';
      expect_right(text);
    }
  });
}

TEST(StringStops, AreMarkedNoFurtherThanIsWanted) {
  const std::string text(300, '"');
  StringStops stops;
  stops.mark(text.data(), text.data() + text.size(), 100);
  EXPECT_EQ(stops.end(), text.data() + 100);
  EXPECT_FALSE(stops.covers(text.data() + 100));
  EXPECT_GE(stops.next_newline(text.data()), stops.end());
}

TEST(StringStops, OfAnEarlierTextAreForgotten) {
  const std::string quotes(300, '"');
  const std::string letters(200, 'a');
  StringStops stops;
  stops.mark(quotes.data(), quotes.data() + quotes.size());
  stops.mark(letters.data(), letters.data() + letters.size());
  EXPECT_EQ(stops.next(letters.data()), letters.data() + letters.size());
  stops.clear();
  EXPECT_FALSE(stops.covers(letters.data()));
}

}  // namespace
}  // namespace paystats::record
