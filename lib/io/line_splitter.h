// Cuts what was read into blocks of whole lines, in one buffer that is used again and again.
//
//   LineSplitter lines("-");
//   while (const size_t n = read_into(lines.space())) {
//     lines.add(n);
//     while (lines.next(block)) ...
//   }
//   if (lines.last(block)) ...      // a last line without its newline is a line
//
// The part of a line that has come so far stays until the rest is there. A line over kLineBytesMax
// becomes a block of its own, of which only the beginning is kept (see Block), so memory stays
// bounded whatever comes.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "io/source.h"

namespace paystats::io {

class LineSplitter {
 public:
  // Small enough to stay in the second-level cache between reading and decoding.
  static constexpr size_t kReadBytes = 256 << 10;
  static constexpr size_t kPageBytes = 4096;

  // `source` is what blocks call the place.
  explicit LineSplitter(std::string source);
  // Another input, from its first line on. Ends the life of the last block.
  void restart(std::string source);

  // Room for kReadBytes, where the system copies fastest. Ends the life of the last block.
  char* space();
  // REQUIRES: n <= kReadBytes bytes have been put into space(), the first `skipped` of which are of
  // no interest; those only at the beginning of the input.
  void add(size_t n, size_t skipped = 0);

  bool next(Block& out);  // the whole lines that have come since
  bool last(Block& out);  // at the end of the input: what is left, if anything
  void drop_rest();       // forgets what has not been yielded

  bool empty() const { return begin_ == end_; }  // all that has come has been yielded
  const std::string& source() const { return source_; }

 private:
  bool yield_lines(size_t end, Block& out);
  bool yield_long_line(size_t bytes, size_t next_begin, Block& out);
  bool skip_long_line(Block& out);
  size_t mark_bytes() const;  // of a byte-order mark in front of the line at begin_

  struct alignas(kPageBytes) Page {
    char bytes[kPageBytes];
  };

  char* buffer() const { return pages_[0].bytes; }

  std::string source_;
  const std::unique_ptr<Page[]> pages_;
  size_t begin_ = 0;    // of what has not been yielded
  size_t scanned_ = 0;  // no newline between begin_ and here
  size_t end_ = 0;
  bool begins_input_ = true;  // the line at begin_ does
  uint64_t long_bytes_ = 0;   // not 0: inside a long line, this much of it has come
};

}  // namespace paystats::io
