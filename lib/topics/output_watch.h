// Sees to it that all totals of a job are in its output topic, also where that topic is deleted,
// made anew, or written to by somebody else while the job runs.
//
//   OutputWatch watch(options, parts, context);
//   watch.assigned();                                             // the tables have been read back
//   Result<uint64_t> again = watch.published(writer.delivered()); // of each committed publication
//   again = watch.undone(writer.delivered());                     // of one that did not come about
//   again = watch.look();                                         // between publications, often
//   if (*again > 0) ...                                           // so many totals have changed
//
// The offsets of delivery reports tell what has happened to a partition (output_ends.h), and where
// nothing is published a look each kLookInterval does. Where the topic was made anew the tables
// still hold all that was in it: all of them is published again. What lies between our own records
// is read: a total of other payments or of another group ends the job, and a tombstone removes its
// user. What brokers do not say in a few seconds is asked for again later, since the group would
// take a member that waits for too long for dead. One thread. See also tests/kafka/remade.bats.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "kafka/delivered_ranges.h"
#include "kafka/record_source.h"
#include "kafka/topic_look.h"
#include "topics/job_context.h"
#include "topics/options.h"
#include "topics/output_ends.h"
#include "topics/partition.h"

namespace paystats::topics {

struct OutputWatchOptions {
  TopicNames topics;
  kafka::RecordSource source = {};  // that our own totals name, whatever their partition
  Guarantee guarantee = Guarantee::kExactlyOnce;
  // Whether the topics are what they must be, or the error that says what they lack; false: that
  // cannot be said now. Empty: check_again() of requirements.h.
  std::function<base::Result<bool>()> check = {};
  base::Duration patience = std::chrono::seconds(5);  // for what is asked of brokers at one time
};

class OutputWatch {
 public:
  static constexpr base::Duration kLookInterval = std::chrono::seconds(10);
  // After a look that has found something unusual.
  static constexpr base::Duration kLookAgain = std::chrono::seconds(1);
  // A broker that has just started may not know its topics for a moment.
  static constexpr base::Duration kUnknownGrace = std::chrono::seconds(3);

  // `parts` is borrowed as well.
  OutputWatch(OutputWatchOptions options, TopicParts& parts, const TopicJobContext& context);

  // The tables have been read back, or are about to go.
  void assigned();
  void forget();

  // Returns how many users have been set changed: all of them, or none. Errors: kMustNotGoOn where
  // somebody else writes to the topic; what the topic lacks, where it has been made anew.
  base::Result<uint64_t> published(std::span<const kafka::DeliveredRange> delivered);
  base::Result<uint64_t> undone(std::span<const kafka::DeliveredRange> delivered);

  // The same where nothing is published: asks the broker, if it is time. While a publication is
  // `under_way` only whether there is such a topic.
  base::Result<uint64_t> look(bool under_way = false);

  // The next look() is due.
  void look_soon();

  // A publication has failed since there is no such topic, or partition.
  void cannot_publish();

  // There is none at the moment: nothing can be published until a look has found one. When that is.
  bool is_gone() const { return gone_since_.has_value(); }
  // Nothing unusual has been found that the next looks are to clear up.
  bool is_settled() const { return !gone_since_ && !went_back_ && !remade_; }
  base::Instant next_look() const { return next_look_; }

 private:
  using Gap = OutputEnds::Gap;

  std::optional<kafka::TopicSight> sight();
  void none_there(base::Instant now);
  base::Result<uint64_t> judge(std::span<const record::SourceOffset> ends, base::Instant now);
  void note_remade(int32_t partition, int64_t offset);
  base::Result<uint64_t> begin_anew();
  base::Result<uint64_t> begin_anew(std::span<const record::SourceOffset> ends);
  base::Result<void> read(std::span<const Gap> gaps);
  base::Result<void> check_source(const io::Message& message);
  void remove(const Gap& gap, const std::set<std::string>& users);
  std::vector<int32_t> partitions() const;

  const OutputWatchOptions options_;  // `check` is there
  TopicParts& parts_;
  const TopicJobContext context_;
  OutputEnds ends_;
  std::map<int32_t, kafka::SourceJudge> judges_;  // of the partitions that something was read of
  std::unique_ptr<kafka::TopicLook> look_;        // from the first look on
  base::Instant next_look_ = base::Instant::max();
  base::Instant next_poll_{};
  bool went_back_ = false;                      // the last look has seen it
  std::optional<record::SourceOffset> remade_;  // that began again here, and is to be filled
  std::optional<base::Instant> gone_since_;     // there is no such topic
  bool gone_was_told_ = false;
};

}  // namespace paystats::topics
