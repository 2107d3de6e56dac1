#include "stream/block_queue.h"

#include <utility>

namespace paystats::stream {

bool BlockQueue::put(const io::Block& block) {
  std::string bytes;
  {
    base::MutexLock lock(mutex_);
    rests_ = false;
    while (!closed_ && free_.empty()) freed_.wait(lock);
    if (closed_) return false;
    bytes = std::move(free_.back());
    free_.pop_back();
  }
  bytes.assign(block.bytes);
  if (!source_ || *source_ != block.source) {
    source_ = std::make_shared<const std::string>(block.source);
  }
  const base::MutexLock lock(mutex_);
  items_.push_back(
      {number_++, source_, std::move(bytes), block.begins_input, block.long_line_bytes});
  filled_.notify_one();
  return true;
}

void BlockQueue::finish() {
  const base::MutexLock lock(mutex_);
  finished_ = true;
  filled_.notify_all();
}

std::optional<BlockItem> BlockQueue::take() {
  base::MutexLock lock(mutex_);
  while (!closed_ && !finished_ && items_.empty()) filled_.wait(lock);
  if (closed_ || items_.empty()) return std::nullopt;
  std::optional<BlockItem> item = std::move(items_.front());
  items_.pop_front();
  return item;
}

bool BlockQueue::give_back(BlockItem item) {
  const base::MutexLock lock(mutex_);
  free_.push_back(std::move(item.bytes));
  freed_.notify_one();
  return rests_ && free_.size() == buffers_;
}

bool BlockQueue::reader_rests() {
  const base::MutexLock lock(mutex_);
  rests_ = true;
  return free_.size() == buffers_;
}

void BlockQueue::close() {
  const base::MutexLock lock(mutex_);
  closed_ = true;
  freed_.notify_all();
  filled_.notify_all();
}

}  // namespace paystats::stream
