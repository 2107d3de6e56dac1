// A text becomes a Decimal in one of three ways: up to eight characters, which almost every amount
// is, are taken as one machine word; what has no exponent and fits one, digit by digit; all else is
// taken apart by the grammar of RFC 8259, section 6. The first two may refuse valid input (the next
// path decides); they never accept invalid input.
//
//   number = [ minus ] int [ frac ] [ exp ]
#include "money/decimal.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <charconv>
#include <cstring>
#include <limits>

namespace paystats::money {
namespace {

static_assert(std::endian::native == std::endian::little, "a word holds its first byte lowest");

constexpr int kAmountWholeDigitsMax = 15;
constexpr int kSumWholeDigitsMax = 30;  // more can not fit; whether these do is checked

constexpr uint64_t kPowersOfTen[] = {1,      10,      100,      1000,      10000,
                                     100000, 1000000, 10000000, 100000000, 1000000000};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// ---- The general way.

struct NumberText {
  bool negative = false;
  std::string_view whole;
  std::string_view fraction;  // without its point
  int64_t exponent = 0;       // beyond kExponentMax held there: no text is long enough to matter
};

constexpr int64_t kExponentMax = int64_t{1} << 60;

size_t digits_at(std::string_view text, size_t from) {
  size_t i = from;
  while (i < text.size() && is_digit(text[i])) ++i;
  return i - from;
}

int64_t saturated(std::string_view digits) {
  int64_t value = 0;
  for (const char c : digits) {
    if (value >= kExponentMax / 10) return kExponentMax;
    value = value * 10 + (c - '0');
  }
  return value;
}

// Whether `text` is one number and nothing else.
bool read_number(std::string_view text, NumberText& out) {
  size_t i = 0;
  if (i < text.size() && text[i] == '-') {
    out.negative = true;
    ++i;
  }
  out.whole = text.substr(i, digits_at(text, i));
  if (out.whole.empty() || (out.whole.size() > 1 && out.whole[0] == '0')) return false;
  i += out.whole.size();
  if (i < text.size() && text[i] == '.') {
    out.fraction = text.substr(i + 1, digits_at(text, i + 1));
    if (out.fraction.empty()) return false;
    i += 1 + out.fraction.size();
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    const bool negative = i < text.size() && text[i] == '-';
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    const std::string_view digits = text.substr(i, digits_at(text, i));
    if (digits.empty()) return false;
    out.exponent = negative ? -saturated(digits) : saturated(digits);
    i += digits.size();
  }
  return i == text.size();
}

// The digits of a number that matter, and where its point stands once the exponent is applied.
struct Digits {
  const NumberText& number;
  int64_t first = 0;  // index into whole + fraction; the zeros before it do not matter
  int64_t end = 0;    // nor those from here on; first == end is zero
  int64_t point = 0;  // index of the digit that the point stands before: any value

  explicit Digits(const NumberText& text) : number(text) {
    const auto whole = static_cast<int64_t>(text.whole.size());
    point = whole + text.exponent;
    if (const size_t at = text.whole.find_first_not_of('0'); at != std::string_view::npos) {
      first = static_cast<int64_t>(at);
    } else if (const size_t in_fraction = text.fraction.find_first_not_of('0');
               in_fraction != std::string_view::npos) {
      first = whole + static_cast<int64_t>(in_fraction);
    } else {
      return;
    }
    if (const size_t at = text.fraction.find_last_not_of('0'); at != std::string_view::npos) {
      end = whole + static_cast<int64_t>(at) + 1;
    } else {
      end = static_cast<int64_t>(text.whole.find_last_not_of('0')) + 1;
    }
  }

  bool is_zero() const { return first == end; }

  // The digit at any place, seen as a number with zeros without end on both sides.
  char at(int64_t index) const {
    if (index < first || index >= end) return '0';
    const auto i = static_cast<size_t>(index);
    return i < number.whole.size() ? number.whole[i] : number.fraction[i - number.whole.size()];
  }
};

// Appends one digit, or returns false where the result would not fit.
bool push_digit(Uint128& value, char digit) {
  constexpr Uint128 kMax = ~Uint128{0};
  const auto units = static_cast<unsigned>(digit - '0');
  if (value > kMax / 10 || (value == kMax / 10 && units > kMax % 10)) return false;
  value = value * 10 + units;
  return true;
}

AmountFlaw parse_general(std::string_view text, int whole_digits_max, Decimal& out) {
  NumberText number;
  if (!read_number(text, number)) return AmountFlaw::kNotANumber;
  const Digits digits(number);
  if (digits.is_zero()) {
    out = Decimal();
    return AmountFlaw::kNone;
  }
  if (digits.point - digits.first > whole_digits_max) return AmountFlaw::kTooLarge;
  if (digits.end - digits.point > Decimal::kFractionDigits) return AmountFlaw::kTooFine;

  // By the two limits the loop is short, whatever the exponent and however long the text.
  Uint128 magnitude = 0;
  const int64_t units_end = digits.point + Decimal::kFractionDigits;
  for (int64_t i = digits.first; i < units_end; ++i) {
    if (!push_digit(magnitude, digits.at(i))) return AmountFlaw::kTooLarge;
  }
  const Uint128 limit = (Uint128{1} << 127U) - (number.negative ? 0 : 1);
  if (magnitude > limit) return AmountFlaw::kTooLarge;
  out = Decimal::from_nanos(static_cast<Int128>(number.negative ? -magnitude : magnitude));
  return AmountFlaw::kNone;
}

// ---- The short way: [-] digits [ . digits ], eight characters at most without the sign.

constexpr uint64_t repeat(uint64_t byte) {
  return byte * 0x0101010101010101U;
}

// `size` bytes, 1 to 8, the first one lowest, zeros above. Reads nothing beyond them.
uint64_t load(const char* bytes, size_t size) {
  if (size >= 4) {
    uint32_t low = 0;
    uint32_t high = 0;
    std::memcpy(&low, bytes, 4);
    std::memcpy(&high, bytes + size - 4, 4);
    return low | (uint64_t{high} << (8 * (size - 4)));
  }
  const auto byte = [&](size_t i) {
    return uint64_t{static_cast<unsigned char>(bytes[i])} << 8 * i;
  };
  return byte(0) | byte(size / 2) | byte(size - 1);
}

// The value of eight digits, each a byte of 0 to 9, the first one lowest: pairs, then fours, then
// all eight are joined, each by one multiplication.
uint64_t join_eight(uint64_t digits) {
  digits = (digits * 10 + (digits >> 8U)) & 0x00FF00FF00FF00FFU;
  digits = (digits * 100 + (digits >> 16U)) & 0x0000FFFF0000FFFFU;
  return (digits * 10000 + (digits >> 32U)) & 0xFFFFFFFFU;
}

// False where the text is anything but that; it may still be a number.
bool parse_short(std::string_view text, Decimal& out) {
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  const size_t size = text.size();
  if (size == 0 || size > 8) return false;

  // A digit becomes 0 to 9, the point 0x1E. The exact test for a byte that is zero: no carry
  // crosses a byte, unlike in the shorter one.
  const uint64_t used = ~uint64_t{0} >> (8 * (8 - size));
  const uint64_t bytes = (load(text.data(), size) ^ repeat('0')) & used;
  const uint64_t difference = bytes ^ repeat('.' ^ '0');
  const uint64_t points =
      ~(((difference & repeat(0x7F)) + repeat(0x7F)) | difference | repeat(0x7F));

  size_t count = size;  // of digits
  size_t fraction = 0;  // of them behind the point
  uint64_t digits = bytes;
  if (points != 0) {
    const auto at = static_cast<size_t>(std::countr_zero(points)) / 8;
    if (at == 0 || at + 1 == size) return false;
    const uint64_t before = (uint64_t{1} << (8 * at)) - 1;
    digits = (bytes & before) | ((bytes >> 8U) & ~before);
    count = size - 1;
    fraction = count - at;
  }
  if ((digits & 0xFFU) == 0 && count - fraction > 1) return false;
  digits <<= 8 * (8 - count);  // zeros in front
  if ((((digits & repeat(0x7F)) + repeat(0x7F - 9)) | digits) & repeat(0x80)) return false;

  const auto nanos =
      static_cast<int64_t>(join_eight(digits) * kPowersOfTen[Decimal::kFractionDigits - fraction]);
  out = Decimal::from_nanos(negative ? -nanos : nanos);
  return true;
}

// The same of up to eighteen digits, one at a time: most sums.
bool parse_plain(std::string_view text, int whole_digits_max, Decimal& out) {
  constexpr size_t kDigitsMax = 18;  // fit a word, with room
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  if (text.size() > kDigitsMax + 1) return false;
  uint64_t digits = 0;
  size_t point = text.size();
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_digit(text[i])) {
      digits = digits * 10 + static_cast<uint64_t>(text[i] - '0');
    } else if (text[i] == '.' && point == text.size()) {
      point = i;
    } else {
      return false;
    }
  }
  const bool has_point = point < text.size();
  const size_t fraction = has_point ? text.size() - point - 1 : 0;
  if (point == 0 || (has_point && fraction == 0)) return false;
  if (point > 1 && text[0] == '0') return false;
  if (point > static_cast<size_t>(whole_digits_max) || fraction > Decimal::kFractionDigits) {
    return false;
  }
  if (point + fraction > kDigitsMax) return false;
  const auto nanos = static_cast<Int128>(static_cast<Uint128>(digits) *
                                         kPowersOfTen[Decimal::kFractionDigits - fraction]);
  out = Decimal::from_nanos(negative ? -nanos : nanos);
  return true;
}

AmountFlaw parse(std::string_view text, int whole_digits_max, Decimal& out) {
  if (parse_short(text, out) || parse_plain(text, whole_digits_max, out)) return AmountFlaw::kNone;
  return parse_general(text, whole_digits_max, out);
}

// ---- Arithmetic and writing.

constexpr Int128 kNanosMax = static_cast<Int128>(~Uint128{0} >> 1U);
constexpr uint64_t kNanosPerUnit = 1000000000;
constexpr uint64_t kNanosPerCent = 10000000;

Uint128 magnitude_of(Int128 value) {
  return value < 0 ? -static_cast<Uint128>(value) : static_cast<Uint128>(value);
}

// "00" to "99".
constexpr std::array<char, 200> kPairs = [] {
  std::array<char, 200> pairs{};
  for (size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

void write_two(char* buffer, uint64_t value) {
  std::memcpy(buffer, &kPairs[2 * value], 2);
}

// Writes `value` in exactly nine digits.
void write_nine(char* buffer, uint64_t value) {
  for (char* pair = buffer + 7; pair > buffer; pair -= 2) {
    write_two(pair, value % 100);
    value /= 100;
  }
  buffer[0] = static_cast<char>('0' + value);
}

char* write_whole(char* buffer, Uint128 value) {
  constexpr Uint128 kTenToThe18 = Uint128{kNanosPerUnit} * kNanosPerUnit;
  if (value <= std::numeric_limits<uint64_t>::max()) {
    return std::to_chars(buffer, buffer + 20, static_cast<uint64_t>(value)).ptr;
  }
  // 128 bits are 39 digits: at most 21 in front, which is again too many for one word.
  char* end = write_whole(buffer, value / kTenToThe18);
  const auto low = static_cast<uint64_t>(value % kTenToThe18);
  write_nine(end, low / kNanosPerUnit);
  write_nine(end + 9, low % kNanosPerUnit);
  return end + 18;
}

}  // namespace

bool Decimal::add_times(Decimal other, uint64_t times) {
  // By hand in unsigned halves: not every compiler's runtime has a checked 128-bit product.
  const Uint128 magnitude = magnitude_of(other.nanos_);
  const Uint128 high = static_cast<Uint128>(static_cast<uint64_t>(magnitude >> 64U)) * times;
  const Uint128 low = static_cast<Uint128>(static_cast<uint64_t>(magnitude)) * times;
  if (high >> 64U != 0) return false;
  const Uint128 product = (high << 64U) + low;
  if (product < low) return false;  // beyond 128 bits, further than any two sums are apart

  // The sum may start on the other side of zero, so the room is up to twice the largest sum.
  const bool down = other.nanos_ < 0;
  const auto from = static_cast<Uint128>(nanos_);
  const Uint128 room =
      down ? from - static_cast<Uint128>(-kNanosMax - 1) : static_cast<Uint128>(kNanosMax) - from;
  if (product > room) return false;
  nanos_ = static_cast<Int128>(down ? from - product : from + product);
  return true;
}

size_t format_decimal(Decimal value, char* buffer) {
  const Uint128 magnitude = magnitude_of(value.nanos());
  char* end = buffer;
  if (value.nanos() < 0) *end++ = '-';
  uint64_t fraction = 0;
  if (magnitude <= std::numeric_limits<uint64_t>::max()) {
    const auto small = static_cast<uint64_t>(magnitude);
    end = std::to_chars(end, end + 20, small / kNanosPerUnit).ptr;
    fraction = small % kNanosPerUnit;
  } else {
    end = write_whole(end, magnitude / kNanosPerUnit);
    fraction = static_cast<uint64_t>(magnitude % kNanosPerUnit);
  }
  *end++ = '.';
  if (fraction % kNanosPerCent == 0) {
    write_two(end, fraction / kNanosPerCent);
    return static_cast<size_t>(end + 2 - buffer);
  }
  write_nine(end, fraction);
  int decimals = Decimal::kFractionDigits;
  while (decimals > 2 && end[decimals - 1] == '0') --decimals;
  return static_cast<size_t>(end + decimals - buffer);
}

std::string to_string(Decimal value) {
  char buffer[kDecimalCharsMax];
  return std::string(buffer, format_decimal(value, buffer));
}

AmountFlaw parse_amount(std::string_view text, Decimal& out) {
  return parse(text, kAmountWholeDigitsMax, out);
}

AmountFlaw parse_sum(std::string_view text, Decimal& out) {
  return parse(text, kSumWholeDigitsMax, out);
}

std::string plain_decimal(std::string_view text) {
  NumberText number;
  const bool is_number = read_number(text, number);
  assert(is_number);
  if (!is_number) return std::string(text);
  const Digits digits(number);
  const auto given = static_cast<int64_t>(number.fraction.size());
  const int64_t decimals =
      std::clamp<int64_t>(given - number.exponent, 0, Decimal::kFractionDigits);

  std::string plain;
  if (number.negative && !digits.is_zero()) plain += '-';
  if (digits.is_zero() || digits.point <= digits.first) {
    plain += '0';
  } else {
    for (int64_t i = digits.first; i < digits.point; ++i) plain += digits.at(i);
  }
  if (decimals > 0) plain += '.';
  for (int64_t i = 0; i < decimals; ++i) plain += digits.at(digits.point + i);
  return plain;
}

}  // namespace paystats::money
