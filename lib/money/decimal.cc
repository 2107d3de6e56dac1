#include "money/decimal.h"

#include <charconv>
#include <limits>

namespace paystats {
namespace {

constexpr Int128 kNanosMax = static_cast<Int128>(~Uint128{0} >> 1U);
constexpr uint64_t kNanosPerUnit = 1000000000;

Uint128 magnitude_of(Int128 value) {
  return value < 0 ? -static_cast<Uint128>(value) : static_cast<Uint128>(value);
}

// Writes `value` in exactly nine digits.
void write_nine(char* buffer, uint64_t value) {
  for (int i = 8; i >= 0; --i) {
    buffer[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
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
  write_nine(end, fraction);
  int decimals = Decimal::kFractionDigits;
  while (decimals > 2 && end[decimals - 1] == '0') --decimals;
  return static_cast<size_t>(end + decimals - buffer);
}

std::string to_string(Decimal value) {
  char buffer[kDecimalCharsMax];
  return std::string(buffer, format_decimal(value, buffer));
}

}  // namespace paystats
