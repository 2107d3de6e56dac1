// Memory for texts that had to be decoded: blocks that never move while a record points into them,
// kept for reuse, so that a decoder stops allocating once it is warm.
//
//   char* space = arena.reserve(size_max);
//   arena.keep(bytes_written);             // without it the space is given again
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

namespace paystats::record {

class TextArena {
 public:
  static constexpr size_t kBlockBytes = 64 << 10;

  // Forgets all texts; their memory stays for the next ones, but for what a giant needed.
  void clear() {
    std::erase_if(blocks_, [](const Block& block) { return block.size > kBlockBytes; });
    used_ = 0;
    current_ = 0;
  }

  // Room for `size` bytes at the end of what is kept.
  char* reserve(size_t size) {
    while (current_ < blocks_.size() && blocks_[current_].size - used_ < size) {
      ++current_;
      used_ = 0;
    }
    if (current_ >= blocks_.size()) {
      const size_t bytes = std::max(size, kBlockBytes);
      current_ = blocks_.size();
      used_ = 0;
      blocks_.push_back({std::make_unique_for_overwrite<char[]>(bytes), bytes});
    }
    return blocks_[current_].bytes.get() + used_;
  }

  // The first `size` bytes of the last reserve() stay as they are until clear().
  void keep(size_t size) { used_ += size; }

 private:
  struct Block {
    std::unique_ptr<char[]> bytes;
    size_t size = 0;
  };
  std::vector<Block> blocks_;
  size_t current_ = 0;  // the block in use
  size_t used_ = 0;     // bytes kept of it
};

}  // namespace paystats::record
