#include "stream/block_queue.h"

#include <utility>

namespace paystats::stream {

bool BlockQueue::put(const io::Block& block) {
  std::string bytes;
  {
    std::unique_lock lock(mutex_);
    rests_ = false;
    freed_.wait(lock, [this] { return closed_ || !free_.empty(); });
    if (closed_) return false;
    bytes = std::move(free_.back());
    free_.pop_back();
  }
  bytes.assign(block.bytes);
  if (!source_ || *source_ != block.source) {
    source_ = std::make_shared<const std::string>(block.source);
  }
  const std::lock_guard lock(mutex_);
  items_.push_back(
      {number_++, source_, std::move(bytes), block.begins_input, block.long_line_bytes});
  filled_.notify_one();
  return true;
}

void BlockQueue::finish() {
  const std::lock_guard lock(mutex_);
  finished_ = true;
  filled_.notify_all();
}

std::optional<BlockItem> BlockQueue::take() {
  std::unique_lock lock(mutex_);
  filled_.wait(lock, [this] { return closed_ || finished_ || !items_.empty(); });
  if (closed_ || items_.empty()) return std::nullopt;
  std::optional<BlockItem> item = std::move(items_.front());
  items_.pop_front();
  return item;
}

bool BlockQueue::give_back(BlockItem item) {
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(item.bytes));
  freed_.notify_one();
  return rests_ && free_.size() == buffers_;
}

bool BlockQueue::reader_rests() {
  const std::lock_guard lock(mutex_);
  rests_ = true;
  return free_.size() == buffers_;
}

void BlockQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  freed_.notify_all();
  filled_.notify_all();
}

}  // namespace paystats::stream
