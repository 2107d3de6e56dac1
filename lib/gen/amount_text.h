// An amount as somebody gave it on the command line: its value, and the text that payments of it
// will carry.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "money/decimal.h"

namespace paystats::gen {

struct GivenAmount {
  money::Decimal value;
  std::string plain;  // see plain_decimal()

  static base::Result<GivenAmount> parse(std::string_view text);

  int decimals() const {
    const size_t point = plain.find('.');
    return point == std::string::npos ? 0 : static_cast<int>(plain.size() - point - 1);
  }
};

}  // namespace paystats::gen
