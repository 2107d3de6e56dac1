#include "record/layout_values.h"

#include <array>
#include <cstring>

#include "base/utf8.h"
#include "money/short_amount.h"
#include "record/field_values.h"
#include "record/json_scanner.h"
#include "record/payment.h"
#include "record/scan.h"

namespace paystats::record {
namespace {

// Of a byte that is no hexadecimal digit all bits are set.
constexpr std::array<uint32_t, 256> kHexValues = [] {
  std::array<uint32_t, 256> values{};
  values.fill(~uint32_t{0});
  for (uint32_t i = 0; i < 10; ++i) values['0' + i] = i;
  for (uint32_t i = 0; i < 6; ++i) values['a' + i] = values['A' + i] = 10 + i;
  return values;
}();

// What a letter behind a backslash stands for; 0 where it is none of these.
constexpr std::array<char, 256> kSimpleEscapes = [] {
  std::array<char, 256> values{};
  values['"'] = '"';
  values['\\'] = '\\';
  values['/'] = '/';
  values['b'] = '\b';
  values['f'] = '\f';
  values['n'] = '\n';
  values['r'] = '\r';
  values['t'] = '\t';
  return values;
}();

// Four hexadecimal digits, or more than 16 bits where they are none.
uint32_t hex_four(const char* p) {
  const auto value = [p](size_t i) { return kHexValues[static_cast<unsigned char>(p[i])]; };
  return (value(0) << 12U) | (value(1) << 8U) | (value(2) << 4U) | value(3);
}

// Behind the escape that begins at `p`, of which 12 bytes can be read, or nullptr; what it stands
// for, up to four bytes, goes to `out`.
const char* decode_escape(const char* p, char* out, size_t& size) {
  if (const char simple = kSimpleEscapes[static_cast<unsigned char>(p[1])]; simple != 0) {
    *out = simple;
    size = 1;
    return p + 2;
  }
  if (p[1] != 'u') return nullptr;
  uint32_t unit = hex_four(p + 2);
  p += 6;
  if (unit > 0xFFFF || (unit & 0xFC00U) == 0xDC00) return nullptr;
  if ((unit & 0xFC00U) == 0xD800) {
    const uint32_t low = p[0] == '\\' && p[1] == 'u' ? hex_four(p + 2) : 0;
    if (low > 0xFFFF || (low & 0xFC00U) != 0xDC00) return nullptr;
    unit = 0x10000 + ((unit - 0xD800) << 10U) + (low - 0xDC00);
    p += 6;
  }
  size = base::encode_utf8(unit, out);
  return p;
}

// Behind true, false or null, or nullptr.
const char* word_end(const char* p) {
  constexpr size_t kWord = 4;
  if (std::memcmp(p, "true", kWord) == 0 || std::memcmp(p, "null", kWord) == 0) return p + kWord;
  return std::memcmp(p, "false", kWord + 1) == 0 ? p + kWord + 1 : nullptr;
}

const char* value_end(const char* p, const char* newline) {
  JsonScanner scanner({p, static_cast<size_t>(newline - p)});
  JsonToken token;
  return scanner.read_value(token, 1) ? scanner.place() : nullptr;
}

}  // namespace

const char* odd_text_end(const char* p, const char* stop, const char* limit) {
  bool beyond_ascii = false;
  stop = scan::find_string_stop(stop, limit, beyond_ascii);
  if (stop >= limit) return nullptr;
  if (*stop == '"') return base::is_valid_utf8({p, static_cast<size_t>(stop - p)}) ? stop : nullptr;
  if (*stop != '\\') return nullptr;
  JsonToken token;
  JsonScanner scanner({p - 1, static_cast<size_t>(limit - p) + 1});
  return scanner.read_string(token) ? scanner.place() - 1 : nullptr;
}

// One walk from stop to stop both checks and decodes.
const char* odd_name_end(const char* begin, const char* stop, const char* limit,
                         const StringStops& stops, TextArena& arena, UserName& user) {
  constexpr size_t kAtOnce = 16;
  char* out = nullptr;      // what has been decoded, once there is an escape
  size_t used = 0;          // of it
  const char* run = begin;  // has not been taken into it
  const auto take_run = [&] {
    const auto size = static_cast<size_t>(stop - run);
    if (size > kUserBytesMax - used) return false;
    for (size_t at = 0; at < size; at += kAtOnce) std::memcpy(out + used + at, run + at, kAtOnce);
    used += size;
    return true;
  };
  while (stop < limit && *stop != '"') {
    const auto byte = static_cast<unsigned char>(*stop);
    if (byte >= 0x80) {
      const size_t size = base::utf8_bytes(stop, static_cast<size_t>(limit - stop));
      if (size == 0) return nullptr;
      stop += size;
    } else if (byte == '\\') {
      if (out == nullptr) out = arena.reserve(kUserBytesMax + kAtOnce);
      size_t size = 0;
      if (!take_run()) return nullptr;
      stop = decode_escape(stop, out + used, size);
      if (stop == nullptr) return nullptr;
      used += size;
      if (used > kUserBytesMax) return nullptr;
      run = stop;
    } else {
      return nullptr;
    }
    if (stop >= limit) return nullptr;
    stop = stops.next(stop);
  }
  if (stop >= limit) return nullptr;
  if (out == nullptr) {
    user = UserName::with_margin(begin, static_cast<size_t>(stop - begin));
  } else {
    if (!take_run()) return nullptr;
    user = UserName::with_margin(out, used);
    arena.keep(used);
  }
  return user.size() <= kUserBytesMax ? stop : nullptr;
}

const char* long_amount_end(const char* p, const char* limit, money::Decimal& amount) {
  const char* end = p;
  while (end != limit && *end > ' ' && *end != ',' && *end != '}' && *end != '"') ++end;
  return money::parse_amount({p, static_cast<size_t>(end - p)}, amount) == money::AmountFlaw::kNone
             ? end
             : nullptr;
}

const char* volume_end(const char* p, uint64_t& volume) {
  constexpr ptrdiff_t kDigitsMax = 18;
  const char* const begin = p;
  if (*p < '1' || *p > '9') return nullptr;
  uint64_t value = 0;
  for (; *p >= '0' && *p <= '9'; ++p) {
    if (p - begin == kDigitsMax) return nullptr;
    value = value * 10 + static_cast<uint64_t>(*p - '0');
  }
  volume = value;
  return p;
}

const char* integer_user_end(const char* p, const char* newline, UserName& user) {
  const char* end = p + (*p == '-' ? 1 : 0);
  while (end < newline && *end >= '0' && *end <= '9') ++end;
  const std::string_view text(p, static_cast<size_t>(end - p));
  if (text.size() > kUserBytesMax || !is_integer(text)) return nullptr;
  user = UserName::with_margin(p, text.size());
  return end;
}

const char* scalar_end(const char* p, const char* newline) {
  if (*p > '9') return word_end(p);  // brackets as well
  money::Decimal ignored;
  if (const char* end = money::read_short_amount(p, ignored); end != nullptr) return end;
  return *p == '"' ? nullptr : value_end(p, newline);
}

const char* other_end(const char* p, const char* newline) {
  return *p == '{' || *p == '[' ? value_end(p, newline) : scalar_end(p, newline);
}

}  // namespace paystats::record
