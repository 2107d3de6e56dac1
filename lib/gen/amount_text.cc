#include "gen/amount_text.h"

#include <fmt/format.h>

namespace paystats::gen {

base::Result<GivenAmount> GivenAmount::parse(std::string_view text) {
  GivenAmount amount;
  switch (money::parse_amount(text, amount.value)) {
    case money::AmountFlaw::kNotANumber:
      return base::fail(fmt::format("'{}' is not a decimal number", text));
    case money::AmountFlaw::kTooLarge:
      return base::fail(fmt::format("'{}' has more than 15 digits before the point", text));
    case money::AmountFlaw::kTooFine:
      return base::fail(fmt::format("'{}' has more than 9 decimals", text));
    case money::AmountFlaw::kNone:
      break;
  }
  amount.plain = money::plain_decimal(text);
  return amount;
}

}  // namespace paystats::gen
