// Where each partition of the output topic is expected to end while its owner writes to it, and
// what it means where a publication, or a look, finds something else. Pure.
//
//   OutputEnds ends(true);                                // transactions end with a marker
//   ends.restored(partition, end);                        // what was read back ended there
//   if (ends.published(range) == OutputEnds::Verdict::kAhead) read(ends.gap(range.partition));
//   ends.judged(partition);                               // that has been read
//
// Offsets of a topic never go back: an end that does is that of another topic of this name, or one
// that was cut by an unclean election. An end that is further than our own records explain has
// something between: the markers and records of our undone transactions, or those of others.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "kafka/delivered_ranges.h"

namespace paystats::topics {

class OutputEnds {
 public:
  enum class Verdict {
    kAsExpected,
    kAhead,    // something lies between: gap()
    kBack,     // the end has gone back: nothing is changed here
    kUnknown,  // the broker has not said where the records are: a look will tell
  };

  // What has not been judged, of a partition.
  struct Gap {
    int32_t partition = 0;
    int64_t from = 0;
    int64_t to = 0;
    bool ours_follow = false;  // all of the publication lies behind `to`
    friend bool operator==(const Gap&, const Gap&) = default;
  };

  // `marker`: that of its transaction stands behind each publication.
  explicit OutputEnds(bool marker) : marker_(marker ? 1 : 0) {}

  void restored(int32_t partition, int64_t end);
  void clear() { places_.clear(); }

  // Of a publication that has been committed. Where nothing is known of its partition it is as
  // expected.
  Verdict published(const kafka::DeliveredRange& range);

  // Of one that was undone, whose records still have their places: kAsExpected or kBack. Nothing is
  // changed; the next look, or publication, finds them as something that lies between.
  Verdict undone(const kafka::DeliveredRange& range) const;

  // What the broker says, while nothing of ours is under way.
  Verdict seen(int32_t partition, int64_t end);

  // REQUIRES: kAhead was said of it.
  Gap gap(int32_t partition) const;

  // Its gap has been read. What is not stays a gap, and is one again in the next look.
  void judged(int32_t partition);

  // Records stood there up to this; nothing: nothing is known.
  std::optional<int64_t> end(int32_t partition) const;

 private:
  struct Place {
    int64_t end = 0;     // behind the last record that is known; that of a marker may be one more
    int64_t marker = 0;  // so many may be there
    int64_t judged = 0;  // all before has been judged, or is our own
    int64_t gap_to = 0;
    bool ours_follow = false;
  };

  const int64_t marker_;
  std::map<int32_t, Place> places_;
};

}  // namespace paystats::topics
