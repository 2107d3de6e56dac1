// A seeded random workload: which user pays what, and the lines of it, the same bytes for a seed on
// every machine.
//
//   RandomPayments payments(spec);
//   Result<void> plain = sink.commit_lines(payments.make(4096));
//   Result<void> timed = sink.commit_lines(payments.make(4096, UtcText(time)));
//
// A line is {"user":"user17","paymentAmt":12.34}, with ,"time":"2026-11-29T07:52:22.123Z" at its
// end where a time is given. Users are user1, user2, ... by rank: user1 pays most often (see
// zipf.h). Amounts are uniform over LO..HI in steps of the finer of the two. A payment takes two
// random numbers: the first chooses the user, the second the amount (the second and third, where HI
// - LO has 2^64 steps or more).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/utc_text.h"
#include "gen/random.h"
#include "gen/zipf.h"
#include "money/decimal.h"
#include "record/payment.h"

namespace paystats::gen {

// LO:HI in units of 10^-decimals.
struct AmountRange {
  money::Int128 low = 1;
  money::Int128 high = 10'000;
  int decimals = 2;

  // "0.01:100.00", or one amount. As many decimals as the finer bound was given with.
  static base::Result<AmountRange> parse(std::string_view text);
};

struct RandomSpec {
  uint32_t users = 1000;
  uint32_t skew_thousandths = 1000;
  AmountRange amount;
  uint64_t seed = 1;
};

// Parses "1.2", at most three decimals, 0 to 10, into thousandths.
base::Result<uint32_t> parse_skew(std::string_view text);

// The random choices alone, without the text. Two made of one spec walk the same way, so totals can
// be counted behind the thread that writes.
class RandomDraws {
 public:
  // `users` is shared, for it may be large.
  RandomDraws(const RandomSpec& spec, std::shared_ptr<const ZipfTable> users);

  uint32_t next_rank() { return users_->rank(generator_.next()); }
  // In units of the range. The first is for a range in which wide() is false.
  int64_t next_narrow() { return low_ + static_cast<int64_t>(scale_to(generator_.next(), steps_)); }
  money::Int128 next_wide();

  // Some amount of the range does not fit next_narrow().
  bool wide() const { return wide_; }

  // The same for many payments at once, of which none waits for the table of users: what each needs
  // of it is asked for ahead of use. REQUIRES: not wide().
  struct Draw {
    uint32_t rank = 0;
    int64_t units = 0;
  };
  static constexpr size_t kDrawsMax = 128;
  void next(std::span<Draw> draws);  // REQUIRES: at most kDrawsMax

 private:
  std::shared_ptr<const ZipfTable> users_;
  Xoshiro256 generator_;
  AmountRange amount_;
  bool wide_;
  int64_t low_ = 0;     // where not wide
  uint64_t steps_ = 0;  // where not wide: how many amounts there are
};

class RandomPayments {
 public:
  static constexpr uint64_t kPaymentsMax = 1 << 16;  // of one make()

  explicit RandomPayments(const RandomSpec& spec);

  // The next lines, which live until the next call. REQUIRES: payments <= kPaymentsMax.
  std::string_view make(uint64_t payments, const std::optional<base::UtcText>& time = {});

  const std::shared_ptr<const ZipfTable>& users() const { return users_; }

  // From now on draws() has what the last make() made, so that counting need not draw it again.
  // False: the amounts are wide, and it has nothing.
  bool keep_draws() { return keep_draws_ = !draws_.wide(); }
  std::span<const RandomDraws::Draw> draws() const { return kept_; }

 private:
  // Write into the buffer and return the end of what they wrote.
  template <class PutEnd>
  char* put_narrow(uint64_t payments, PutEnd put_end);
  template <class PutEnd>
  char* put_wide(uint64_t payments, PutEnd put_end);

  std::shared_ptr<const ZipfTable> users_;
  RandomDraws draws_;
  const int decimals_;
  bool keep_draws_ = false;
  std::vector<RandomDraws::Draw> kept_;
  std::vector<char> buffer_;
};

// What the first payments of a workload come to, per user.
class RandomTotals {
 public:
  RandomTotals(const RandomSpec& spec, std::shared_ptr<const ZipfTable> users);

  // The next `payments` of the workload count as well.
  void advance(uint64_t payments);
  // The same for a caller that has their draws: one uses either of the two, and not both.
  void add(std::span<const RandomDraws::Draw> draws);

  // The totals of all users that have paid, in no order. The users' names live in `names`.
  std::vector<record::Stats> stats(std::vector<std::string>& names) const;

 private:
  struct Total {
    money::Int128 units = 0;
    uint64_t count = 0;
  };
  void add(uint32_t rank, money::Int128 units);

  RandomDraws draws_;
  const money::Int128 nanos_per_unit_;
  std::vector<Total> totals_;  // by rank
};

}  // namespace paystats::gen
