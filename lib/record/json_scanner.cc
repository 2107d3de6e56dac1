#include "record/json_scanner.h"

#include <cassert>
#include <cstring>

#include "base/utf8.h"
#include "record/payment.h"
#include "record/scan.h"

namespace paystats::record {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// -1 where `c` is no hexadecimal digit.
int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_high_surrogate(uint32_t unit) {
  return unit >= 0xD800 && unit <= 0xDBFF;
}
bool is_low_surrogate(uint32_t unit) {
  return unit >= 0xDC00 && unit <= 0xDFFF;
}

// One bit for each open object or array, so that a closing bracket is held against its partner.
class OpenBrackets {
 public:
  static_assert(kNestingMax <= 64);

  int depth() const { return depth_; }
  bool in_object() const { return (objects_ & 1U) != 0; }
  void push(bool object) {
    objects_ = (objects_ << 1U) | (object ? 1U : 0U);
    ++depth_;
  }
  void pop() {
    objects_ >>= 1U;
    --depth_;
  }

 private:
  uint64_t objects_ = 0;
  int depth_ = 0;
};

}  // namespace

bool JsonScanner::fail() {
  return fail(at_ < end_ && *at_ == '\0' ? Flaw::kNulByte : Flaw::kNotJson);
}

void JsonScanner::skip_white() {
  while (at_ < end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\r' || *at_ == '\n')) ++at_;
}

bool JsonScanner::expect(char c) {
  if (at_ == end_ || *at_ != c) return fail();
  ++at_;
  return true;
}

bool JsonScanner::read_hex_four(uint32_t& unit) {
  unit = 0;
  for (int i = 0; i < 4; ++i) {
    const int value = hex_value(peek());
    if (value < 0) return fail();
    unit = unit * 16 + static_cast<uint32_t>(value);
    ++at_;
  }
  return true;
}

// From behind the u. A character beyond U+FFFF is written as two escapes, never as half of that.
bool JsonScanner::skip_unicode_escape() {
  uint32_t unit = 0;
  if (!read_hex_four(unit)) return false;
  if (is_low_surrogate(unit)) return fail(Flaw::kLoneSurrogate);
  if (!is_high_surrogate(unit)) return true;
  if (end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u') return fail(Flaw::kLoneSurrogate);
  at_ += 2;
  if (!read_hex_four(unit)) return false;
  return is_low_surrogate(unit) || fail(Flaw::kLoneSurrogate);
}

bool JsonScanner::skip_escape() {
  ++at_;  // the backslash
  switch (peek()) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      ++at_;
      return true;
    case 'u':
      ++at_;
      return skip_unicode_escape();
    default:
      return fail();
  }
}

// One character that is not ASCII.
bool JsonScanner::skip_character() {
  const base::Utf8Char character = base::decode_utf8({at_, static_cast<size_t>(end_ - at_)});
  if (character.bytes == 0) return fail(Flaw::kInvalidUtf8);
  at_ += character.bytes;
  return true;
}

bool JsonScanner::read_string(JsonToken& token) {
  if (!expect('"')) return false;
  const char* const begin = at_;
  token.kind = JsonToken::Kind::kString;
  token.escaped = false;
  while (at_ < end_) {
    const uint64_t word = scan::load_eight(at_, end_);
    const uint64_t stops = scan::string_stops(word) | scan::beyond_ascii(word);
    if (stops == 0) {
      at_ += 8;
      continue;
    }
    at_ += scan::first_byte(stops);
    if (at_ >= end_) break;
    if (*at_ == '"') {
      token.text = {begin, static_cast<size_t>(at_ - begin)};
      ++at_;
      return true;
    }
    if (*at_ == '\\') {
      token.escaped = true;
      if (!skip_escape()) return false;
    } else if (static_cast<unsigned char>(*at_) < 0x20) {
      return fail();
    } else if (!skip_character()) {
      return false;
    }
  }
  at_ = end_;
  return fail();
}

bool JsonScanner::skip_number() {
  if (peek() == '-') ++at_;
  if (!is_digit(peek())) return fail();
  if (peek() == '0') {
    ++at_;
  } else {
    while (is_digit(peek())) ++at_;
  }
  if (peek() == '.') {
    ++at_;
    if (!is_digit(peek())) return fail();
    while (is_digit(peek())) ++at_;
  }
  if (peek() == 'e' || peek() == 'E') {
    ++at_;
    if (peek() == '+' || peek() == '-') ++at_;
    if (!is_digit(peek())) return fail();
    while (is_digit(peek())) ++at_;
  }
  return true;
}

bool JsonScanner::skip_word(std::string_view word) {
  for (const char c : word) {
    if (!expect(c)) return false;
  }
  return true;
}

bool JsonScanner::read_scalar(JsonToken& token) {
  const char* const begin = at_;
  switch (peek()) {
    case '"':
      return read_string(token);
    case 't':
      token.kind = JsonToken::Kind::kOther;
      return skip_word("true");
    case 'f':
      token.kind = JsonToken::Kind::kOther;
      return skip_word("false");
    case 'n':
      token.kind = JsonToken::Kind::kOther;
      return skip_word("null");
    default:
      if (!skip_number()) return false;
      token.kind = JsonToken::Kind::kNumber;
      token.text = {begin, static_cast<size_t>(at_ - begin)};
      return true;
  }
}

bool JsonScanner::read_value(JsonToken& token, int depth) {
  if (peek() != '{' && peek() != '[') return read_scalar(token);
  token.kind = JsonToken::Kind::kOther;
  return skip_nested(depth);
}

// A loop in place of recursion: it stands before a value, or behind one. `open` knows the way back.
bool JsonScanner::skip_nested(int depth) {
  OpenBrackets open;
  JsonToken ignored;
  for (;;) {
    bool value_done = false;
    const char c = peek();
    if (c == '{' || c == '[') {
      if (depth + open.depth() >= kNestingMax) return fail(Flaw::kTooDeep);
      ++at_;
      open.push(c == '{');
      skip_white();
      if (peek() == (c == '{' ? '}' : ']')) {
        ++at_;
        open.pop();
        value_done = true;
      }
    } else {
      if (!read_scalar(ignored)) return false;
      value_done = true;
    }
    while (value_done) {
      if (open.depth() == 0) return true;
      skip_white();
      if (peek() == ',') {
        ++at_;
        skip_white();
        value_done = false;
      } else {
        if (!expect(open.in_object() ? '}' : ']')) return false;
        open.pop();
      }
    }
    if (open.in_object()) {
      if (!read_string(ignored)) return false;
      skip_white();
      if (!expect(':')) return false;
      skip_white();
    }
  }
}

namespace {

uint32_t hex_four(const char* digits) {
  uint32_t unit = 0;
  for (int i = 0; i < 4; ++i) unit = unit * 16 + static_cast<uint32_t>(hex_value(digits[i]));
  return unit;
}

char simple_escape(char letter) {
  switch (letter) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return letter;  // the quote, the backslash and the slash stand for themselves
  }
}

}  // namespace

size_t decode_escapes(std::string_view raw, char* out) {
  size_t used = 0;
  const char* at = raw.data();
  const char* const end = at + raw.size();
  while (at < end) {
    const auto* escape =
        static_cast<const char*>(std::memchr(at, '\\', static_cast<size_t>(end - at)));
    const auto plain = static_cast<size_t>((escape == nullptr ? end : escape) - at);
    std::memcpy(out + used, at, plain);
    used += plain;
    if (escape == nullptr) break;
    at = escape + 2;
    assert(at <= end);
    if (escape[1] != 'u') {
      out[used++] = simple_escape(escape[1]);
      continue;
    }
    uint32_t code_point = hex_four(at);
    at += 4;
    if (is_high_surrogate(code_point)) {
      code_point = 0x10000 + ((code_point - 0xD800) << 10U) + (hex_four(at + 2) - 0xDC00);
      at += 6;
    }
    used += base::encode_utf8(code_point, out + used);
  }
  return used;
}

}  // namespace paystats::record
