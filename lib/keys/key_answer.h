// What is known of an idempotency key.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "keys/digest.h"

namespace paystats::keys {

struct KeyAnswer {
  enum class Kind {
    kNew,         // no request of this key is known
    kPaid,        // this request has been paid
    kReused,      // another request has been paid for this key
    kNoRoom,      // new, but its key could not be remembered
    kNotReadYet,  // keys of before the start are still being read
  };
  Kind kind = Kind::kNew;
  // Of kPaid and kReused:
  uint64_t count = 0;      // of payments that were paid
  Digest payments = {};    // which
  uint64_t place = 0;      // where the request lies
  bool under_way = false;  // once what is being written now is where it belongs
};

// What an output makes of keys: for people, metrics and clients that ask.
struct KeyFigures {
  enum class Kept {
    kNot,      // the output knows no keys
    kProcess,  // as long as this process runs
    kLog,      // as long as the log has their lines
    kTopic,    // as long as the topic of answers has theirs
  };
  Kept kept = Kept::kNot;
  bool complete = false;  // every key of the log is known; of a process or topics: never
  // Changes where keys may have got lost: another process, another file as the log, one that was
  // written anew, other topics.
  uint64_t instance = 0;
  uint64_t keys = 0;
  uint64_t keys_young = 0;  // those of them that count against `keys_max`: see keys::KeyTable
  uint64_t keys_max = 0;
  base::Duration memory{};  // for so long at least each key is remembered
};

}  // namespace paystats::keys
