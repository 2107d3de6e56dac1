// Money, exact: a signed 128-bit number of 10^-9 (nanos). Nothing between the bytes that come in
// and the bytes that go out is ever a binary fraction; a compile-failure test proves that a
// Decimal cannot be made from one.
//
//   Decimal amount;
//   if (parse_amount("12.50", amount) != AmountFlaw::kNone) ...
//   if (!sum.add(amount)) ...                       // overflow: sum is as it was
//   char buffer[kDecimalCharsMax];
//   out.append(buffer, format_decimal(sum, buffer));   // "12.50"
//
// An *amount* has up to 15 digits before and 9 after the point once its exponent is applied, zeros
// that do not matter aside. A *sum* may be anything that fits. Its largest value, 1.7 x 10^38
// nanos, takes more than 10^14 of the largest amounts to reach.
#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace paystats::money {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 Uint128;

class Decimal {
 public:
  static constexpr int kFractionDigits = 9;

  constexpr Decimal() = default;  // zero

  static constexpr Decimal from_nanos(Int128 nanos) {
    Decimal d;
    d.nanos_ = nanos;
    return d;
  }
  template <std::floating_point Float>
  static constexpr Decimal from_nanos(Float) = delete;

  constexpr Int128 nanos() const { return nanos_; }
  constexpr bool is_positive() const { return nanos_ > 0; }
  constexpr bool is_zero() const { return nanos_ == 0; }

  // Adds, or returns false and changes nothing where the result would not fit.
  [[nodiscard]] constexpr bool add(Decimal other) {
    Int128 sum = 0;  // the builtin stores a wrapped result where it does not fit
    if (__builtin_add_overflow(nanos_, other.nanos_, &sum)) return false;
    nanos_ = sum;
    return true;
  }
  // Adds `other` `times` over; the same promise.
  [[nodiscard]] bool add_times(Decimal other, uint64_t times);

  friend constexpr bool operator==(Decimal a, Decimal b) { return a.nanos_ == b.nanos_; }
  friend constexpr std::strong_ordering operator<=>(Decimal a, Decimal b) {
    return a.nanos_ < b.nanos_   ? std::strong_ordering::less
           : a.nanos_ > b.nanos_ ? std::strong_ordering::greater
                                 : std::strong_ordering::equal;
  }

 private:
  Int128 nanos_ = 0;
};

enum class AmountFlaw : uint8_t {
  kNone,
  kNotANumber,  // not exactly one RFC 8259 number
  kTooLarge,    // more than 15 digits before the point (a sum: does not fit)
  kTooFine,     // more than 9 digits after it
};

// `text` must be one RFC 8259 number and nothing else (no white space, no plus sign in front). An
// exponent of any length costs no more time than its bytes. `out` is set only on kNone.
AmountFlaw parse_amount(std::string_view text, Decimal& out);
AmountFlaw parse_sum(std::string_view text, Decimal& out);

// At least two decimals and no other trailing zero: "7.00", "0.125", "-0.50". Returns the length.
inline constexpr size_t kDecimalCharsMax = 48;
size_t format_decimal(Decimal value, char* buffer);
std::string to_string(Decimal value);

// The number as plain decimals with its fraction as given: "1.0" stays, "1e2" is "100", "1.50e1" is
// "15.0", "0e999" is "0". REQUIRES: parse_amount(text) accepts it. So the result is short: zeros
// beyond the nine decimals do not matter and are dropped.
std::string plain_decimal(std::string_view text);

}  // namespace paystats::money
