// An array that grows by chunks: growing moves nothing, so a reference stays good for the array's
// life and no call ever copies a million elements. Chunks of 2 MB or a multiple of it lie on large
// pages, but for the first one, of which a small array takes only what it needs.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/large_array.h"

namespace paystats::view {

// A default T is all zeros.
template <class T, size_t kChunkBits>
class Chunked {
 public:
  static constexpr size_t kPerChunk = size_t{1} << kChunkBits;

  T& operator[](size_t index) {
    assert(index < size_);
    return chunks_[index >> kChunkBits][index & (kPerChunk - 1)];
  }
  const T& operator[](size_t index) const {
    assert(index < size_);
    return chunks_[index >> kChunkBits][index & (kPerChunk - 1)];
  }

  // Appends one default element and returns its index.
  uint32_t grow() {
    if (size_ == chunks_.size() * kPerChunk) {
      chunks_.emplace_back(kPerChunk, base::pages_of_piece(chunks_.size()));
    }
    return static_cast<uint32_t>(size_++);
  }

  size_t size() const { return size_; }

 private:
  std::vector<base::LargeArray<T>> chunks_;
  size_t size_ = 0;
};

}  // namespace paystats::view
