// Blocks of lines on their way from the one thread that reads an input to those that decode them.
//
//   BlockQueue queue(buffers);
//   while (read(block)) if (!queue.put(block)) break;       // the reader; then queue.finish()
//   while (auto item = queue.take()) {                      // each other thread
//     decode(item->block());
//     queue.give_back(std::move(*item));
//   }
//
// Items are numbered in the order of the input, so what is found in them can be told in that order
// (see SegmentOrder). Bytes are copied into buffers that go round: put() waits for one of them, so
// memory stays bounded however far the reader is ahead.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "io/source.h"

namespace paystats::stream {

struct BlockItem {
  uint64_t number = 0;                        // from 0
  std::shared_ptr<const std::string> source;  // its name
  std::string bytes;
  bool begins_input = false;
  uint64_t long_line_bytes = 0;

  io::Block block() const {
    return {.bytes = bytes,
            .source = *source,
            .begins_input = begins_input,
            .long_line_bytes = long_line_bytes};
  }
};

// Thread-safe; one thread reads.
class BlockQueue {
 public:
  explicit BlockQueue(size_t buffers) : free_(buffers), buffers_(buffers) {}

  // Copies the block. False after close().
  bool put(const io::Block& block);
  void finish();  // nothing more will be put

  // The next item, or nothing when there will be none.
  std::optional<BlockItem> take();
  // Its work is done. True: nothing is in anybody's hands, and the reader waits for its input.
  bool give_back(BlockItem item);

  // The reader is about to wait for its input. True: all items have been given back.
  bool reader_rests();

  void close();  // nobody waits any more, and nothing is taken

 private:
  base::Mutex mutex_;
  base::CondVar freed_;
  base::CondVar filled_;
  std::vector<std::string> free_ PAYSTATS_GUARDED_BY(mutex_);
  std::deque<BlockItem> items_ PAYSTATS_GUARDED_BY(mutex_);
  // Of the last block that was put; the reader's.
  std::shared_ptr<const std::string> source_;
  const size_t buffers_;
  uint64_t number_ PAYSTATS_GUARDED_BY(mutex_) = 0;
  bool rests_ PAYSTATS_GUARDED_BY(mutex_) = false;
  bool finished_ PAYSTATS_GUARDED_BY(mutex_) = false;
  bool closed_ PAYSTATS_GUARDED_BY(mutex_) = false;
};

}  // namespace paystats::stream
