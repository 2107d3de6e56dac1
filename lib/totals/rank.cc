#include "totals/rank.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/threads.h"
#include "totals/rank_sort.h"

namespace paystats::totals {
namespace {

// In a large table each user is a miss of the cache, or two: they are asked for ahead of use.
constexpr uint32_t kEntriesAhead = 32;
constexpr uint32_t kNamesAhead = 16;
constexpr size_t kUsersForThreads = size_t{1} << 16U;  // fewer are not shared out
constexpr size_t kRunMax = size_t{1} << 17U;  // equal keys: more are sorted by name beforehand

// How many bytes two names have in common at their beginning, `most` at most.
size_t common_bytes(std::string_view a, std::string_view b, size_t most) {
  most = std::min({most, a.size(), b.size()});
  if (std::memcmp(a.data(), b.data(), most) == 0) return most;
  size_t n = 0;
  while (a[n] == b[n]) ++n;
  return n;
}

}  // namespace

Ranking::Ranking(const Totals& totals, unsigned threads) : totals_(totals), keys_(totals.users()) {
  if (keys_.size() < kUsersForThreads) threads = 1;
  make_keys(threads);
  sort_keys(all_keys(), threads);
  sort_equals_by_name(threads);
}

void Ranking::make_keys(unsigned threads) {
  if (keys_.size() == 0) return;
  const auto begin_of = [users = keys_.size(), threads](unsigned part) {
    return static_cast<uint32_t>(users * part / threads);
  };
  std::vector<KeySpread> seen(threads);
  base::on_threads(
      threads, [&](unsigned part) { seen[part] = spread_of(begin_of(part), begin_of(part + 1)); });
  KeySpread all;
  for (const KeySpread& spread : seen) all.add(spread);

  const size_t prefix = all.prefix();
  shape_ = KeyShape(all, prefix == record::UserName::kHeadBytes ? common_prefix() : prefix);
  base::on_threads(threads, [&](unsigned part) { set_keys(begin_of(part), begin_of(part + 1)); });
}

KeySpread Ranking::spread_of(uint32_t begin, uint32_t end) const {
  const record::UserName::Head first = totals_.head(0);
  KeySpread spread;
  for (uint32_t i = begin; i < end; ++i) {
    if (i + kNamesAhead < end) totals_.prefetch_name(i + kNamesAhead);
    spread.add(totals_.sum(i).nanos(), totals_.head(i), first);
  }
  return spread;
}

void Ranking::set_keys(uint32_t begin, uint32_t end) {
  const KeyShape shape = shape_;  // ours: no key overlaps it
  RankKey* const keys = keys_.data();
  for (uint32_t i = begin; i < end; ++i) {
    if (i + kNamesAhead < end) totals_.prefetch_name(i + kNamesAhead);
    const uint64_t name = shape.is_of_heads() ? totals_.head(i).ordered(shape.prefix())
                                              : bytes_at(totals_.user(i), shape.prefix());
    keys[i].set(shape.key(totals_.sum(i).nanos(), name), i);
  }
}

// How many bytes all names begin with.
size_t Ranking::common_prefix() const {
  const std::string_view first = totals_.user(0);
  size_t prefix = first.size();
  for (uint32_t i = 1; i < keys_.size(); ++i) prefix = common_bytes(first, totals_.user(i), prefix);
  return prefix;
}

// Users are a miss of the cache each, or two: they are asked for while others are looked at.
[[gnu::always_inline]] inline void Ranking::prefetch(size_t place, size_t end) const {
  if (place + kEntriesAhead < end) {
    totals_.prefetch_entry(keys_[place + kEntriesAhead].index);
  }
  if (place + kNamesAhead < end) totals_.prefetch_name(keys_[place + kNamesAhead].index);
}

// Users of one and the same sum can be very many (each has paid once, always the same). They are
// sorted as sums are, by eight bytes of the name after the other. What that leaves in the keys is
// good enough to part them: finish() looks at the whole sums and names.
void Ranking::sort_equals_by_name(unsigned threads) {
  if (!shape_.has_whole_sums()) return;
  struct Range {
    size_t begin;
    size_t end;
    size_t name_at;
  };
  std::vector<Range> large;
  const auto find_large = [&](size_t begin, size_t end, size_t name_at) {
    while (end - begin > kRunMax) {
      const size_t run_end = std::min(part_begin(begin + 1), end);
      if (run_end - begin > kRunMax) large.push_back({begin, run_end, name_at});
      begin = run_end;
    }
  };
  find_large(0, keys_.size(), shape_.names_at());
  while (!large.empty()) {
    const Range range = large.back();
    large.pop_back();
    if (range.name_at >= record::kUserBytesMax) continue;
    const std::span<RankKey> keys = all_keys().subspan(range.begin, range.end - range.begin);
    base::on_threads(threads, [&](unsigned part) {
      const size_t end = keys.size() * (part + 1) / threads;
      for (size_t i = keys.size() * part / threads; i < end; ++i) {
        prefetch(range.begin + i, range.begin + end);
        keys[i].set(bytes_at(totals_.user(keys[i].index), range.name_at), keys[i].index);
      }
    });
    sort_keys(keys, threads);
    find_large(range.begin, range.end, range.name_at + sizeof(uint64_t));
  }
}

size_t Ranking::part_begin(size_t at) const {
  if (at == 0 || at >= keys_.size()) return std::min(at, keys_.size());
  while (at < keys_.size() && keys_[at].leading() == keys_[at - 1].leading()) ++at;
  return at;
}

void Ranking::finish(size_t begin, size_t end) {
  std::vector<Named> named;
  while (begin < end) {
    size_t run_end = begin + 1;
    while (run_end < end && keys_[run_end].leading() == keys_[begin].leading()) ++run_end;
    if (run_end - begin > 1) finish_run(begin, run_end, end, named);
    begin = run_end;
  }
}

// Equal keys: by the whole sum, then by name. `end` is that of the part.
void Ranking::finish_run(size_t begin, size_t run_end, size_t end, std::vector<Named>& named) {
  named.clear();
  bool equal_sums = true;
  for (size_t i = begin; i < run_end; ++i) {
    prefetch(i, end);
    const uint32_t index = keys_[i].index;
    named.push_back({bytes_at(totals_.user(index), shape_.prefix()), index});
    equal_sums = equal_sums && totals_.sum(index) == totals_.sum(keys_[begin].index);
  }
  std::sort(named.begin(), named.end(), [&](const Named& a, const Named& b) {
    if (equal_sums && a.beginning != b.beginning) return a.beginning < b.beginning;
    return record::ranks_before(totals_.sum(a.index), totals_.user(a.index), totals_.sum(b.index),
                                totals_.user(b.index));
  });
  for (size_t i = begin; i < run_end; ++i) keys_[i].index = named[i - begin].index;
}

std::vector<uint32_t> ranked(const Totals& totals, unsigned threads) {
  Ranking ranking(totals, threads);
  ranking.finish(0, ranking.size());
  std::vector<uint32_t> order(ranking.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = ranking.user(i);
  return order;
}

}  // namespace paystats::totals
