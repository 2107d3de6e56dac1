// Whole numbers in text, as programs write them: digits alone, or behind a minus sign where the
// type has one. No plus sign, no white space, and nothing behind them.
//
//   uint64_t offset = 0;
//   if (!read_number("41", offset)) ...
//   if (!read_number("00c0ffee", hash, 16)) ...
#pragma once

#include <charconv>
#include <string_view>
#include <system_error>

namespace paystats::base {

// Leaves `out` as it is where `text` is no such number, or one that `out` cannot hold.
template <class Number>
bool read_number(std::string_view text, Number& out, int radix = 10) {
  const char* const end = text.data() + text.size();
  Number number{};
  const auto [stop, error] = std::from_chars(text.data(), end, number, radix);
  if (error != std::errc{} || stop != end) return false;
  out = number;
  return true;
}

}  // namespace paystats::base
