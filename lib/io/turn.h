// The turn to write: see io/payment_sink.h.
#pragma once

#include <cstdint>

namespace paystats::io {

// The outcome of a wait for the output.
struct Turn {
  bool mine = true;  // false: the wait was given up, and nothing has begun
  // What can be written at once, about; more would wait for a reader.
  uint64_t room_bytes = UINT64_MAX;
};

}  // namespace paystats::io
