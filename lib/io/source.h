// Where lines come from. A source yields blocks of whole lines and never more memory than a block.
//
//   Block block;
//   for (;;) {
//     Result<ReadStatus> status = source.read(block, clock.now());    // now: do not wait
//     if (status == ReadStatus::kIdle) { flush(); status = source.read(block, deadline); }
//     if (status == ReadStatus::kEnd) break;
//     if (status == ReadStatus::kBlock) take(block.bytes);
//   }
//
// So the loop flushes exactly when it is about to block on input. Not thread-safe: one thread
// reads a source.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace paystats::io {

struct Block {
  std::string_view bytes;     // whole lines; the last one of an input may lack its newline
  std::string_view source;    // "-" or the path: what a message calls the place
  bool begins_input = false;  // its first line is that of its input
  // Not 0: the block is one line over kLineBytesMax, this long without its newline, of which
  // `bytes` holds the first kRejectRecordBytesMax.
  uint64_t long_line_bytes = 0;
};

enum class ReadStatus {
  kBlock,  // here is a block; it lives until the next read
  kIdle,   // nothing came before the deadline
  kEnd,    // the input is over, or a stop signal ended it: see cut_short()
};

class Source {
 public:
  virtual ~Source() = default;

  // The next block, waiting for it until `deadline` at most; a deadline in the past means that
  // only what is there at once is wanted. A regular file never waits.
  virtual base::Result<ReadStatus> read(Block& out, base::Instant deadline) = 0;

  // After kEnd: a stop signal came before the end of the input.
  virtual bool cut_short() const { return false; }

  // After kEnd: why the input ended where its caller must not take that for its end. What was read
  // before is good.
  virtual base::Result<void> ending() const { return {}; }

  // A followed file: all that was there at the start has been read. Others: always.
  virtual bool caught_up() const { return true; }

  // For progress: bytes read so far, and of all inputs together where that is known, else 0.
  virtual uint64_t bytes_read() const { return 0; }
  virtual uint64_t bytes_all() const { return 0; }
};

// Blocks from memory, cut at line ends every `block_bytes` or so: for tests and benchmarks.
std::unique_ptr<Source> memory_source(std::string bytes, size_t block_bytes,
                                      std::string name = "-");

}  // namespace paystats::io
