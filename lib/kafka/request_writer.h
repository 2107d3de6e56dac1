// What the owner of partitions of a topic of requests writes: the payments of the requests, an
// answer to each of them, and how far the requests have been read, all in one transaction.
//
//   Result<std::unique_ptr<RequestWriter>> writer = RequestWriter::open(cluster, {
//       .requests_topic = "payment-requests", .payments_topic = "payments",
//       .answers_topic = "payment-answers", .transactional_id = "serve.1"});
//   (*writer)->begin(offsets, consumer);
//   (*writer)->pay(batch);                          // any number of times
//   (*writer)->answer(partition, key, line);        // the same
//   Result<bool> committed = (*writer)->commit();
//
// So a reader of committed messages sees the payments of a request if and only if it sees its
// answer and no later owner reads the request again. Where commit() says false none of it counts,
// or that is unknown, and the next begin() may go well: where it is unknown the caller goes by the
// offsets that the group has committed. A Result that failed means that there is no going on (see
// producer.h). Waits for the broker. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kafka/cluster.h"
#include "kafka/group_consumer.h"
#include "record/payment.h"

namespace paystats::kafka {

struct RequestWriterOptions {
  std::string requests_topic;  // whose offsets are committed
  std::string payments_topic;
  std::string answers_topic;
  std::string transactional_id;
};

class RequestWriter {
 public:
  // Waits for the broker, and until what a predecessor of the same id left open is settled.
  // `cluster` is borrowed. REQUIRES: the topics exist.
  static base::Result<std::unique_ptr<RequestWriter>> open(Cluster& cluster,
                                                           RequestWriterOptions options);
  RequestWriter(const RequestWriter&) = delete;
  RequestWriter& operator=(const RequestWriter&) = delete;
  ~RequestWriter();

  // Begins a transaction with `next`, from where the next owner of each partition is to read it.
  // `consumer` is the member that has read them.
  base::Result<void> begin(std::span<const record::SourceOffset> next, GroupConsumer& consumer);

  // As many payments as the batch's volume says, each a message under its user. REQUIRES:
  // amount_text is plain.
  base::Result<void> pay(const record::Batch& batch);

  // Into this partition of the answers.
  base::Result<void> answer(int32_t partition, std::string_view key, std::string_view value);

  // True: committed, all of it. False: none of it counts, or that is unknown; see why().
  base::Result<bool> commit();

  // Asks how many partitions the answers have by now, which librdkafka does by itself only each
  // five minutes: it sends nothing to one that it does not know. REQUIRES: no transaction is open.
  void look_for_partitions();

  const std::string& why() const;  // the last commit() said false
  // None of it counts, for certain.
  bool undone() const;
  // So it is since the broker takes a message of it never: its size, or a policy of the topic.
  bool refused() const;

 private:
  class Impl;
  explicit RequestWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace paystats::kafka
