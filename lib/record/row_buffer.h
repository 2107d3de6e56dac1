// The rows of one call of a decoder: a vector that grows only when told to, whose rows are
// constructed once and then overwritten by each call. To add a row is to fill the next place.
//
//   rows.reserve(most);
//   fill(rows.next()); rows.keep();       // or rows.push_back(row)
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <memory>
#include <utility>

namespace paystats::record {

template <class Row>
class RowBuffer {
 public:
  RowBuffer() = default;
  RowBuffer(RowBuffer&& other) noexcept
      : places_(std::move(other.places_)),
        capacity_(std::exchange(other.capacity_, 0)),
        size_(std::exchange(other.size_, 0)) {}
  RowBuffer& operator=(RowBuffer&& other) noexcept {
    places_ = std::move(other.places_);
    capacity_ = std::exchange(other.capacity_, 0);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  ~RowBuffer() = default;

  // Room for `rows` in all. REQUIRES: none is held.
  void reserve(size_t rows) {
    assert(size_ == 0);
    if (rows <= capacity_) return;
    places_ = std::make_unique<Row[]>(rows);
    capacity_ = rows;
  }
  void clear() { size_ = 0; }
  // Forgets the rows behind the first `rows`. REQUIRES: there are as many.
  void shorten(size_t rows) {
    assert(rows <= size_);
    size_ = rows;
  }

  // Room for one more, whatever has been reserved. The rows move.
  void make_room() {
    if (size_ < capacity_) return;
    const size_t capacity = std::max<size_t>(2 * capacity_, 16);
    auto places = std::make_unique<Row[]>(capacity);
    std::copy(begin(), end(), places.get());
    places_ = std::move(places);
    capacity_ = capacity;
  }

  // The place of the next row, which counts once it is kept. REQUIRES: size() < what is reserved.
  Row& next() {
    assert(size_ < capacity_);
    return places_[size_];
  }
  void keep(size_t rows = 1) {
    assert(rows <= capacity_ - size_);
    size_ += rows;
  }
  void push_back(const Row& row) {
    next() = row;
    keep();
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const Row* data() const { return places_.get(); }
  const Row* begin() const { return data(); }
  const Row* end() const { return data() + size_; }
  const Row& operator[](size_t i) const {
    assert(i < size_);
    return places_[i];
  }

 private:
  std::unique_ptr<Row[]> places_;
  size_t capacity_ = 0;
  size_t size_ = 0;
};

}  // namespace paystats::record
