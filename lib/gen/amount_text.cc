#include "gen/amount_text.h"

#include <fmt/format.h>

namespace paystats {

Result<GivenAmount> GivenAmount::parse(std::string_view text) {
  GivenAmount amount;
  switch (parse_amount(text, amount.value)) {
    case AmountFlaw::kNotANumber:
      return fail(fmt::format("'{}' is not a decimal number", text));
    case AmountFlaw::kTooLarge:
      return fail(fmt::format("'{}' has more than 15 digits before the point", text));
    case AmountFlaw::kTooFine:
      return fail(fmt::format("'{}' has more than 9 decimals", text));
    case AmountFlaw::kNone:
      break;
  }
  amount.plain = plain_decimal(text);
  return amount;
}

}  // namespace paystats
