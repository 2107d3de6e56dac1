#include "record/highway_start.h"

#include <cstdint>

namespace hwy::platform {

// Ticks. Nobody uses it: see the header.
uint64_t TimerResolution() {
  return 1;
}

}  // namespace hwy::platform
