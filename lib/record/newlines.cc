// Compiled once for each instruction set, as string_stops.cc is.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "record/newlines.cc"
#include <hwy/foreach_target.h>

#include "record/newlines.h"

#include <hwy/highway.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace paystats {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Each lane counts its own newlines, down from zero since true is -1 as a number; before a lane of
// eight bits can overflow, all are added up.
uint64_t count_in_vectors(const uint8_t* from, size_t size) {
  const hn::ScalableTag<uint8_t> bytes;
  const hn::ScalableTag<uint64_t> sums;
  const size_t lanes = hn::Lanes(bytes);
  const auto newline = hn::Set(bytes, '\n');
  const size_t vectors = size / lanes;
  auto total = hn::Zero(sums);
  for (size_t done = 0; done < vectors;) {
    const size_t until = std::min(vectors, done + 255);
    auto counts = hn::Zero(bytes);
    for (; done < until; ++done) {
      const auto found = hn::Eq(hn::LoadU(bytes, from + done * lanes), newline);
      counts = hn::Sub(counts, hn::VecFromMask(bytes, found));
    }
#if HWY_TARGET == HWY_SCALAR
    total = hn::Add(total, hn::Set(sums, hn::GetLane(counts)));
#else
    total = hn::Add(total, hn::SumsOf8(counts));
#endif
  }
  uint64_t count = hn::GetLane(hn::SumOfLanes(sums, total));
  for (size_t at = vectors * lanes; at < size; ++at) count += from[at] == '\n' ? 1 : 0;
  return count;
}

}  // namespace HWY_NAMESPACE
}  // namespace paystats
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace paystats {
namespace {

HWY_EXPORT(count_in_vectors);

}  // namespace

uint64_t count_newlines(std::string_view bytes) {
  return HWY_DYNAMIC_DISPATCH(count_in_vectors)(reinterpret_cast<const uint8_t*>(bytes.data()),
                                                bytes.size());
}

}  // namespace paystats
#endif  // HWY_ONCE
