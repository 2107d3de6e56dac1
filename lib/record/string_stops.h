// Where runs of plain characters in strings end, for a whole stretch of bytes at once: one bit a
// byte, set for a quote, a backslash, a control character, and what is not ASCII unless all that is
// marked is UTF-8 (see utf8_marks.h): then no character need be looked at. The bits are
// found by vectors, in the best instruction set that the machine has (Highway chooses it when the
// program runs); they are asked by the ordinary code that walks along a line, so that the end of a
// name costs one load and one count of zeros, however long the name, and no branch depends on it.
//
//   StringStops stops;
//   stops.mark(block_begin, block_end);      // the first kBytes of the block, or what there is
//   if (stops.covers(p)) p = stops.next(p);                  // where the first one from p on is
//   const char* newline = stops.next_newline(p);             // the end of the line
//
// Where lines end is marked as well: so a line can be read before the one in front of it has been
// understood, and the processor does several at once.
//
// A call into vector code costs some nanoseconds and cannot be inlined, so it is made once for
// kBytes and not once a line. Nothing is read beyond `end`: the last part is copied and padded.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "record/scan.h"

namespace paystats::record {

class StringStops {
 public:
  // Marked at once at most: with the marks it stays in the first-level cache.
  static constexpr size_t kBytes = 8192;

  // Marks what there is from `begin` on, `wanted` bytes of it at most.
  void mark(const char* begin, const char* end, size_t wanted = kBytes);
  void clear() { begin_ = end_ = nullptr; }

  bool covers(const char* p) const { return p >= begin_ && p < end_; }
  const char* begin() const { return begin_; }
  const char* end() const { return end_; }

  // A non-owning view of the marks, valid until the next mark(): a loop keeps it in registers.
  class Marks {
   public:
    // The first stop from `p` on; end() where there is none that has been marked. REQUIRES:
    // covers(p).
    const char* next(const char* p) const { return next_of(stops_, p); }

    // The first newline from `p` on; end() or beyond it where none has been marked. REQUIRES:
    // covers(p), or p == end().
    const char* next_newline(const char* p) const { return next_of(newlines_, p); }

   private:
    friend class StringStops;
    explicit Marks(const StringStops& all)
        : begin_(all.begin_), stops_(all.stops_.data()), newlines_(all.newlines_.data()) {}

    const char* next_of(const char* bits, const char* p) const {
      const auto at = static_cast<size_t>(p - begin_);
      // The load begins at a byte, not at a word: at least 57 bits from `p` on.
      const uint64_t here = scan::load_eight(bits + at / 8) >> (at % 8);
      if (here != 0) [[likely]] {
        return p + static_cast<unsigned>(std::countr_zero(here));
      }
      return next_word(bits, at / 8 + 8);
    }
    const char* next_word(const char* bits, size_t byte) const {
      uint64_t word = 0;
      while ((word = scan::load_eight(bits + byte)) == 0) byte += 8;
      return begin_ + 8 * byte + static_cast<unsigned>(std::countr_zero(word));
    }

    const char* begin_;
    const char* stops_;
    const char* newlines_;
  };
  Marks marks() const { return Marks(*this); }
  const char* next(const char* p) const { return marks().next(p); }
  const char* next_newline(const char* p) const { return marks().next_newline(p); }

 private:
  // All ones behind the last byte that is marked, so that each search ends there.
  using Bits = std::array<char, kBytes / 8 + 16>;

  const char* begin_ = nullptr;
  const char* end_ = nullptr;
  Bits stops_;
  Bits newlines_;
};

}  // namespace paystats::record
