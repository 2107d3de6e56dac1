// Regular files cut into segments that several threads read at once, and the order in which what
// they find out is told.
//
//   SegmentQueue queue(inputs, segment_bytes, waiter, diagnostics);
//   SegmentOrder order;
//   SegmentReader reader;                              // in each thread, like all that follows
//   while (*(segment = queue.claim())) {
//     reader.begin(**segment);
//     while (*reader.next(block)) ...                  // its lines
//     order.post(**segment, {lines, bound});           // or first wait_turn(), to tell of lines
//   }
//
// A segment is a range of bytes; it owns the lines that *begin* in it, so each line is read by one
// thread, whole, however long it is. Segments are handed out in order, so those handed out are
// always the front of the input: what a stop signal leaves is as if one thread had been stopped.
// Files are read with pread(2): a mapping of a file that shrinks would be a SIGBUS. Each file is
// opened when it is its turn, so any number of them can be given.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "base/fd.h"
#include "base/mutex.h"
#include "base/result.h"
#include "io/endpoint.h"
#include "io/file_source.h"
#include "io/line_splitter.h"
#include "io/wait.h"
#include "totals/prefix_bound.h"

namespace paystats::stream {

// One input that is open: shared by the segments that are cut from it.
struct SegmentFile {
  base::UniqueFd owner;  // empty for stdin
  int fd = -1;
  std::string source;  // "-" or the path
  io::FileExtent extent;
};

struct Segment {
  std::shared_ptr<const SegmentFile> file;
  uint64_t number = 0;  // over all inputs, from 0
  uint64_t begin = 0;   // in the file
  uint64_t end = 0;
  bool begins_file = false;
};

// Thread-safe.
class SegmentQueue {
 public:
  // REQUIRES: the inputs are regular files. `waiter` and `diagnostics` are borrowed.
  SegmentQueue(std::vector<io::Endpoint> inputs, uint64_t segment_bytes, const io::Waiter& waiter,
               base::Diagnostics& diagnostics);

  // The next segment, or nothing: at the end, after a stop signal, or after close().
  base::Result<std::optional<Segment>> claim();
  void close();  // nothing more is handed out
  // Where stdin is an input, it stands again where it did. REQUIRES: nothing is read any more.
  void rewind_stdin();

  bool cut_short() const;  // a stop signal came before the last segment was handed out

 private:
  base::Result<void> open_next() PAYSTATS_REQUIRES(mutex_);

  const std::vector<io::Endpoint> inputs_;
  const uint64_t segment_bytes_;
  const io::Waiter& waiter_;
  base::Diagnostics& diagnostics_;
  mutable base::Mutex mutex_;
  size_t next_input_ PAYSTATS_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<const SegmentFile> file_ PAYSTATS_GUARDED_BY(mutex_);
  uint64_t offset_ PAYSTATS_GUARDED_BY(mutex_) = 0;  // of the next segment
  uint64_t number_ PAYSTATS_GUARDED_BY(mutex_) = 0;
  std::optional<uint64_t> stdin_began_ PAYSTATS_GUARDED_BY(mutex_);  // once it has been opened
  bool closed_ PAYSTATS_GUARDED_BY(mutex_) = false;
  bool cut_short_ PAYSTATS_GUARDED_BY(mutex_) = false;
};

// Of a segment, or of what comes before it.
struct SegmentFigures {
  uint64_t lines = 0;         // of the same file
  totals::PrefixBound bound;  // of the payments, over all files
};

// Line numbers and rejects are told in the order of segments, whichever is done first. Thread-safe.
class SegmentOrder {
 public:
  // Waits until all earlier segments are posted: from then on until post(), this thread alone has
  // its turn. Returns what comes before, or nothing after close().
  std::optional<SegmentFigures> wait_turn(const Segment& segment);

  // The segment is done. May come before its turn. False where payments up to this segment, or to
  // one that was posted before its turn, may not fit: then nobody has a turn any more.
  bool post(const Segment& segment, const SegmentFigures& figures);

  void close();  // nobody waits any more

 private:
  struct Posted {
    SegmentFigures figures;
    bool begins_file = false;
  };

  base::Mutex mutex_;
  base::CondVar changed_;
  std::map<uint64_t, Posted> ahead_ PAYSTATS_GUARDED_BY(mutex_);  // posted before their turn
  // The number of the segment whose turn it is.
  uint64_t turn_ PAYSTATS_GUARDED_BY(mutex_) = 0;
  // Up to the end of the segment before it; lines are those of its file.
  SegmentFigures before_ PAYSTATS_GUARDED_BY(mutex_);
  bool closed_ PAYSTATS_GUARDED_BY(mutex_) = false;
};

// The lines of a segment, in one buffer, whatever the size of the segment.
class SegmentReader {
 public:
  void begin(const Segment& segment);

  // The next lines; false at the end. A block lives until the next call. A file that has become
  // shorter than it was is an error.
  base::Result<bool> next(io::Block& out);

 private:
  base::Result<void> fill();

  Segment segment_;
  io::LineSplitter lines_{""};
  uint64_t offset_ = 0;    // the next byte to read
  bool in_first_ = false;  // still in a line that began before the segment
  bool done_ = false;      // the last line that begins here has been read
};

}  // namespace paystats::stream
