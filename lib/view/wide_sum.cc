#include "view/wide_sum.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace paystats::view {
namespace {

constexpr uint32_t kGroup = 1'000'000'000;  // nine decimal digits at a time
constexpr size_t kGroupDigits = 9;

using Limbs = std::array<uint32_t, 6>;  // 192 bits, the highest first

// Divides in place and returns the remainder.
uint32_t divide(Limbs& limbs) {
  uint64_t rest = 0;
  for (uint32_t& limb : limbs) {
    const uint64_t part = rest << 32 | limb;
    limb = static_cast<uint32_t>(part / kGroup);
    rest = part % kGroup;
  }
  return static_cast<uint32_t>(rest);
}

// The digits of the magnitude, zeros in front up to whole groups.
std::string digits_of(int64_t high, money::Uint128 low) {
  auto top = static_cast<uint64_t>(high);
  if (high < 0) {
    low = ~low + 1;
    top = ~top + (low == 0 ? 1 : 0);
  }
  Limbs limbs{static_cast<uint32_t>(top >> 32), static_cast<uint32_t>(top),
              static_cast<uint32_t>(low >> 96), static_cast<uint32_t>(low >> 64),
              static_cast<uint32_t>(low >> 32), static_cast<uint32_t>(low)};
  std::string reversed;
  do {
    uint32_t group = divide(limbs);
    for (size_t i = 0; i < kGroupDigits; ++i, group /= 10)
      reversed.push_back(static_cast<char>('0' + group % 10));
  } while (std::any_of(limbs.begin(), limbs.end(), [](uint32_t limb) { return limb != 0; }));
  return {reversed.rbegin(), reversed.rend()};
}

// Without zeros in front, of which one stays where there is nothing else.
std::string integer_of(const std::string& digits) {
  const size_t first = digits.find_first_not_of('0');
  return first == std::string::npos ? "0" : digits.substr(first);
}

}  // namespace

std::optional<money::Int128> WideSum::value() const {
  const auto low = static_cast<money::Int128>(low_);
  if (high_ != (low < 0 ? -1 : 0)) return std::nullopt;
  return low;
}

std::string WideSum::integer_text() const {
  return fmt::format("{}{}", high_ < 0 ? "-" : "", integer_of(digits_of(high_, low_)));
}

std::string WideSum::decimal_text() const {
  if (const std::optional<money::Int128> narrow = value())
    return money::to_string(money::Decimal::from_nanos(*narrow));
  const std::string digits = digits_of(high_, low_);
  const size_t point = digits.size() - money::Decimal::kFractionDigits;
  std::string fraction = digits.substr(point);
  while (fraction.size() > 2 && fraction.back() == '0') fraction.pop_back();
  const std::string integer = integer_of(digits.substr(0, point));
  return fmt::format("{}{}.{}", high_ < 0 ? "-" : "", integer, fraction);
}

}  // namespace paystats::view
