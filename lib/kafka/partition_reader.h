// Reads partitions of a topic without a group, committed messages alone, from the oldest one on.
// The common ground of topic_source.h and restore.h; only for the files of this room.
//
//   Result<std::unique_ptr<PartitionReader>> reader = PartitionReader::open(cluster, "stats", {});
//   if (Result<void> begun = (*reader)->begin(partitions); !begun) ...
//   Result<size_t> seen = (*reader)->take();            // never waits; then messages()
//   if (*seen == 0) wake = (*reader)->wait(waiter, deadline);
//
// Where a partition begins and ends is asked for once, and its reading begins at that number: to
// begin at "the oldest" would cost half a second. The end that is asked for is that of what is
// committed (the last stable offset), since librdkafka asks as a reader of committed messages.
// Everything here waits for a broker as the cluster says. One thread uses a reader.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/wait.h"
#include "kafka/batch.h"
#include "kafka/client.h"
#include "kafka/fetch_waker.h"
#include "kafka/wake_up.h"

namespace paystats::kafka {

struct PartitionPosition {
  int32_t id = 0;
  int64_t low = 0;      // the oldest offset, when reading began
  int64_t high = 0;     // behind the newest committed one, when reading began
  int64_t next = 0;     // all before it has been taken, or holds nothing for us
  bool at_end = false;  // nothing committed was there when this was last told
  bool stopped = false;

  bool reached_high() const { return next >= high; }
};

// Why nothing more can be read of a partition: it is not there, or its offset `next` is not.
struct PartitionGone {
  int32_t partition = 0;
  int64_t next = 0;
};

struct PartitionReaderOptions {
  // How long the broker keeps a request that it has nothing for. The end of a partition is told no
  // sooner; the idle cost goes by its inverse.
  int fetch_wait_ms = 100;
  bool source_headers = false;  // whether messages have them
  int fetch_bytes = 1 << 20;    // of a partition and at once, or one batch that is larger
};

class PartitionReader {
 public:
  static base::Result<std::unique_ptr<PartitionReader>> open(Cluster& cluster,
                                                             const std::string& topic,
                                                             const PartitionReaderOptions& options);
  PartitionReader(const PartitionReader&) = delete;
  PartitionReader& operator=(const PartitionReader&) = delete;
  ~PartitionReader();

  // Begins to read these as well, each from its oldest message, or from the offset of the same
  // place in `first` where that is later (but not from behind its end).
  base::Result<void> begin(std::span<const int32_t> partitions,
                           std::span<const int64_t> first = {});

  // Takes one of them out; what was fetched of it is dropped.
  void stop(int32_t partition);

  // Takes what is there at once. Returns how much that was, ends of partitions among it; 0: nothing
  // is there. messages() then are the messages; they live until the next take().
  base::Result<size_t> take();
  std::span<const io::Message> messages() const { return batch_.messages(); }

  // What take() has failed with, where it is that. All that came before it has been given, and
  // go_on() fetches from there on again.
  const std::optional<PartitionGone>& gone() const { return gone_; }
  base::Result<void> go_on();

  // Takes what there is, and waits for more, until `done` says so: `on_taken` is called with what
  // each take() returns, `done` after that. Errors: kInterrupted after a stop signal; what
  // `on_taken` returns.
  base::Result<void> read_until(const std::function<base::Result<void>(size_t seen)>& on_taken,
                                const std::function<bool()>& done);

  // Waits until take() may find something, the deadline, or a stop signal.
  base::Result<io::Wake> wait(const io::Waiter& waiter, base::Instant deadline);

  std::span<const PartitionPosition> partitions() const { return positions_; }

  // The end of a partition as the broker told it with its last answer: behind the newest message,
  // committed or not. Nothing is asked.
  int64_t known_high(int32_t partition) const;

  // How many partitions the topic has by now, as far as can be said without waiting for a broker
  // that is away; 0: there is no such topic.
  std::optional<int32_t> count_partitions();

  Client& client() { return *client_; }

 private:
  PartitionReader(std::unique_ptr<Client> client, std::string topic, bool source_headers);
  base::Result<void> enable_wake_up();
  bool accept(const rd_kafka_message_t& raw);
  base::Result<void> start(const PartitionPosition& position);
  base::Error describe(const rd_kafka_message_t& raw, const PartitionPosition& position);
  PartitionPosition* find(int32_t partition);
  bool wake_fetching();

  std::unique_ptr<Client> client_;
  const std::string topic_;
  rd_kafka_topic_t* const handle_;
  RdQueue queue_;  // before the client goes
  RdQueue main_queue_;
  WakeUp wake_up_;
  MessageBatch batch_;  // its messages go before all of the above
  FetchWaker fetch_waker_;
  std::vector<PartitionPosition> positions_;
  std::vector<uint32_t> index_;  // by partition: place in positions_, and 1
  base::Result<void> failure_;
  std::optional<PartitionGone> gone_;
};

}  // namespace paystats::kafka
