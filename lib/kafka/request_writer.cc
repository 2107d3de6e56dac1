#include "kafka/request_writer.h"

#include <utility>
#include <vector>

#include "kafka/payment_messages.h"
#include "kafka/producer.h"
#include "kafka/refusals.h"

namespace paystats::kafka {
namespace {

// A request may be of very many payments, each a message of its own.
constexpr base::Duration kTransactionTimeout = std::chrono::seconds(60);
constexpr base::Duration kStopGrace = std::chrono::seconds(2);

}  // namespace

class RequestWriter::Impl {
 public:
  Impl(RequestWriterOptions writer_options, std::unique_ptr<Producer> opened)
      : options(std::move(writer_options)),
        producer(std::move(opened)),
        payments(options.payments_topic) {}

  const RequestWriterOptions options;
  const std::unique_ptr<Producer> producer;
  PaymentMessages payments;
  bool undone = false;  // the last transaction, for certain
};

RequestWriter::RequestWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RequestWriter::~RequestWriter() = default;

base::Result<std::unique_ptr<RequestWriter>> RequestWriter::open(Cluster& cluster,
                                                                 RequestWriterOptions options) {
  base::Result<std::unique_ptr<Producer>> producer =
      Producer::open(cluster, {.transactional_id = options.transactional_id,
                               .transaction_timeout = kTransactionTimeout,
                               .stop_grace = kStopGrace});
  if (!producer) return base::fail(producer.error());
  auto impl = std::make_unique<Impl>(std::move(options), std::move(*producer));
  return std::unique_ptr<RequestWriter>(new RequestWriter(std::move(impl)));
}

base::Result<void> RequestWriter::begin(std::span<const record::SourceOffset> next,
                                        GroupConsumer& consumer) {
  if (base::Result<void> begun = impl_->producer->begin(); !begun) return begun;
  std::vector<SignedOffset> offsets;  // without a signature: their answers say where to go on
  for (const record::SourceOffset& each : next) {
    offsets.push_back({.partition = each.partition, .offset = each.offset});
  }
  const std::shared_ptr<const void> group = consumer.group_metadata();
  return impl_->producer->add_offsets(
      {.topic = impl_->options.requests_topic,
       .next = offsets,
       .group = static_cast<const rd_kafka_consumer_group_metadata_t*>(group.get()),
       .group_name = consumer.group()});
}

base::Result<void> RequestWriter::pay(const record::Batch& batch) {
  return impl_->payments.send(batch, *impl_->producer);
}

base::Result<void> RequestWriter::answer(int32_t partition, std::string_view key,
                                         std::string_view value) {
  return impl_->producer->send(
      {.topic = impl_->options.answers_topic, .partition = partition, .key = key, .value = value});
}

base::Result<bool> RequestWriter::commit() {
  const base::Result<CommitOutcome> outcome = impl_->producer->commit();
  if (!outcome) return base::fail(outcome.error());
  impl_->undone = *outcome == CommitOutcome::kUndone;
  return *outcome == CommitOutcome::kCommitted;
}

void RequestWriter::look_for_partitions() {
  static_cast<void>(impl_->producer->has_leaders(impl_->options.answers_topic));
}

bool RequestWriter::undone() const {
  return impl_->undone;
}

bool RequestWriter::refused() const {
  if (!impl_->undone) return false;
  return refused_by(impl_->producer->error()) == Refused::kMessage;
}

const std::string& RequestWriter::why() const {
  return impl_->producer->why();
}

}  // namespace paystats::kafka
