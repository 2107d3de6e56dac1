// Compiled by tests with different values of VALUE: a Decimal can not be made from a binary
// fraction, by whatever way (WAY). Each way also compiles once with a value that is right, so that
// a failure is for the reason that is meant.
#include "money/decimal.h"

namespace paystats::money {

inline constexpr double kDouble = 1.5;

void make() {
  Decimal value;
#if WAY == 1
  value = Decimal::from_nanos(VALUE);
#elif WAY == 2
  value = Decimal(VALUE);
#elif WAY == 3
  value = Decimal{VALUE};
#elif WAY == 4
  value = VALUE;
#elif WAY == 5
  [[maybe_unused]] const bool added = value.add(VALUE);
#elif WAY == 6
  [[maybe_unused]] const bool equal = value == VALUE;
#elif WAY == 7
  [[maybe_unused]] const AmountFlaw flaw = parse_amount("1", VALUE);
#endif
}

}  // namespace paystats::money
