// The outgoing half of a job from topic to topic: when totals are published, and that each change
// is, whatever becomes of a transaction on the way.
//
//   publisher.added(payments);                             // the tables have changed
//   Result<void> done = publisher.publish_if_due(paused);  // at the ends of blocks, and when idle
//   Result<bool> all = publisher.publish_all();            // before the tables go
//
// A publication is gathered at once, and then sent and committed while its job reads on (of one in
// parts that is the last part): there is never more than one. The changed users are taken from the
// tables when it begins, and put back where it did not come about; what is then published is
// whatever the table says by then, which is as right. Nothing is undone in memory. One thread.
// Tested through topics/job.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "kafka/group_consumer.h"
#include "kafka/stats_writer.h"
#include "stream/trigger.h"
#include "topics/job_context.h"
#include "topics/output_watch.h"
#include "topics/partition.h"
#include "topics/signature.h"

namespace paystats::topics {

struct TopicPublisherOptions {
  stream::TriggerOptions trigger = {};
  // More totals than these are published in parts. A transaction must end within its time-out, on a
  // slow machine as well; one that did not would be made again for ever. Each total is exact, so
  // each part is consistent by itself. With it go the offsets that the group has already, signed as
  // they were, since they are what fences a member that the group has removed while it runs; the
  // new ones go with the last part.
  size_t totals_per_transaction = 100'000;
  // Nothing is read while rejects of this size wait for a transaction or are in one.
  size_t reject_bytes_max = 16 << 20;
  TotalsOrigin origin = {};  // which the offsets are signed with
};

class TopicPublisher {
 public:
  // After a publication that did not come about, so long until it is tried again.
  static constexpr base::Duration kRetryAfter = std::chrono::milliseconds(100);
  // Where none has come about for so long it is said, and said again.
  static constexpr base::Duration kFailingQuiet = std::chrono::seconds(30);
  // One that takes longer may be for a topic that is not there any more.
  static constexpr base::Duration kQuick = std::chrono::seconds(2);
  static constexpr base::Duration kOffsetsAfter = std::chrono::seconds(1);
  // Less than max.poll.interval.ms, five minutes.
  static constexpr base::Duration kHandOverMax = std::chrono::minutes(4);

  // `parts` and `watch` are borrowed as well.
  TopicPublisher(std::unique_ptr<kafka::StatsWriter> writer, const TopicPublisherOptions& options,
                 TopicParts& parts, OutputWatch& watch, const TopicJobContext& context);

  // From here on what is published is what this member has read since. Borrowed.
  void set_consumer(kafka::GroupConsumer& consumer) { consumer_ = &consumer; }

  // The partitions have been given to this member, which reads them from `starts` on.
  void assigned(std::vector<kafka::SignedOffset> starts);

  // The output has got more partitions. REQUIRES: nothing is under way, as after forget().
  void look_for_partitions() { writer_->look_for_partitions(); }

  // So many payments or rejects have been taken in.
  void added(uint64_t records) { trigger_.added(records); }

  // Takes note of a publication that has come to its end, and begins one if it is time. `paused`:
  // the input has nothing more at this moment. Where it has had nothing for kOffsetsAfter, offsets
  // that have moved behind markers of transactions are committed by themselves.
  base::Result<void> publish_if_due(bool paused);

  // When publish_if_due(paused) should be called at the latest, if nothing happens before.
  base::Instant deadline(bool paused) const;

  // Waits until all that the tables know is published, and how far has been read. False: it did
  // not come about.
  base::Result<bool> publish_all();
  bool pending() const { return trigger_.pending() || writer_->under_way(); }

  // The same, before the partitions go to others. While there is no output topic, nobody could
  // publish anything, and these tables are all that is left of their totals: so the rebalance waits
  // until the topic is there again and has all of them, for kHandOverMax at most. Until then the
  // group waits for this member. The watch says whether it has been in vain.
  base::Result<bool> hand_over();

  // A message of the partition has been read that is not in the topic any more: leaves it in the
  // group's offset as the last one, so that each later start sees that the topic is another one.
  // Nothing may be published after it. Waits for what is under way, and for brokers. False: it
  // could not be left.
  base::Result<bool> leave_mark(int32_t partition, const kafka::MessageMark& mark);

  // The tables are about to go. Waits for what is under way, whatever becomes of it.
  base::Result<void> forget();

 private:
  bool full() const;
  bool offsets_moved() const;
  kafka::SignedOffset signed_next(const kafka::GroupConsumer::Position& position) const;
  base::Result<void> begin();
  base::Result<bool> write_leaving();
  base::Result<bool> settle();
  base::Result<void> look(bool under_way = false);
  base::Result<void> note_delivered();
  void publish_again(uint64_t users);
  base::Result<void> put_back();
  void tell_failing();
  void tell_success();

  const std::unique_ptr<kafka::StatsWriter> writer_;
  const TopicPublisherOptions options_;
  TopicParts& parts_;
  OutputWatch& watch_;
  const TopicJobContext context_;
  const base::Clock& clock_;
  stream::Trigger trigger_;
  kafka::GroupConsumer* consumer_ = nullptr;
  std::vector<kafka::SignedOffset> committed_;  // of the group, by partition: what is next
  // Of the publication under way.
  base::Instant begun_at_{};
  uint64_t records_ = 0;
  std::vector<kafka::SignedOffset> next_;
  PendingRejects rejects_;
  bool offsets_alone_ = false;  // no totals: it changes nothing for the trigger

  base::Instant offsets_not_before_{};
  base::Instant not_before_{};                  // after one that did not come about
  std::optional<base::Instant> failing_since_;  // none has come about
  base::Instant failed_{};                      // the last one
  std::optional<base::Instant> failing_told_;   // when it was said last
  bool urgent_ = false;                         // what the output topic has lost is to be published
  bool urgent_now_ = false;                     // it is in the publication under way
  std::string line_;                            // reused
};

}  // namespace paystats::topics
