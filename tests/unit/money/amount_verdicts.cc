// What this implementation makes of amounts, for an oracle to judge: reads texts, one a line, and
// writes for each
//
//   AMOUNT NANOS SUM NANOS FORMATTED PLAIN
//
// where AMOUNT and SUM are "ok", "not-a-number", "too-large" or "too-fine", and "-" stands for what
// there is none of.
#include <iostream>
#include <string>

#include "money/decimal.h"

namespace paystats::money {
namespace {

const char* name_of(AmountFlaw flaw) {
  switch (flaw) {
    case AmountFlaw::kNone:
      return "ok";
    case AmountFlaw::kNotANumber:
      return "not-a-number";
    case AmountFlaw::kTooLarge:
      return "too-large";
    case AmountFlaw::kTooFine:
      return "too-fine";
  }
  return "?";
}

std::string nanos_of(AmountFlaw flaw, Decimal value) {
  if (flaw != AmountFlaw::kNone) return "-";
  Int128 rest = value.nanos();
  std::string digits;
  do {
    const auto digit = static_cast<int>(rest % 10);
    digits.insert(digits.begin(), static_cast<char>('0' + (digit < 0 ? -digit : digit)));
    rest /= 10;
  } while (rest != 0);
  return value < Decimal() ? "-" + digits : digits;
}

void write_verdict(const std::string& text, std::string& out) {
  Decimal amount;
  Decimal sum;
  const AmountFlaw amount_flaw = parse_amount(text, amount);
  const AmountFlaw sum_flaw = parse_sum(text, sum);
  out += name_of(amount_flaw);
  out += ' ' + nanos_of(amount_flaw, amount) + ' ' + name_of(sum_flaw);
  out += ' ' + nanos_of(sum_flaw, sum);
  out += ' ' + (sum_flaw == AmountFlaw::kNone ? to_string(sum) : "-");
  out += ' ' + (amount_flaw == AmountFlaw::kNone ? plain_decimal(text) : "-") + '\n';
}

}  // namespace
}  // namespace paystats::money

int main() {
  std::ios::sync_with_stdio(false);
  std::string line;
  std::string out;
  while (std::getline(std::cin, line)) {
    out.clear();
    paystats::money::write_verdict(line, out);
    std::cout << out;
  }
  std::cout.flush();
  return std::cout ? 0 : 2;
}
