// An exact sum of any number of 128-bit values in any order: it cannot overflow, not even on the
// way, so a total may pass 128 bits and come back. Two limbs: high x 2^128 + low.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "money/decimal.h"

namespace paystats::view {

class WideSum {
 public:
  void add(money::Int128 value) {
    const money::Uint128 before = low_;
    low_ += static_cast<money::Uint128>(value);
    high_ += (low_ < before ? 1 : 0) - (value < 0 ? 1 : 0);
  }
  void subtract(money::Int128 value) {
    const money::Uint128 before = low_;
    low_ -= static_cast<money::Uint128>(value);
    high_ -= (low_ > before ? 1 : 0) - (value < 0 ? 1 : 0);
  }

  // The sum, where 128 bits hold it.
  std::optional<money::Int128> value() const;

  std::string integer_text() const;  // "4321"
  std::string decimal_text() const;  // of nanos, as format_decimal() has it: "7.00"

 private:
  int64_t high_ = 0;
  money::Uint128 low_ = 0;
};

}  // namespace paystats::view
