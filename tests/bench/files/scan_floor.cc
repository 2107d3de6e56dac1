// The yardstick for payagg on one core: the same bytes, read, scanned and added with everything
// left out that makes it a program to rely on. It takes each line to be exactly
//
//   {"user":"NAME","paymentAmt":N.NN}      a name of 1 to 16 bytes, an amount of 4 to 7
//
// and looks at nothing that need not be looked at to add it: no grammar, no UTF-8, no overflow, no
// further fields, sums in 64 bits, names that lie in their slots, nothing sorted or written but a
// checksum. The totals are exact all the same: names are compared, not their hashes. What payagg
// costs more than this is the price of being right.
//
//   scan_floor FILE       prints users, payments and the sum in cents
//
// Structure: blocks of 256 KB by read(2) into one buffer; the end of a name by one vector compare;
// an amount by one word; payments gathered in strips of 64, whose slots are fetched while the strip
// is filled, then added. Little-endian, compiled for the machine at hand.
#include <fcntl.h>
#include <hwy/highway.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

namespace paystats::bench {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kBlockBytes = 256 << 10;
constexpr size_t kPadding = 128;  // what a scan may read beyond the last line
constexpr size_t kStrip = 64;
constexpr size_t kBeforeName = sizeof("{\"user\":\"") - 1;
constexpr size_t kBetween = sizeof("\",\"paymentAmt\":") - 1;

uint64_t load(const char* p) {
  uint64_t word = 0;
  std::memcpy(&word, p, 8);
  return word;
}

uint64_t mix(uint64_t a, uint64_t b) {
  __extension__ typedef unsigned __int128 Wide;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64U);
}

// A name, filled up with zeros.
struct Name {
  uint64_t first = 0;
  uint64_t second = 0;

  Name() = default;
  Name(const char* name, size_t size) {
    const uint64_t used = ~uint64_t{0} >> (8 * (~(size - 1) & 7U));  // of the last word
    first = load(name) & (size > 8 ? ~uint64_t{0} : used);
    second = size > 8 ? load(name + 8) & used : 0;
  }
  bool operator==(const Name&) const = default;
  uint64_t hash() const {
    return mix(first ^ 0xA0761D6478BD642F, second ^ 0xE7037ED1A0B428DB) * 0x9E3779B97F4A7C15;
  }
};

size_t name_size(const char* name) {
  const hn::CappedTag<uint8_t, 32> bytes;
  size_t at = 0;
  for (;; at += hn::Lanes(bytes)) {
    const auto loaded = hn::LoadU(bytes, reinterpret_cast<const uint8_t*>(name + at));
    const intptr_t quote = hn::FindFirstTrue(bytes, hn::Eq(loaded, hn::Set(bytes, '"')));
    if (quote >= 0) return at + static_cast<size_t>(quote);
  }
}

// "52.05}" as 5205: the bytes before the brace move to the top of the word, the point goes, and six
// digits are joined by multiplications. Moves `p` to the next line.
uint64_t cents_at(const char*& p) {
  const uint64_t word = load(p) ^ 0x3030303030303030;
  const uint64_t brace = word ^ (0x0101010101010101 * ('}' ^ '0'));
  const auto bits = static_cast<unsigned>(std::countr_zero((brace - 0x0101010101010101) & ~brace &
                                                           0x8080808080808080)) &
                    ~7U;
  p += bits / 8 + 2;
  uint64_t digits = word << (64 - bits);
  digits = (digits & 0xFFFF000000000000) | ((digits << 8U) & 0x0000FFFFFFFFFF00);
  digits = (digits * 10 + (digits >> 8U)) & 0x00FF00FF00FF00FF;
  digits = (digits * 100 + (digits >> 16U)) & 0x0000FFFF0000FFFF;
  return (digits * 10000 + (digits >> 32U)) & 0xFFFFFFFF;
}

struct Slot {
  Name name;
  uint64_t cents = 0;
  uint64_t count = 0;
};

class Table {
 public:
  void fetch(const Name& name) const { __builtin_prefetch(&slots_[name.hash() >> shift_]); }
  void add(const Name& name, uint64_t cents) {
    Slot& slot = find(name);
    if (slot.count++ == 0) {
      slot.name = name;
      ++users_;
    }
    slot.cents += cents;
  }
  void make_room() {
    if (users_ + kStrip < slots_.size() / 2) return;
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    --shift_;
    for (const Slot& slot : old) {
      if (slot.count != 0) find(slot.name) = slot;
    }
  }
  void print() const {
    uint64_t cents = 0;
    uint64_t count = 0;
    for (const Slot& slot : slots_) {
      cents += slot.cents;
      count += slot.count;
    }
    std::printf("%zu users, %llu payments, %llu cents\n", users_,
                static_cast<unsigned long long>(count), static_cast<unsigned long long>(cents));
  }

 private:
  Slot& find(const Name& name) {
    size_t at = name.hash() >> shift_;
    while (slots_[at].count != 0 && slots_[at].name != name) at = (at + 1) & (slots_.size() - 1);
    return slots_[at];
  }

  size_t users_ = 0;
  unsigned shift_ = 48;
  std::vector<Slot> slots_ = std::vector<Slot>(size_t{1} << 16U);
};

void add_lines(const char* p, const char* end, Table& table) {
  std::array<Name, kStrip> names;
  std::array<uint64_t, kStrip> cents;
  while (p < end) {
    size_t n = 0;
    for (; n < kStrip && p < end; ++n) {
      p += kBeforeName;
      const size_t size = name_size(p);
      names[n] = Name(p, size);
      table.fetch(names[n]);
      p += size + kBetween;
      cents[n] = cents_at(p);
    }
    for (size_t i = 0; i < n; ++i) table.add(names[i], cents[i]);
    table.make_room();
  }
}

}  // namespace
}  // namespace paystats::bench

int main(int argc, char** argv) {
  using namespace paystats::bench;
  const int fd = argc == 2 ? ::open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) {
    std::fprintf(stderr, "usage: scan_floor FILE\n");
    return 2;
  }
  const auto buffer = std::make_unique<char[]>(kBlockBytes + kPadding);
  Table table;
  size_t held = 0;
  for (;;) {
    const ssize_t got = ::read(fd, buffer.get() + held, kBlockBytes - held);
    if (got <= 0) break;
    held += static_cast<size_t>(got);
    const auto* last = static_cast<const char*>(::memrchr(buffer.get(), '\n', held));
    if (last == nullptr) break;
    const auto whole = static_cast<size_t>(last + 1 - buffer.get());
    add_lines(buffer.get(), last + 1, table);
    std::memmove(buffer.get(), last + 1, held - whole);
    held -= whole;
  }
  table.print();
  return 0;
}
