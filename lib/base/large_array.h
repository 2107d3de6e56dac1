// Arrays of plain values that may become very large and are read in no order. Random access to a
// large array is bound by TLB misses, since there are far more pages of 4 KB than the TLB holds. So
// the memory comes from the system itself, zeroed, and on pages of 2 MB where the system has them
// (Linux: transparent huge pages, `madvise` or `always`); where it has none, all is the same but
// slower.
//
//   LargeArray<Key> keys(size);                            // zeros, 2 MB at a time
//   LargeArray<char> first(size, PageSize::kSmallFirst);   // as it is touched, up to 2 MB
//   LargeArray<uint64_t> slots(size, PageSize::kLarge, Backing::kAtOnce);
//
// What is read before it is written gets the system's page of zeros first and its own memory after
// that, and with several threads each change of a page stops all of them. So an array that will be
// used everywhere, and in no order, takes its memory at once (since Linux 5.14).
//
// Move-only. Where there is no memory it does what new does: calls the new handler, which ends a
// tool; without one, throws std::bad_alloc.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace paystats::base {

// kSmallFirst: the first 2 MB are on small pages. An array below 2 MB has only small ones anyway.
enum class PageSize { kSmallFirst, kLarge };

enum class Backing { kOnTouch, kAtOnce };

// Of a store that grows by pieces: while little of it is used, it takes no more memory than that.
inline PageSize pages_of_piece(size_t piece) {
  return piece == 0 ? PageSize::kSmallFirst : PageSize::kLarge;
}

class LargeMemory {
 public:
  LargeMemory() = default;
  LargeMemory(size_t bytes, PageSize pages, Backing backing);
  LargeMemory(LargeMemory&& other) noexcept
      : begin_(std::exchange(other.begin_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  LargeMemory& operator=(LargeMemory&& other) noexcept {
    std::swap(begin_, other.begin_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~LargeMemory();

  void* begin() const { return begin_; }

 private:
  void* begin_ = nullptr;
  size_t bytes_ = 0;
};

template <class T>
class LargeArray {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  LargeArray() = default;
  explicit LargeArray(size_t size, PageSize pages = PageSize::kLarge,
                      Backing backing = Backing::kOnTouch)
      : memory_(size * sizeof(T), pages, backing), size_(size) {}
  LargeArray(LargeArray&& other) noexcept
      : memory_(std::move(other.memory_)), size_(std::exchange(other.size_, 0)) {}
  LargeArray& operator=(LargeArray&& other) noexcept {
    memory_ = std::move(other.memory_);
    std::swap(size_, other.size_);
    return *this;
  }

  size_t size() const { return size_; }
  T* data() const { return static_cast<T*>(memory_.begin()); }
  T* begin() const { return data(); }
  T* end() const { return data() + size_; }
  T& operator[](size_t i) const { return data()[i]; }

 private:
  LargeMemory memory_;
  size_t size_ = 0;
};

}  // namespace paystats::base
