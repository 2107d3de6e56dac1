#include "agg/rank.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/threads.h"

namespace paystats {
namespace {

constexpr size_t kRangeForThread = size_t{1} << 16U;  // keys: a smaller range is not shared out
constexpr size_t kBucketsLeast = 256;                 // keys: fewer are sorted by comparison
constexpr unsigned kDigitBits = 8;
constexpr size_t kDigits = size_t{1} << kDigitBits;
constexpr size_t kRunMost = size_t{1} << 17U;  // equal keys: more are sorted by name beforehand

unsigned bits_of(Uint128 magnitude) {
  const auto high = static_cast<uint64_t>(magnitude >> 64U);
  const auto low = static_cast<uint64_t>(magnitude);
  if (high != 0) return 128U - static_cast<unsigned>(__builtin_clzll(high));
  return low == 0 ? 0 : 64U - static_cast<unsigned>(__builtin_clzll(low));
}

// Eight bytes of a name from `at` on, as a number: the order of numbers is that of bytes.
uint64_t bytes_at(std::string_view name, size_t at) {
  uint64_t value = 0;
  for (size_t i = at; i < at + sizeof value; ++i) {
    value = value << 8U | (i < name.size() ? static_cast<unsigned char>(name[i]) : 0U);
  }
  return value;
}

}  // namespace

// Sorts ranges of keys that wait in a list, by several threads. A large range is dealt into its
// buckets, and the large ones of those are put into the list.
class Ranking::Sorter {
 public:
  Sorter(std::span<Key> keys, unsigned threads) : threads_(threads) {
    waiting_.push_back(keys);
    unfinished_ = 1;
  }

  void run() {
    on_threads(threads_, [this](unsigned) { work(); });
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return unfinished_ == 0 || !waiting_.empty(); });
      if (waiting_.empty()) return;
      const std::span<Key> range = waiting_.back();
      waiting_.pop_back();
      lock.unlock();
      sort(range);
      lock.lock();
      if (--unfinished_ == 0) changed_.notify_all();
    }
  }

  void share(std::span<Key> range) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(range);
    ++unfinished_;
    changed_.notify_one();
  }

  void sort(std::span<Key> range) {
    if (range.size() < kBucketsLeast) {
      std::sort(range.begin(), range.end(),
                [](const Key& a, const Key& b) { return a.leading() < b.leading(); });
      return;
    }
    uint64_t least = UINT64_MAX;
    uint64_t most = 0;
    for (const Key& key : range) {
      least = std::min(least, key.leading());
      most = std::max(most, key.leading());
    }
    if (least == most) return;
    const unsigned bits = bits_of(most - least);
    const unsigned shift = bits > kDigitBits ? bits - kDigitBits : 0;
    const auto digit = [least, shift](const Key& key) { return (key.leading() - least) >> shift; };

    std::array<size_t, kDigits> ends{};
    deal(range, digit, ends);
    if (shift == 0) return;
    size_t begin = 0;
    for (const size_t end : ends) {
      const auto bucket = range.subspan(begin, end - begin);
      begin = end;
      if (bucket.size() < 2) continue;
      if (threads_ > 1 && bucket.size() >= kRangeForThread) {
        share(bucket);
      } else {
        sort(bucket);
      }
    }
  }

  // Each key into its bucket: whoever is in its place goes to his own, and so on, round the circle.
  template <class Digit>
  static void deal(std::span<Key> range, const Digit& digit, std::array<size_t, kDigits>& ends) {
    std::array<size_t, kDigits> next{};
    for (const Key& key : range) ++next[digit(key)];
    size_t place = 0;
    for (size_t d = 0; d < kDigits; ++d) {
      place += std::exchange(next[d], place);
      ends[d] = place;
    }
    for (size_t d = 0; d < kDigits; ++d) {
      while (next[d] < ends[d]) {
        Key key = range[next[d]];
        for (size_t home = digit(key); home != d; home = digit(key)) {
          std::swap(key, range[next[home]++]);
        }
        range[next[d]++] = key;
      }
    }
  }

  const unsigned threads_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<std::span<Key>> waiting_;
  size_t unfinished_ = 0;  // waiting, or in somebody's hands
};

Ranking::Ranking(const Totals& totals, unsigned threads) : totals_(totals), keys_(totals.users()) {
  if (keys_.size() < kRangeForThread) threads = 1;
  make_keys(threads);
  Sorter(keys_, threads).run();
  sort_equals_by_name(threads);
}

void Ranking::make_keys(unsigned threads) {
  const auto begin_of = [this, threads](unsigned part) {
    return static_cast<uint32_t>(keys_.size() * part / threads);
  };
  // All sums are shifted by the same number of bits, so that the longest one fits 63 and a sign.
  std::vector<Uint128> seen(threads);
  on_threads(threads, [&](unsigned part) {
    Uint128 bits = 0;
    for (uint32_t i = begin_of(part); i < begin_of(part + 1); ++i) {
      const Int128 nanos = totals_.sum(i).nanos();
      bits |= static_cast<Uint128>(nanos < 0 ? ~nanos : nanos);
    }
    seen[part] = bits;
  });
  Uint128 all = 0;
  for (const Uint128 bits : seen) all |= bits;
  const unsigned shift = bits_of(all) > 63 ? bits_of(all) - 63 : 0;
  keys_are_sums_ = shift == 0;
  on_threads(threads, [&](unsigned part) {
    for (uint32_t i = begin_of(part); i < begin_of(part + 1); ++i) {
      const auto leading = static_cast<int64_t>(totals_.sum(i).nanos() >> shift);
      const uint64_t key = ~(static_cast<uint64_t>(leading) ^ (uint64_t{1} << 63U));
      keys_[i] = {static_cast<uint32_t>(key >> 32U), static_cast<uint32_t>(key), i};
    }
  });
}

// Users of one and the same sum can be very many (each has paid once, always the same). They are
// sorted as sums are, by eight bytes of the name after the other. What that leaves in the keys is
// good enough to part them: finish() looks at the whole sums and names.
void Ranking::sort_equals_by_name(unsigned threads) {
  if (!keys_are_sums_) return;
  struct Range {
    size_t begin;
    size_t end;
    size_t name_at;
  };
  std::vector<Range> large;
  const auto find_large = [&](size_t begin, size_t end, size_t name_at) {
    while (end - begin > kRunMost) {
      const size_t run_end = std::min(part_begin(begin + 1), end);
      if (run_end - begin > kRunMost) large.push_back({begin, run_end, name_at});
      begin = run_end;
    }
  };
  find_large(0, keys_.size(), 0);
  while (!large.empty()) {
    const Range range = large.back();
    large.pop_back();
    if (range.name_at >= kUserBytesMax) continue;
    const std::span<Key> keys = std::span(keys_).subspan(range.begin, range.end - range.begin);
    on_threads(threads, [&](unsigned part) {
      const size_t end = keys.size() * (part + 1) / threads;
      for (size_t i = keys.size() * part / threads; i < end; ++i) {
        prefetch(range.begin + i, range.begin + end);
        const uint64_t bytes = bytes_at(totals_.user(keys[i].index), range.name_at);
        keys[i].high = static_cast<uint32_t>(bytes >> 32U);
        keys[i].low = static_cast<uint32_t>(bytes);
      }
    });
    Sorter(keys, threads).run();
    find_large(range.begin, range.end, range.name_at + sizeof(uint64_t));
  }
}

size_t Ranking::part_begin(size_t at) const {
  if (at == 0 || at >= keys_.size()) return std::min(at, keys_.size());
  while (at < keys_.size() && keys_[at].leading() == keys_[at - 1].leading()) ++at;
  return at;
}

// Users are a miss of the cache each, or two: they are asked for while others are looked at.
void Ranking::prefetch(size_t place, size_t end) const {
  constexpr size_t kEntriesAhead = 32;
  constexpr size_t kNamesAhead = 16;
  if (place + kEntriesAhead < end) {
    totals_.prefetch_entry(keys_[place + kEntriesAhead].index);
  }
  if (place + kNamesAhead < end) totals_.prefetch_name(keys_[place + kNamesAhead].index);
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
    named.push_back({bytes_at(totals_.user(index), 0), index});
    equal_sums = equal_sums && totals_.sum(index) == totals_.sum(keys_[begin].index);
  }
  std::sort(named.begin(), named.end(), [&](const Named& a, const Named& b) {
    if (equal_sums && a.beginning != b.beginning) return a.beginning < b.beginning;
    return ranks_before(totals_.sum(a.index), totals_.user(a.index), totals_.sum(b.index),
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

}  // namespace paystats
