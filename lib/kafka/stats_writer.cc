#include "kafka/stats_writer.h"

#include <utility>

#include "kafka/producer.h"

namespace paystats {
namespace {

std::string_view without_newline(std::string_view line) {
  if (!line.empty() && line.back() == '\n') line.remove_suffix(1);
  return line;
}

}  // namespace

class StatsWriter::Impl {
 public:
  Impl(StatsWriterOptions stats_options, std::unique_ptr<Producer> opened)
      : options(std::move(stats_options)), producer(std::move(opened)) {}

  const StatsWriterOptions options;
  const std::unique_ptr<Producer> producer;
};

StatsWriter::StatsWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
StatsWriter::~StatsWriter() = default;

Result<std::unique_ptr<StatsWriter>> StatsWriter::open(Cluster& cluster,
                                                       StatsWriterOptions options) {
  Result<std::unique_ptr<Producer>> producer =
      Producer::open(cluster, {.transactional_id = options.transactional_id, .defaults = {}});
  if (!producer) return fail(producer.error());
  return std::unique_ptr<StatsWriter>(
      new StatsWriter(std::make_unique<Impl>(std::move(options), std::move(*producer))));
}

Result<void> StatsWriter::begin() {
  return impl_->producer->begin();
}

Result<void> StatsWriter::stats(int32_t partition, std::string_view user, std::string_view line) {
  return impl_->producer->send({.topic = impl_->options.topic,
                                .partition = partition,
                                .key = user,
                                .value = without_newline(line)});
}

Result<void> StatsWriter::reject(std::string_view line) {
  return impl_->producer->send(
      {.topic = *impl_->options.rejects_topic, .value = without_newline(line)});
}

Result<bool> StatsWriter::commit(std::span<const SourceOffset> next, GroupConsumer& consumer) {
  const bool exactly_once = impl_->options.transactional_id.has_value();
  const ConsumedOffsets offsets{
      .topic = impl_->options.source_topic,
      .next = next,
      .group = exactly_once ? static_cast<const rd_kafka_consumer_group_metadata_t*>(
                                  consumer.group_metadata())
                            : nullptr};
  const Result<CommitOutcome> outcome = impl_->producer->commit(&offsets);
  if (!outcome) return fail(outcome.error());
  if (*outcome != CommitOutcome::kCommitted) return false;
  if (exactly_once) return true;
  // Stats first, then the offsets: what lies between is read again, and skipped for each user. Who
  // may not commit any more is about to hear of it.
  const Result<bool> committed = consumer.commit(next);
  return committed ? Result<bool>(true) : fail(committed.error());
}

const std::string& StatsWriter::why() const {
  return impl_->producer->why();
}

}  // namespace paystats
