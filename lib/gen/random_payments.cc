#include "gen/random_payments.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <utility>

#include "gen/amount_text.h"
#include "gen/digits.h"
#include "record/encoder.h"

namespace paystats::gen {
namespace {

constexpr uint64_t kPowersOfTen[] = {1,       10,        100,        1'000,       10'000,
                                     100'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000};

constexpr std::string_view kBeforeRank = R"({"user":"user)";
constexpr std::string_view kBeforeAmount = R"(","paymentAmt":)";
constexpr std::string_view kBehindAmount = "}\n";
constexpr size_t kTimedEndChars =
    std::string_view(R"(,"time":"")").size() + base::kUtcTextBytes + kBehindAmount.size();
// A rank of 9 digits; a sign, 15 digits, the point and 9 more.
constexpr size_t kLineCharsMax =
    kBeforeRank.size() + 9 + kBeforeAmount.size() + 26 + kTimedEndChars;
// What a store of a whole word may touch behind the text that counts.
constexpr size_t kSlack = 8;

char* put(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

// At least `digits_min` digits.
char* put_number(char* out, uint64_t value, int digits_min) {
  char digits[20];
  char* const end = digits + sizeof digits;
  char* begin = end;
  do {
    *--begin = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value > 0);
  while (end - begin < digits_min) *--begin = '0';
  return put(out, {begin, static_cast<size_t>(end - begin)});
}

char* put_rank(char* out, uint32_t rank) {
  const uint32_t number = rank + 1;
  if (number >= EightDigits::kEnd) return put_number(out, number, 1);
  const EightDigits digits(number);
  return put_digits(out, digits, digits.leading_zeros());
}

template <class Signed>
char* put_amount(char* out, Signed units, int decimals) {
  using Unsigned = std::conditional_t<sizeof(Signed) == 8, uint64_t, money::Uint128>;
  auto magnitude = static_cast<Unsigned>(units);
  if (units < 0) {
    *out++ = '-';
    magnitude = 0 - magnitude;
  }
  if (decimals == 0) return put_number(out, static_cast<uint64_t>(magnitude), 1);
  const uint64_t one = kPowersOfTen[decimals];
  out = put_number(out, static_cast<uint64_t>(magnitude / one), 1);
  *out++ = '.';
  return put_number(out, static_cast<uint64_t>(magnitude % one), decimals);
}

// The same text for the usual amount, of few digits.
char* put_narrow(char* out, int64_t units, unsigned decimals) {
  const uint64_t magnitude =
      units < 0 ? 0 - static_cast<uint64_t>(units) : static_cast<uint64_t>(units);
  if (magnitude >= EightDigits::kEnd || decimals >= EightDigits::kDigits) {
    return put_amount(out, units, static_cast<int>(decimals));
  }
  *out = '-';
  out += units < 0 ? 1 : 0;
  const EightDigits digits(static_cast<uint32_t>(magnitude));
  // At least one digit before the point.
  const unsigned whole_end = EightDigits::kDigits - decimals;
  const unsigned skip = std::min(digits.leading_zeros(), whole_end - 1);
  char* const end = put_digits(out, digits, skip);
  if (decimals == 0) return end;
  out += whole_end - skip;
  *out++ = '.';
  return put_digits(out, digits, whole_end);
}

}  // namespace

base::Result<AmountRange> AmountRange::parse(std::string_view text) {
  const size_t colon = text.find(':');
  const std::string_view low_text = text.substr(0, colon);
  const std::string_view high_text =
      colon == std::string_view::npos ? low_text : text.substr(colon + 1);
  base::Result<GivenAmount> low = GivenAmount::parse(low_text);
  if (!low) return base::fail(low.error());
  base::Result<GivenAmount> high = GivenAmount::parse(high_text);
  if (!high) return base::fail(high.error());
  if (low->value > high->value) {
    return base::fail(
        fmt::format("the lower bound {} is more than the upper bound {}", low_text, high_text));
  }
  AmountRange range;
  range.decimals = std::max(low->decimals(), high->decimals());
  const money::Int128 unit = kPowersOfTen[money::Decimal::kFractionDigits - range.decimals];
  range.low = low->value.nanos() / unit;
  range.high = high->value.nanos() / unit;
  return range;
}

base::Result<uint32_t> parse_skew(std::string_view text) {
  constexpr money::Int128 kNanosPerThousandth = 1'000'000;
  money::Decimal skew;
  if (money::parse_amount(text, skew) != money::AmountFlaw::kNone || skew.nanos() < 0 ||
      skew.nanos() > kSkewThousandthsMax * kNanosPerThousandth ||
      skew.nanos() % kNanosPerThousandth != 0) {
    return base::fail("not a number from 0 to 10 with at most three decimals");
  }
  return static_cast<uint32_t>(skew.nanos() / kNanosPerThousandth);
}

RandomDraws::RandomDraws(const RandomSpec& spec, std::shared_ptr<const ZipfTable> users)
    : users_(std::move(users)), generator_(spec.seed), amount_(spec.amount) {
  // Half the range of int64_t on either side: the sum of a bound and a step cannot overflow.
  constexpr money::Int128 kNarrow = money::Int128{1} << 62;
  assert(amount_.low <= amount_.high);
  wide_ = amount_.low <= -kNarrow || amount_.high >= kNarrow;
  if (wide_) return;
  low_ = static_cast<int64_t>(amount_.low);
  steps_ = static_cast<uint64_t>(amount_.high - amount_.low) + 1;
}

money::Int128 RandomDraws::next_wide() {
  const auto steps = static_cast<money::Uint128>(amount_.high - amount_.low) + 1;
  if (steps >> 64 == 0) {
    return amount_.low +
           static_cast<money::Int128>(scale_to(generator_.next(), static_cast<uint64_t>(steps)));
  }
  const auto high_word = static_cast<money::Uint128>(generator_.next()) << 64;
  return amount_.low + static_cast<money::Int128>((high_word | generator_.next()) % steps);
}

void RandomDraws::next(std::span<Draw> draws) {
  assert(!wide_ && draws.size() <= kDrawsMax);
  std::array<ZipfTable::Place, kDrawsMax> places;
  // By itself, so that its four words stay in registers.
  Xoshiro256 generator = generator_;
  for (size_t i = 0; i < draws.size(); ++i) {
    places[i] = users_->place(generator.next());
    users_->prefetch(places[i]);
    draws[i].units = low_ + static_cast<int64_t>(scale_to(generator.next(), steps_));
  }
  generator_ = generator;
  for (size_t i = 0; i < draws.size(); ++i) draws[i].rank = users_->rank(places[i]);
}

RandomPayments::RandomPayments(const RandomSpec& spec)
    : users_(std::make_shared<ZipfTable>(spec.users, spec.skew_thousandths)),
      draws_(spec, users_),
      decimals_(spec.amount.decimals),
      buffer_(kPaymentsMax * kLineCharsMax + kSlack) {}

std::string_view RandomPayments::make(uint64_t payments, const std::optional<base::UtcText>& time) {
  assert(payments <= kPaymentsMax);
  const auto put_lines = [&](auto put_end) {
    return draws_.wide() ? put_wide(payments, put_end) : put_narrow(payments, put_end);
  };
  char* end = nullptr;
  if (time) {
    std::string text;
    record::append_payment_end(text, time->view());
    std::array<char, kTimedEndChars> chars;
    assert(text.size() == chars.size());
    std::copy(text.begin(), text.end(), chars.begin());
    end = put_lines([&chars](char* out) { return put(out, {chars.data(), chars.size()}); });
  } else {
    end = put_lines([](char* out) { return put(out, kBehindAmount); });
  }
  return {buffer_.data(), static_cast<size_t>(end - buffer_.data())};
}

template <class PutEnd>
char* RandomPayments::put_narrow(uint64_t payments, PutEnd put_end) {
  char* out = buffer_.data();
  const auto decimals = static_cast<unsigned>(decimals_);
  std::array<RandomDraws::Draw, RandomDraws::kDrawsMax> draws;
  if (keep_draws_) kept_.resize(payments);
  for (size_t done = 0; done < payments;) {
    const size_t count = std::min<size_t>(payments - done, draws.size());
    const std::span<RandomDraws::Draw> some =
        keep_draws_ ? std::span(kept_).subspan(done, count) : std::span(draws).first(count);
    draws_.next(some);
    done += count;
    for (const RandomDraws::Draw& draw : some) {
      out = put(out, kBeforeRank);
      out = put_rank(out, draw.rank);
      out = put(out, kBeforeAmount);
      out = gen::put_narrow(out, draw.units, decimals);
      out = put_end(out);
    }
  }
  return out;
}

template <class PutEnd>
char* RandomPayments::put_wide(uint64_t payments, PutEnd put_end) {
  char* out = buffer_.data();
  for (; payments > 0; --payments) {
    out = put(out, kBeforeRank);
    out = put_rank(out, draws_.next_rank());
    out = put(out, kBeforeAmount);
    out = put_amount(out, draws_.next_wide(), decimals_);
    out = put_end(out);
  }
  return out;
}

RandomTotals::RandomTotals(const RandomSpec& spec, std::shared_ptr<const ZipfTable> users)
    : draws_(spec, std::move(users)),
      nanos_per_unit_(kPowersOfTen[money::Decimal::kFractionDigits - spec.amount.decimals]),
      totals_(spec.users) {}

// It would take 10^14 of the largest amounts to overflow, more than can be made.
void RandomTotals::add(uint32_t rank, money::Int128 units) {
  Total& total = totals_[rank];
  total.units += units;
  ++total.count;
}

void RandomTotals::advance(uint64_t payments) {
  std::array<RandomDraws::Draw, RandomDraws::kDrawsMax> draws;
  for (; draws_.wide() && payments > 0; --payments) {
    const uint32_t rank = draws_.next_rank();
    add(rank, draws_.next_wide());
  }
  while (payments > 0) {
    const auto some = std::span(draws).first(std::min<uint64_t>(payments, draws.size()));
    draws_.next(some);
    add(some);
    payments -= some.size();
  }
}

void RandomTotals::add(std::span<const RandomDraws::Draw> draws) {
  constexpr size_t kAhead = 16;
  for (size_t i = 0; i < draws.size(); ++i) {
    if (i + kAhead < draws.size()) __builtin_prefetch(&totals_[draws[i + kAhead].rank]);
    add(draws[i].rank, draws[i].units);
  }
}

std::vector<record::Stats> RandomTotals::stats(std::vector<std::string>& names) const {
  names.clear();
  names.reserve(totals_.size());  // so that none moves
  std::vector<record::Stats> stats;
  for (size_t rank = 0; rank < totals_.size(); ++rank) {
    const Total& total = totals_[rank];
    if (total.count == 0) continue;
    names.push_back(fmt::format("user{}", rank + 1));
    stats.push_back({.user = names.back(),
                     .sum = money::Decimal::from_nanos(total.units * nanos_per_unit_),
                     .count = total.count,
                     .at = {}});
  }
  return stats;
}

}  // namespace paystats::gen
