// What librdkafka alone needs for a topic: the least that payagg can be held against.
//
//   kafka_floor count BROKERS TOPIC [KEY=VALUE...]   reads all that is there, counts records and
//   bytes kafka_floor sum   BROKERS TOPIC [KEY=VALUE...]   also scans each record and adds it to a
//   table
//
// All partitions are assigned from the beginning, without a group, up to their end; nothing is
// published. Records are taken as read_committed, by the batch. KEY=VALUE are librdkafka's. Prints
// one line: records, bytes, users, and what their counts add up to. kafka_floor_mimalloc is the
// same with payagg's allocator.
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client.h"
#include "record/decoder.h"
#include "totals/totals.h"
#include "totals/user_hash.h"

namespace paystats::bench {
namespace {

constexpr size_t kBatch = record::DecodedLines<record::Payment>::kRowsMax;

class Reader {
 public:
  Reader(rd_kafka_t& client, std::string topic)
      : client_(client),
        topic_(std::move(topic)),
        partitions_(assign_all(client, topic_, From::kBeginning)),
        queue_(rd_kafka_queue_get_consumer(&client)) {
    for (const Extent& partition : partitions_) open_ += partition.begin < partition.end ? 1 : 0;
  }

  // Some messages, of which the ends of partitions have been taken out; none at the end of all.
  std::span<rd_kafka_message_t*> next() {
    while (open_ > 0) {
      // A batch waits until it is full, so what is there is taken first, and waited for one by one.
      ssize_t got = rd_kafka_consume_batch_queue(queue_.get(), 0, batch_.data(), batch_.size());
      if (got <= 0) {
        wake();
        got = rd_kafka_consume_batch_queue(queue_.get(), 100, batch_.data(), 1);
      }
      size_t kept = 0;
      for (ssize_t i = 0; i < got; ++i) {
        rd_kafka_message_t* message = batch_[static_cast<size_t>(i)];
        Extent& partition = partitions_[static_cast<size_t>(message->partition)];
        const bool ended = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        if (!ended) check(topic_, message->err);
        // To be told of the end takes half a second; the last record stands just before it, unless
        // it is the mark of a transaction.
        const int64_t next = ended ? partition.end : message->offset + 1;
        if (partition.begin < partition.end && next >= partition.end) --open_;
        partition.begin = std::max(partition.begin, next);
        if (ended) {
          rd_kafka_message_destroy(message);
        } else {
          batch_[kept++] = message;
        }
      }
      if (kept > 0) return {batch_.data(), kept};
    }
    return {};
  }

 private:
  // Where fetching has paused although there is more, any question to the broker makes it go on.
  void wake() {
    for (size_t p = 0; p < partitions_.size(); ++p) {
      int64_t low = 0;
      int64_t high = 0;
      const auto partition = static_cast<int32_t>(p);
      if (rd_kafka_get_watermark_offsets(&client_, topic_.c_str(), partition, &low, &high) ==
              RD_KAFKA_RESP_ERR_NO_ERROR &&
          high > partitions_[p].begin) {
        rd_kafka_query_watermark_offsets(&client_, topic_.c_str(), partition, &low, &high, kWaitMs);
        return;
      }
    }
  }

  rd_kafka_t& client_;
  const std::string topic_;
  std::vector<Extent> partitions_;  // begin: what comes next
  size_t open_ = 0;                 // partitions that have not been read to their end
  std::array<rd_kafka_message_t*, kBatch> batch_{};
  Owned<rd_kafka_queue_t> queue_;
};

class Table {
 public:
  void add(std::span<rd_kafka_message_t* const> messages) {
    rows_.clear();
    copies_.clear();
    for (const rd_kafka_message_t* message : messages) {
      const std::string_view value = value_of(*message);
      totals::Totals::Row row;
      if (decoder_.decode_one(value, row.record) != record::Flaw::kNone)
        give_up(value, "not a payment");
      // A text that had to be decoded lives until the next one is.
      const std::string_view user = row.record.user;
      const bool is_within =
          user.data() >= value.data() && user.data() < value.data() + value.size();
      if (!is_within) row.record.user = copies_.emplace_back(user);
      rows_.push_back(row);
    }
    if (!totals_.add(rows_, rejected_) || !rejected_.empty()) give_up("totals", "overflow");
  }

  uint32_t users() const { return totals_.users(); }
  uint64_t payments() const {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < totals_.users(); ++i) sum += totals_.count(i);
    return sum;
  }

 private:
  record::LineDecoder<record::Payment> decoder_{record::FieldNames{}};
  totals::Totals totals_{base::random_hash_seed(), {}};
  std::vector<totals::Totals::Row> rows_;
  std::vector<totals::Totals::RejectedRow> rejected_;
  std::deque<std::string> copies_;
};

int run(std::span<char*> words) {
  const std::string_view mode = words.size() < 4 ? "" : words[1];
  if (mode != "count" && mode != "sum") {
    give_up("usage", "kafka_floor count|sum BROKERS TOPIC [KEY=VALUE...]");
  }
  std::vector<Property> properties;
  for (const char* word : words.subspan(4)) properties.push_back(property_of(word));
  const Owned<rd_kafka_t> consumer = make_consumer(words[2], properties);
  Table table;
  uint64_t records = 0;
  uint64_t bytes = 0;
  {
    Reader reader(*consumer, words[3]);
    for (auto messages = reader.next(); !messages.empty(); messages = reader.next()) {
      if (mode == "sum") table.add(messages);
      for (rd_kafka_message_t* message : messages) {
        bytes += message->len;
        rd_kafka_message_destroy(message);
      }
      records += messages.size();
    }
  }
  check("close", rd_kafka_consumer_close(consumer.get()));
  printf("%lu %lu %u %lu\n", records, bytes, table.users(), table.payments());
  return fflush(stdout) == 0 ? 0 : 2;
}

}  // namespace
}  // namespace paystats::bench

int main(int argc, char** argv) {
  return paystats::bench::run({argv, static_cast<size_t>(argc)});
}
