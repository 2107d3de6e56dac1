// When to publish: something changed, and the interval has passed since the last time. So the first
// change after a quiet time is published at once, and a stream of changes once an interval.
//
//   Trigger trigger({.interval = std::chrono::milliseconds(100), .records_max = {}}, clock);
//   trigger.added(rows);
//   if (trigger.due(paused)) { publish(); trigger.fired(); }
//   source.read(block, trigger.deadline());
//
// An interval of zero means at every pause of the input, and at least each kIntervalAtPausesMax.
// With records_max also after each so many records. With a backlog, publishing is limited to about
// a tenth of the time, where the caller says how long it took: see fired(). Pure: it looks at the
// clock and nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "base/clock.h"

namespace paystats::stream {

struct TriggerOptions {
  base::Duration interval = std::chrono::milliseconds(100);
  std::optional<uint64_t> records_max{};  // at least 1
};

class Trigger {
 public:
  static constexpr base::Duration kIntervalAtPausesMax =
      std::chrono::milliseconds(100);  // of interval zero

  Trigger(TriggerOptions options, const base::Clock& clock);

  // So many records changed something.
  void added(uint64_t records) { pending_ += records; }

  // `paused`: the input has nothing more at this moment.
  bool due(bool paused) const;

  // The moment from which due(paused) holds without a further record; Instant::max() where nothing
  // changed.
  base::Instant deadline(bool paused = true) const;

  // How many records may be added until records_max is reached, at least 1; and whether it is.
  uint64_t records_left() const;
  bool records_reached() const { return pending_ >= records_max_; }

  bool pending() const { return pending_ > 0; }

  // All that changed has been published: call when that is done, so that publishing a large table
  // leaves an interval for reading. Where it `took` long, that interval is at least kRestFactor
  // times as long, up to kRestMax, unless the input pauses before.
  void fired(base::Duration took = {});
  static constexpr int kRestFactor = 9;
  static constexpr base::Duration kRestMax = std::chrono::seconds(1);

  // The same for a caller that goes on while it publishes: what has been added is taken, how much
  // that was; and the end of it, which leaves alone what was added since. What did not come about
  // is added again.
  uint64_t taken() { return std::exchange(pending_, 0); }
  void settled(base::Duration took);

  uint64_t times_fired() const { return times_fired_; }

 private:
  const bool at_pauses_;
  const base::Duration interval_;
  const uint64_t records_max_;
  const base::Clock& clock_;
  uint64_t pending_ = 0;  // records since it fired
  uint64_t times_fired_ = 0;
  base::Instant last_{};
  base::Duration rest_{};  // after the last time
};

}  // namespace paystats::stream
