#include "agg/rank.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <numeric>
#include <string_view>
#include <utility>

#include "base/threads.h"
#include "record/scan.h"

namespace paystats {
namespace {

constexpr size_t kRangeForThread = size_t{1} << 16U;  // keys: a smaller range is not shared out
constexpr size_t kBucketsMost = size_t{1} << 17U;     // keys: more are dealt in place
constexpr size_t kBucketsLeast = 64;                  // keys: fewer are sorted by comparison
constexpr unsigned kDigitBits = 8;
constexpr size_t kDigits = size_t{1} << kDigitBits;
// In a large table each user is a miss of the cache, or two: they are asked for ahead of use.
constexpr uint32_t kEntriesAhead = 32;
constexpr uint32_t kNamesAhead = 16;
constexpr size_t kRunMost = size_t{1} << 17U;  // equal keys: more are sorted by name beforehand

unsigned bits_of(Uint128 magnitude) {
  const auto high = static_cast<uint64_t>(magnitude >> 64U);
  const auto low = static_cast<uint64_t>(magnitude);
  if (high != 0) return 128U - static_cast<unsigned>(__builtin_clzll(high));
  return low == 0 ? 0 : 64U - static_cast<unsigned>(__builtin_clzll(low));
}

// Eight bytes of a name from `at` on, as a number: the order of numbers is that of bytes. Zeros
// where the name has ended.
uint64_t bytes_at(std::string_view name, size_t at) {
  const char* const end = name.data() + name.size();
  return __builtin_bswap64(scan::load_eight(name.data() + std::min(at, name.size()), end));
}

// How many bytes two names have in common at their beginning, `most` at most.
size_t common_bytes(std::string_view a, std::string_view b, size_t most) {
  most = std::min({most, a.size(), b.size()});
  if (std::memcmp(a.data(), b.data(), most) == 0) return most;
  size_t n = 0;
  while (a[n] == b[n]) ++n;
  return n;
}

// Sums are mostly of whole cents, which are smaller numbers.
constexpr uint64_t kCentNanos = 10'000'000;
constexpr auto kCentNanosSigned = static_cast<int64_t>(kCentNanos);

// What all keys have to make room for.
struct Spread {
  Int128 least = static_cast<Int128>(~Uint128{0} >> 1U);
  Int128 most = -least - 1;
  bool whole_cents = true;  // all sums fit 64 bits and are
  size_t prefix = kUserBytesMax;

  void add(const Spread& other) {
    least = std::min(least, other.least);
    most = std::max(most, other.most);
    whole_cents = whole_cents && other.whole_cents;
    prefix = std::min(prefix, other.prefix);
  }
};

}  // namespace

// Sorts ranges of keys that wait in a list, by several threads. A large range is dealt into its
// buckets, and the large ones of those are put into the list; one that fits the cache is sorted
// from its last digit to its first one, which takes as long however uneven the keys are.
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
  static constexpr size_t kWideLeast = 2048;      // keys
  static constexpr unsigned kWideDigitBits = 11;  // of so many keys or more
  static constexpr unsigned kPassesBits = 33;     // 3 wide digits, or 4 others

  // What a thread needs to sort a range by digits; 1.5 MB at most.
  struct Spare {
    std::array<uint32_t, 3 << kWideDigitBits> places;
    std::unique_ptr<Key[]> keys;
    size_t size = 0;

    void reserve(size_t more) {
      if (more <= size) return;
      keys = std::make_unique_for_overwrite<Key[]>(more);
      size = more;
    }
  };

  void work() {
    Spare spare;
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return unfinished_ == 0 || !waiting_.empty(); });
      if (waiting_.empty()) return;
      const std::span<Key> range = waiting_.back();
      waiting_.pop_back();
      lock.unlock();
      sort(range, spare);
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

  void sort(std::span<Key> range, Spare& spare) {
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
    if (range.size() <= kBucketsMost) {
      sort_by_digits(range, least, bits, spare);
      return;
    }
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
        sort(bucket, spare);
      }
    }
  }

  // From the last digit to the first one of those that part most keys; what they do not part is
  // sorted by what is left.
  void sort_by_digits(std::span<Key> range, uint64_t least, unsigned bits, Spare& spare) {
    const unsigned width = range.size() < kWideLeast ? kDigitBits : kWideDigitBits;
    const unsigned passes = std::min((bits + width - 1) / width, kPassesBits / width);
    const unsigned shift = bits > passes * width ? bits - passes * width : 0;
    const auto whole = [least, shift](const Key& key) { return (key.leading() - least) >> shift; };
    const uint64_t mask = (uint64_t{1} << width) - 1;

    spare.reserve(range.size());
    std::fill_n(spare.places.begin(), passes << width, 0);
    for (const Key& key : range) {
      for (unsigned pass = 0; pass < passes; ++pass) {
        ++spare.places[pass << width | ((whole(key) >> (pass * width)) & mask)];
      }
    }
    Key* from = range.data();
    Key* to = spare.keys.get();
    for (unsigned pass = 0; pass < passes; ++pass) {
      uint32_t* const places = &spare.places[pass << width];
      std::exclusive_scan(places, places + mask + 1, places, uint32_t{0});
      for (size_t i = 0; i < range.size(); ++i) {
        to[places[(whole(from[i]) >> (pass * width)) & mask]++] = from[i];
      }
      std::swap(from, to);
    }
    if (from != range.data()) std::copy_n(from, range.size(), range.data());
    if (shift == 0) return;
    for (size_t begin = 0; begin < range.size();) {
      size_t end = begin + 1;
      while (end < range.size() && whole(range[end]) == whole(range[begin])) ++end;
      if (end - begin > 1) sort(range.subspan(begin, end - begin), spare);
      begin = end;
    }
  }

  // Each key into its bucket. Whoever stands in the front of a bucket changes places with the first
  // one of where he belongs, and so on, until all are at home: no step waits for the one before, as
  // they would if the one who was driven away were led home next.
  template <class Digit>
  static void deal(std::span<Key> range, const Digit& digit, std::array<size_t, kDigits>& ends) {
    std::array<size_t, kDigits> next{};
    for (const Key& key : range) ++next[digit(key)];
    std::array<size_t, kDigits> open{};  // buckets that may hold strangers
    size_t opens = 0;
    size_t place = 0;
    for (size_t d = 0; d < kDigits; ++d) {
      if (next[d] > 0) open[opens++] = d;
      place += std::exchange(next[d], place);
      ends[d] = place;
    }
    while (opens > 1) {
      size_t still = 0;
      for (size_t i = 0; i < opens; ++i) {
        const size_t d = open[i];
        for (size_t at = next[d]; at < ends[d]; ++at) {
          std::swap(range[at], range[next[digit(range[at])]++]);
        }
        if (next[d] < ends[d]) open[still++] = d;
      }
      opens = still;
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
  Sorter(all_keys(), threads).run();
  sort_equals_by_name(threads);
}

void Ranking::make_keys(unsigned threads) {
  if (keys_.size() == 0) return;
  const auto begin_of = [this, threads](unsigned part) {
    return static_cast<uint32_t>(keys_.size() * part / threads);
  };
  // Where tables were joined, long names are in no order.
  const auto fetch_name = [this](uint32_t i) {
    if (i + kNamesAhead < keys_.size()) totals_.prefetch_name(i + kNamesAhead);
  };
  std::vector<Spread> seen(threads);
  on_threads(threads, [&](unsigned part) {
    const std::string_view first = totals_.user(0);
    Spread spread;
    for (uint32_t i = begin_of(part); i < begin_of(part + 1); ++i) {
      fetch_name(i);
      const Int128 nanos = totals_.sum(i).nanos();
      const auto small = static_cast<int64_t>(nanos);
      spread.least = std::min(spread.least, nanos);
      spread.most = std::max(spread.most, nanos);
      // A division of 128 bits takes ten times as long, and few sums need it.
      spread.whole_cents = spread.whole_cents && (small == nanos ? small % kCentNanosSigned == 0
                                                                 : nanos % kCentNanosSigned == 0);
      spread.prefix = common_bytes(first, totals_.user(i), spread.prefix);
    }
    seen[part] = spread;
  });
  Spread all;
  for (const Spread& spread : seen) all.add(spread);

  const Uint128 range = static_cast<Uint128>(all.most) - static_cast<Uint128>(all.least);
  const unsigned bits = bits_of(all.whole_cents ? range / kCentNanos : range);
  const unsigned shift = bits > 64 ? bits - 64 : 0;
  const unsigned name_bits = bits > 64 ? 0 : 64 - bits;
  keys_are_sums_ = shift == 0;
  prefix_ = all.prefix;
  names_at_ = prefix_ + name_bits / 8;
  on_threads(threads, [&](unsigned part) {
    for (uint32_t i = begin_of(part); i < begin_of(part + 1); ++i) {
      fetch_name(i);
      const Uint128 below =
          static_cast<Uint128>(all.most) - static_cast<Uint128>(totals_.sum(i).nanos());
      const auto small = static_cast<uint64_t>(below);
      const Uint128 units = !all.whole_cents ? below
                            : small == below ? small / kCentNanos
                                             : below / kCentNanos;
      const auto sum = static_cast<uint64_t>(units >> shift);
      uint64_t key = sum;
      if (name_bits > 0) {
        const uint64_t name = bytes_at(totals_.user(i), prefix_) >> (64 - name_bits);
        key = name_bits == 64 ? name : sum << name_bits | name;
      }
      keys_[i].set(key, i);
    }
  });
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
  find_large(0, keys_.size(), names_at_);
  while (!large.empty()) {
    const Range range = large.back();
    large.pop_back();
    if (range.name_at >= kUserBytesMax) continue;
    const std::span<Key> keys = all_keys().subspan(range.begin, range.end - range.begin);
    on_threads(threads, [&](unsigned part) {
      const size_t end = keys.size() * (part + 1) / threads;
      for (size_t i = keys.size() * part / threads; i < end; ++i) {
        prefetch(range.begin + i, range.begin + end);
        keys[i].set(bytes_at(totals_.user(keys[i].index), range.name_at), keys[i].index);
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
    named.push_back({bytes_at(totals_.user(index), prefix_), index});
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
