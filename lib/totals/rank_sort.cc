#include "totals/rank_sort.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/threads.h"

namespace paystats::totals {
namespace {

constexpr size_t kRangeForThread = size_t{1} << 16U;  // keys: a smaller range is not shared out
constexpr size_t kBucketsMax = size_t{1} << 17U;      // keys: more are dealt in place
constexpr size_t kBucketsLeast = 64;                  // keys: fewer are sorted by comparison
constexpr unsigned kDigitBits = 8;
constexpr size_t kDigits = size_t{1} << kDigitBits;

// Sorts ranges of keys that wait in a list, by several threads. A large range is dealt into its
// buckets, and the large ones of those are put into the list; one that fits the cache is sorted
// from its last digit to its first one, which takes as long however uneven the keys are.
class KeySorter {
 public:
  KeySorter(std::span<RankKey> keys, unsigned threads) : threads_(threads) {
    waiting_.push_back(keys);
    unfinished_ = 1;
  }

  void run() {
    base::on_threads(threads_, [this](unsigned) { work(); });
  }

 private:
  static constexpr size_t kWideLeast = 2048;      // keys
  static constexpr unsigned kWideDigitBits = 11;  // of so many keys or more
  static constexpr unsigned kPassesBits = 33;     // 3 wide digits, or 4 others

  // What a thread needs to sort a range by digits; 1.5 MB at most.
  struct Spare {
    std::array<uint32_t, 3 << kWideDigitBits> places;
    std::unique_ptr<RankKey[]> keys;
    size_t size = 0;

    void reserve(size_t more) {
      if (more <= size) return;
      keys.reset();  // first, so that there are never both
      keys = std::make_unique_for_overwrite<RankKey[]>(more);
      size = more;
    }
  };

  void work() {
    Spare spare;
    base::MutexLock lock(mutex_);
    for (;;) {
      while (unfinished_ > 0 && waiting_.empty()) changed_.wait(lock);
      if (waiting_.empty()) return;
      const std::span<RankKey> range = waiting_.back();
      waiting_.pop_back();
      lock.unlock();
      sort(range, spare);
      lock.lock();
      if (--unfinished_ == 0) changed_.notify_all();
    }
  }

  void share(std::span<RankKey> range) {
    const base::MutexLock lock(mutex_);
    waiting_.push_back(range);
    ++unfinished_;
    changed_.notify_one();
  }

  void sort(std::span<RankKey> range, Spare& spare) {
    if (range.size() < kBucketsLeast) {
      std::sort(range.begin(), range.end(),
                [](const RankKey& a, const RankKey& b) { return a.leading() < b.leading(); });
      return;
    }
    uint64_t least = UINT64_MAX;
    uint64_t most = 0;
    for (const RankKey& key : range) {
      least = std::min(least, key.leading());
      most = std::max(most, key.leading());
    }
    if (least == most) return;
    const auto bits = static_cast<unsigned>(std::bit_width(most - least));
    if (range.size() <= kBucketsMax) {
      sort_by_digits(range, least, bits, spare);
      return;
    }
    const unsigned shift = bits > kDigitBits ? bits - kDigitBits : 0;
    const auto digit = [least, shift](const RankKey& key) {
      return (key.leading() - least) >> shift;
    };

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
  void sort_by_digits(std::span<RankKey> range, uint64_t least, unsigned bits, Spare& spare) {
    const unsigned width = range.size() < kWideLeast ? kDigitBits : kWideDigitBits;
    const unsigned passes = std::min((bits + width - 1) / width, kPassesBits / width);
    const unsigned shift = bits > passes * width ? bits - passes * width : 0;
    const auto whole = [least, shift](const RankKey& key) {
      return (key.leading() - least) >> shift;
    };
    const uint64_t mask = (uint64_t{1} << width) - 1;

    spare.reserve(range.size());
    std::fill_n(spare.places.begin(), passes << width, 0);
    for (const RankKey& key : range) {
      for (unsigned pass = 0; pass < passes; ++pass) {
        ++spare.places[pass << width | ((whole(key) >> (pass * width)) & mask)];
      }
    }
    RankKey* from = range.data();
    RankKey* to = spare.keys.get();
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

  // Each key into its bucket. The key at the front of a bucket changes places with the first one of
  // the bucket that it belongs to, and so on, until all are in place: no step waits for the one
  // before, as they would if the key that was displaced were placed next.
  template <class Digit>
  static void deal(std::span<RankKey> range, const Digit& digit,
                   std::array<size_t, kDigits>& ends) {
    std::array<size_t, kDigits> next{};
    for (const RankKey& key : range) ++next[digit(key)];
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
  base::Mutex mutex_;
  base::CondVar changed_;
  std::vector<std::span<RankKey>> waiting_ PAYSTATS_GUARDED_BY(mutex_);
  size_t unfinished_ PAYSTATS_GUARDED_BY(mutex_) = 0;  // waiting, or in somebody's hands
};

}  // namespace

void sort_keys(std::span<RankKey> keys, unsigned threads) {
  KeySorter(keys, keys.size() <= kBucketsMax ? 1 : threads).run();  // a range for one thread
}

}  // namespace paystats::totals
