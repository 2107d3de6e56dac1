// What a view must say, worked out the plain way: every user in a vector, sorted in full each time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "record/payment.h"
#include "unit/sanitized.h"
#include "view/view.h"

namespace paystats::view {

inline money::Decimal cents(int64_t cents) {
  return money::Decimal::from_nanos(money::Int128{cents} * 10'000'000);
}

inline record::Stats absolute(std::string_view user, int64_t in_cents, uint64_t count) {
  return {.user = user, .sum = cents(in_cents), .count = count, .at = {}};
}

inline record::Stats partial(std::string_view user, int64_t in_cents, uint64_t count,
                             int32_t partition, int64_t offset) {
  return {.user = user,
          .sum = cents(in_cents),
          .count = count,
          .at = record::SourceOffset{partition, offset}};
}

inline ViewOptions options_for_tests() {
  return {.instance = 0xc0ffee, .hash_seed = 42, .users_max = 10'000'000};
}

struct OracleUser {
  std::string name;
  money::Decimal sum;
  uint64_t count = 0;
  bool held = false;
};

class Oracle {
 public:
  std::vector<OracleUser> users;

  // Those that are held, in the order of ranks_before(), with their ranks.
  std::vector<protocol::RankedStats> sorted() const {
    std::vector<protocol::RankedStats> rows;
    for (const OracleUser& user : users)
      if (user.held) rows.push_back({0, user.name, user.sum, user.count});
    std::sort(rows.begin(), rows.end(),
              [](const protocol::RankedStats& a, const protocol::RankedStats& b) {
                return record::ranks_before(a.sum, a.user, b.sum, b.user);
              });
    for (size_t i = 0; i < rows.size(); ++i) rows[i].rank = i + 1;
    return rows;
  }

  // Of those the ones that begin with `prefix`.
  std::vector<protocol::RankedStats> matching(std::string_view prefix) const {
    std::vector<protocol::RankedStats> rows = sorted();
    std::erase_if(rows,
                  [&](const protocol::RankedStats& row) { return !row.user.starts_with(prefix); });
    return rows;
  }
};

inline bool same(const protocol::RankedStats& a, const protocol::RankedStats& b) {
  return a.rank == b.rank && a.user == b.user && a.sum == b.sum && a.count == b.count;
}

inline std::vector<protocol::RankedStats> slice(const std::vector<protocol::RankedStats>& rows,
                                                uint64_t offset, uint64_t limit) {
  const size_t first = std::min<uint64_t>(offset, rows.size());
  const size_t last = first + std::min<uint64_t>(limit, rows.size() - first);
  return {rows.begin() + static_cast<ptrdiff_t>(first),
          rows.begin() + static_cast<ptrdiff_t>(last)};
}

// Index of the first row that differs, or -1: a million EXPECTs would take longer than the test.
inline int64_t first_difference(const std::vector<protocol::RankedStats>& a,
                                const std::vector<protocol::RankedStats>& b) {
  const size_t common = std::min(a.size(), b.size());
  for (size_t i = 0; i < common; ++i)
    if (!same(a[i], b[i])) return static_cast<int64_t>(i);
  return a.size() == b.size() ? -1 : static_cast<int64_t>(common);
}

// Changes a random user in the view and in the oracle alike: by little (mostly, as payments do), to
// one of a few sums that many share, to anywhere, or by removing it.
inline void change_one(std::mt19937_64& random, Oracle& oracle, View& view) {
  OracleUser& user = oracle.users[random() % oracle.users.size()];
  const uint64_t dice = random() % 100;
  if (dice < 4 && user.held) {
    user.held = false;
    view.remove(user.name);
    return;
  }
  if (!user.held || dice < 20) {
    user.sum = cents(static_cast<int64_t>(random() % 8) * 1000 - 2000);
  } else if (dice < 40) {
    user.sum = cents(static_cast<int64_t>(random() % 20'000'000) - 10'000'000);
  } else {
    (void)user.sum.add(cents(static_cast<int64_t>(random() % 5000)));
  }
  user.held = true;
  ++user.count;
  view.apply(record::Stats{user.name, user.sum, user.count, {}});
}

}  // namespace paystats::view
