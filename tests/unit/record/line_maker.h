// Seeded lines for the decoder: valid ones in every shape that JSON allows, and such as are almost
// valid. First the structure varies (order, duplicates, nesting, white space, escapes in names and
// values, odd numbers), then bytes are flipped, inserted, deleted and moved.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace paystats::record {

// A number that whoever runs the tests may choose.
inline uint64_t from_environment(const char* name, uint64_t value) {
  const char* const text = std::getenv(name);
  return text == nullptr ? value : std::strtoull(text, nullptr, 10);
}

class LineMaker {
 public:
  explicit LineMaker(uint64_t seed) : random_(seed) {}

  // A line for a record with these fields. It holds no newline unless `newlines` says that white
  // space may be one.
  std::string payment(bool newlines = false) {
    return line({{"user", user()}, {"paymentAmt", amount()}}, newlines);
  }
  std::string batch(bool newlines = false) {
    Fields fields = {{"user", user()}, {"paymentAmt", amount()}};
    if (!one_in(3)) fields.emplace_back("volume", integer());
    return line(std::move(fields), newlines);
  }
  std::string stats(bool newlines = false) {
    Fields fields = {{"user", user()}, {"sum", number()}, {"count", integer()}};
    if (one_in(2)) {
      fields.emplace_back("partition", integer());
      fields.emplace_back("offset", integer());
    }
    return line(std::move(fields), newlines);
  }

 private:
  using Fields = std::vector<std::pair<std::string, std::string>>;  // name, value as JSON

  uint64_t below(uint64_t bound) { return random_() % bound; }
  bool one_in(uint64_t n) { return below(n) == 0; }

  template <size_t kSize>
  const char* one_of(const char* const (&choices)[kSize]) {
    return choices[below(kSize)];
  }

  std::string white() {
    if (!one_in(spacious_ ? 2 : 20)) return "";
    std::string text;
    do {
      text += newlines_ && one_in(3) ? '\n' : " \t\r  "[below(5)];
    } while (one_in(3));
    return text;
  }

  // `text` as a JSON string, perhaps with characters of it written as escapes.
  std::string string_of(const std::string& text) {
    const bool escapes = one_in(8);
    std::string out = "\"";
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte == '"' || byte == '\\' || byte < 0x20 || (escapes && byte < 0x80 && one_in(3))) {
        out += "\\u00";
        const char* const hex = one_in(2) ? "0123456789abcdef" : "0123456789ABCDEF";
        out += hex[byte >> 4U];
        out += hex[byte & 0xFU];
      } else {
        out += c;
      }
    }
    return out + '"';
  }

  std::string user() {
    static const char* const kPieces[] = {
        "a",   "edgar", " ", "0123456", "J\xC3\xBCrgen", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
        "\"",  "\\",    "/", "\t",      "\x7F",          "\xEF\xBB\xBF", "user",
        "\x01"};
    if (one_in(200)) return string_of(std::string(1020 + below(8), 'x'));
    std::string text;
    const uint64_t pieces = one_in(60) ? 0 : 1 + below(3);
    for (uint64_t i = 0; i < pieces; ++i) text += one_of(kPieces);
    std::string quoted = string_of(text);
    if (one_in(15)) {
      static const char* const kEscapes[] = {"\\n",
                                             "\\/",
                                             "\\\"",
                                             "\\\\",
                                             "\\b",
                                             "\\u20ac",
                                             "\\ud83d\\ude00",
                                             "\\uD800",
                                             "\\udc00",
                                             "\\u0000",
                                             "\\x",
                                             "\\u12",
                                             "\\ud83d\\u0041",
                                             "\\ud800\\ud800",
                                             "\xED\xA0\x80",
                                             "\xC0\x80",
                                             "\xF4\x90\x80\x80",
                                             "\xE2\x82",
                                             "\xFF"};
      quoted.insert(1 + below(quoted.size() - 1), one_of(kEscapes));
    }
    return quoted;
  }

  std::string digits(uint64_t count) {
    std::string text;
    for (uint64_t i = 0; i < count; ++i) text += static_cast<char>('0' + below(10));
    return text;
  }

  std::string number() {
    if (one_in(12)) {
      static const char* const kOdd[] = {"0",
                                         "-0",
                                         "-0.0",
                                         "0e999999999",
                                         "1e15",
                                         "999999999999999.999999999",
                                         "1e-9",
                                         "1e-10",
                                         "1e400",
                                         "-1e400",
                                         "1e-400",
                                         "1000000000000000e-1",
                                         "0.1e16",
                                         "1.000000000000000000000",
                                         "01",
                                         "1.",
                                         ".5",
                                         "+1",
                                         "NaN",
                                         "Infinity",
                                         "-",
                                         "1e",
                                         "1e+",
                                         "0x10",
                                         "18446744073709551616",
                                         "-9223372036854775809",
                                         "123456789012345678901234567890",
                                         "170141183460469231731687303715.884105727",
                                         "170141183460469231731687303715.884105728",
                                         "-170141183460469231731687303715.884105728",
                                         "1e00000000000000000000000000000001"};
      return one_of(kOdd);
    }
    std::string text = one_in(5) ? "-" : "";
    text += one_in(4) ? "0" : static_cast<char>('1' + below(9)) + digits(below(one_in(8) ? 20 : 6));
    if (!one_in(3)) text += "." + digits(1 + below(one_in(8) ? 14 : 3));
    if (one_in(8)) {
      static const char* const kSigns[] = {"", "+", "-"};
      text += (one_in(2) ? "e" : "E") + std::string(one_of(kSigns)) + digits(1 + below(2));
    }
    return text;
  }

  std::string amount() { return one_in(6) ? string_of(number()) : number(); }

  std::string integer() {
    static const char* const kOdd[] = {"0",
                                       "-1",
                                       "1.0",
                                       "1e0",
                                       "\"1\"",
                                       "\"01\"",
                                       "\"\"",
                                       "null",
                                       "01",
                                       "-0",
                                       "2147483647",
                                       "2147483648",
                                       "9223372036854775807",
                                       "9223372036854775808",
                                       "18446744073709551615",
                                       "18446744073709551616",
                                       "99999999999999999999999",
                                       "\" 1\"",
                                       "true",
                                       "[1]"};
    if (one_in(6)) return one_of(kOdd);
    return one_in(2) ? "1" : std::to_string(below(one_in(3) ? ~uint64_t{0} : 1000));
  }

  std::string value(int depth) {
    switch (below(depth > 0 ? 9 : 6)) {
      case 0:
        return number();
      case 1:
        return user();
      case 2:
        return "null";
      case 3:
        return one_in(10) ? "nul" : "true";
      case 4:
        return "false";
      case 5:
        return one_in(12) ? deep() : integer();
      case 6:
        return "[" + white() +
               (one_in(3) ? "" : value(depth - 1) + white() + "," + white() + value(depth - 1)) +
               "]";
      case 7:
        return "[" + value(depth - 1) + white() + "]";
      default:
        return "{" + white() + (one_in(4) ? "" : name("user") + ":" + white() + value(depth - 1)) +
               "}";
    }
  }

  // Around the deepest nesting that is allowed, of objects and arrays mixed.
  std::string deep() {
    std::string open;
    std::string close;
    for (uint64_t depth = 60 + below(7); depth > 0; --depth) {
      const bool object = one_in(2);
      open += object ? "{\"a\":" : "[";
      close.insert(0, object ? "}" : "]");
    }
    return open + "1" + close;
  }

  std::string name(const std::string& text) { return white() + string_of(text) + white(); }

  std::string line(Fields fields, bool newlines) {
    newlines_ = newlines;
    spacious_ = one_in(3);
    vary(fields);
    std::string text = white() + "{";
    for (size_t i = 0; i < fields.size(); ++i) {
      if (i > 0) text += ",";
      text += name(fields[i].first) + ":" + white() + fields[i].second + white();
    }
    text += "}" + white();
    if (one_in(3)) {
      for (uint64_t times = 1 + below(3); times > 0; --times) mutate(text);
    }
    if (!newlines) {
      for (char& c : text) c = c == '\n' ? ' ' : c;
    }
    return text;
  }

  void vary(Fields& fields) {
    static const char* const kNames[] = {"user",      "paymentAmt", "volume",     "sum",   "count",
                                         "partition", "offset",     "a",          "users", "use",
                                         "",          "User",       "paymentAmt2"};
    while (one_in(3)) fields.emplace_back(one_of(kNames), value(3));
    if (one_in(20)) fields.emplace_back(fields[below(fields.size())]);
    if (one_in(20)) fields.erase(fields.begin() + static_cast<ptrdiff_t>(below(fields.size())));
    if (one_in(20) && !fields.empty()) fields[below(fields.size())].second = value(3);
    if (one_in(2)) std::shuffle(fields.begin(), fields.end(), random_);
  }

  char odd_byte() {
    static constexpr char kBytes[] =
        "\"\\{}[]:,0123456789.-+eEu \t\rn/tfa\x00\x01\x7F\x80\xBF\xC3\xE2\xED\xF0\xFF";
    return one_in(3) ? static_cast<char>(below(256)) : kBytes[below(sizeof kBytes - 1)];
  }

  void mutate(std::string& text) {
    if (text.empty()) return;
    const size_t place = below(text.size());
    switch (below(8)) {
      case 0:
        text[place] = static_cast<char>(static_cast<unsigned char>(text[place]) ^ (1U << below(8)));
        break;
      case 1:
        text[place] = odd_byte();
        break;
      case 2:
      case 3:
        text.insert(place, 1, odd_byte());
        break;
      case 4:
        text.erase(place, 1);
        break;
      case 5:
        text.erase(place, 1 + below(8));
        break;
      case 6: {
        const std::string part = text.substr(place, 1 + below(10));
        text.insert(below(text.size()), part);
        break;
      }
      default:
        if (one_in(4)) {
          text.resize(place);
        } else if (one_in(4)) {
          text.insert(0, "\xEF\xBB\xBF");
        } else {
          std::swap(text[place], text[below(text.size())]);
        }
    }
  }

  std::mt19937_64 random_;
  bool newlines_ = false;
  bool spacious_ = false;
};

}  // namespace paystats::record
