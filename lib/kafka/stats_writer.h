// The output of payagg on topics: stats, rejects, and how far the input has been read, all in one
// transaction; or, at least once, one after the other.
//
//   writer.begin(offsets, consumer);
//   writer.stats(partition, user, line);          // any number of times
//   writer.commit();                              // a thread of the writer sends and commits it
//   // Read on; where the writer says that it has settled, or when it is wanted:
//   Result<bool> committed = writer.wait();
//
// Nothing waits for the broker but wait(): until commit() lines are only gathered. Where wait()
// says false nothing of it counts, or that is unknown: begin again and write all of it once more.
// Stats are absolute and carry their offset, so a repetition does no harm. Between commit() and
// wait() nothing else may be asked of the writer. One thread, beside the writer's own.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kafka/cluster.h"
#include "kafka/delivered_ranges.h"
#include "kafka/group_consumer.h"
#include "kafka/offset_signature.h"
#include "kafka/record_source.h"

namespace paystats::kafka {

struct StatsWriterOptions {
  RecordSource source;  // that each total names with its partition and last message; `source.topic`
                        // is the one whose offsets are committed
  std::string topic;
  std::optional<std::string> rejects_topic = {};
  std::optional<std::string> transactional_id = {};  // without: at least once
};

class StatsWriter {
 public:
  // Waits for the broker, and until what a predecessor of the same id left open is settled.
  // `on_settled` is called by another thread each time that a commit() has come to an end.
  static base::Result<std::unique_ptr<StatsWriter>> open(Cluster& cluster,
                                                         StatsWriterOptions options,
                                                         std::function<void()> on_settled = {});
  StatsWriter(const StatsWriter&) = delete;
  StatsWriter& operator=(const StatsWriter&) = delete;
  ~StatsWriter();  // waits for what is under way

  // `next`, from where the next owner of each partition is to read it, is committed as well.
  // `consumer` is borrowed until wait(). What was begun before and not committed is dropped.
  void begin(std::span<const SignedOffset> next, GroupConsumer& consumer);
  // `line` is a whole stats line; its newline is left off.
  void stats(int32_t partition, std::string_view user, std::string_view line);
  void reject(std::string_view line);  // REQUIRES: a topic of rejects
  void commit();

  // Whether there is a commit() for which wait() has not been called; and whether wait() would
  // answer at once.
  bool under_way() const;
  bool settled() const;
  base::Result<bool> wait();  // REQUIRES: under_way()

  // Where the stats lie in their topic of which the last wait() has told, until the next commit();
  // those that were undone too, as far as they have been delivered.
  std::span<const DeliveredRange> delivered() const;

  // The last wait() said false: why, and whether there is no such topic, or partition, to write to.
  const std::string& why() const;
  bool is_topic_unknown() const;
  // Asks how many partitions the topic has by now, which librdkafka does by itself only each five
  // minutes: it sends nothing to one that it does not know. REQUIRES: not under_way().
  void look_for_partitions();

 private:
  class Impl;
  explicit StatsWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace paystats::kafka
