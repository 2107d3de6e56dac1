#include "base/large_array.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace paystats::base {
namespace {

constexpr size_t kLargePage = size_t{2} << 20U;
constexpr int kPopulateWrite = 23;  // MADV_POPULATE_WRITE, which older headers do not have

void* map(size_t bytes) {
  for (;;) {
    void* const got =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (got != MAP_FAILED) return got;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}

}  // namespace

LargeMemory::LargeMemory(size_t bytes, PageSize pages, Backing backing) : bytes_(bytes) {
  if (bytes == 0) return;
  // Where large pages begin.
  const size_t first = pages == PageSize::kLarge ? 0 : kLargePage;
  const bool large = bytes >= first + kLargePage;
  // A large page begins at a multiple of its size: so much more is asked for, and given back.
  if (large) bytes_ = (bytes + kLargePage - 1) / kLargePage * kLargePage;
  const size_t spare = large ? kLargePage : 0;
  void* const got = map(bytes_ + spare);
  auto* begin = static_cast<char*>(got);
  if (large) {
    const size_t before = -reinterpret_cast<uintptr_t>(begin) % kLargePage;
    if (before > 0) ::munmap(begin, before);
    begin += before;
    if (before < spare) ::munmap(begin + bytes_, spare - before);
    // A system without large pages says so, and has small ones.
    [[maybe_unused]] const int advised = ::madvise(begin + first, bytes_ - first, MADV_HUGEPAGE);
  }
  begin_ = begin;
  if (backing == Backing::kAtOnce) {
    // An older system refuses, and gives it as it is touched.
    [[maybe_unused]] const int populated = ::madvise(begin_, bytes_, kPopulateWrite);
  }
}

LargeMemory::~LargeMemory() {
  if (begin_ != nullptr) ::munmap(begin_, bytes_);
}

}  // namespace paystats::base
