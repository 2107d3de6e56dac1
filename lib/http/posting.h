// What became of a POST of payments, or of a question about a key.
#pragma once

#include <cstdint>

namespace paystats::http {

enum class Posting {
  kTaken,         // flushed: an acknowledgement may be given
  kBusy,          // not written: the queue is full
  kTimedOut,      // not written: its turn did not come in time
  kClientGone,    // not written: the client had left before its turn came
  kNotStored,     // not written: the sink failed and has undone it, or no broker took it
  kUnknown,       // the sink failed or stalled half way, or it is decided later
  kStopped,       // not written: the writer has stopped
  kKeyReused,     // not written: other payments have been taken for this key
  kKeyUnderWay,   // not written: a request of this key is being written for a long time
  kKeyUnknown,    // of a question: no request of this key has been taken
  kNoRoomForKey,  // not written: as many keys are remembered as there may be
};

struct PostOutcome {
  Posting posting = Posting::kUnknown;
  uint64_t payments = 0;  // of kTaken: those of the first request of its key
  bool repeated = false;  // of kTaken: it had been taken before
};

}  // namespace paystats::http
