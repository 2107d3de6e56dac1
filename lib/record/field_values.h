// What the value of a field may be: the rules that records share, applied to a token whose JSON has
// been checked, whatever path it took.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "money/decimal.h"
#include "record/flaw.h"
#include "record/json_scanner.h"
#include "record/payment.h"
#include "record/text_arena.h"

namespace paystats::record {

// The text of a string or number, escapes decoded into `arena`.
inline std::string_view text_of(const JsonToken& token, TextArena& arena) {
  if (!token.escaped) [[likely]] {
    return token.text;
  }
  char* const space = arena.reserve(token.text.size());
  const size_t size = decode_escapes(token.text, space);
  arena.keep(size);
  return {space, size};
}

// Digits only, without zeros in front, as the grammar has an integer. False where `text` is
// anything else or beyond `most`.
inline bool read_digits(std::string_view text, uint64_t max, uint64_t& out) {
  if (text.empty() || text.size() > 20 || (text.size() > 1 && text[0] == '0')) return false;
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    const auto digit = static_cast<uint64_t>(c - '0');
    if (value > (max - digit) / 10) return false;
    value = value * 10 + digit;
  }
  out = value;
  return true;
}

// An integer as the grammar has it, without fraction and exponent; -0 is none.
inline bool is_integer(std::string_view number) {
  const bool negative = number.starts_with('-');
  const std::string_view digits = number.substr(negative ? 1 : 0);
  if (digits.empty() || (digits[0] == '0' && (digits.size() > 1 || negative))) return false;
  return std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A string, or an integer, which is taken by its digits.
inline Flaw read_user(const JsonToken& token, TextArena& arena, std::string_view& user) {
  using Kind = JsonToken::Kind;
  if (token.kind == Kind::kMissing) return Flaw::kUserMissing;
  if (token.kind != Kind::kString && (token.kind != Kind::kNumber || !is_integer(token.text))) {
    return Flaw::kUserNotAString;
  }
  // No escape is longer than six bytes for each byte that it stands for.
  if (token.text.size() > 6 * kUserBytesMax) return Flaw::kUserTooLong;
  user = text_of(token, arena);
  if (user.empty()) return Flaw::kUserEmpty;
  return user.size() > kUserBytesMax ? Flaw::kUserTooLong : Flaw::kNone;
}

// A number, or a string that holds exactly one.
inline Flaw read_amount(const JsonToken& token, TextArena& arena, std::string_view& text,
                        money::Decimal& amount) {
  using Kind = JsonToken::Kind;
  if (token.kind == Kind::kMissing) return Flaw::kAmountMissing;
  if (token.kind == Kind::kOther) return Flaw::kAmountNotANumber;
  text = text_of(token, arena);
  switch (money::parse_amount(text, amount)) {
    case money::AmountFlaw::kNone:
      return Flaw::kNone;
    case money::AmountFlaw::kTooLarge:
      return Flaw::kAmountTooLarge;
    case money::AmountFlaw::kTooFine:
      return Flaw::kAmountTooFine;
    case money::AmountFlaw::kNotANumber:
      break;
  }
  return Flaw::kAmountNotANumber;
}

inline bool read_volume_text(std::string_view text, uint64_t& volume) {
  return read_digits(text, std::numeric_limits<uint64_t>::max(), volume) && volume > 0;
}

// A number, or a string that holds exactly one; 1 where it is missing.
inline Flaw read_volume(const JsonToken& token, TextArena& arena, uint64_t& volume) {
  using Kind = JsonToken::Kind;
  volume = 1;
  if (token.kind == Kind::kMissing) return Flaw::kNone;
  const bool right = token.kind != Kind::kOther && read_volume_text(text_of(token, arena), volume);
  return right ? Flaw::kNone : Flaw::kVolumeNotAPositiveInteger;
}

// From the amount of each payment of a batch to the sum of all; false where it does not fit.
inline bool sum_up(Payment& batch) {
  if (batch.count == 1) return true;
  const money::Int128 amount = batch.sum.nanos();
  if (amount == static_cast<int64_t>(amount)) [[likely]] {
    // 63 bits and 64: the product always fits.
    batch.sum = money::Decimal::from_nanos(amount * static_cast<money::Int128>(batch.count));
    return true;
  }
  money::Decimal sum;
  const bool fits = sum.add_times(batch.sum, batch.count);
  batch.sum = sum;
  return fits;
}

}  // namespace paystats::record
