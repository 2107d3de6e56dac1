#include "kafka/topic_sink.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "kafka/producer.h"
#include "kafka/topics.h"

namespace paystats {
namespace {

class TopicSink final : public Sink {
 public:
  TopicSink(std::string topic, std::unique_ptr<Producer> producer)
      : topic_(std::move(topic)), producer_(std::move(producer)) {}

  Result<void> write(std::string_view lines) override {
    while (!lines.empty()) {
      const std::string_view line = lines.substr(0, lines.find('\n'));
      if (Result<void> sent = producer_->send({.topic = topic_, .value = line}); !sent) {
        return undelivered(sent.error());
      }
      lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    }
    return {};
  }

  Result<void> flush() override {
    const Result<CommitOutcome> outcome = producer_->commit();
    if (!outcome) return undelivered(outcome.error());
    if (*outcome == CommitOutcome::kCommitted) return {};
    return fail(fmt::format("{}: {}", topic_label(topic_), producer_->why()));
  }

  Result<void> close() override { return flush(); }

 private:
  Result<void> undelivered(const Error& error) const {
    return fail(fmt::format("{}: {} records not delivered: {}", topic_label(topic_),
                            producer_->messages_under_way(), error.message));
  }

  const std::string topic_;
  const std::unique_ptr<Producer> producer_;
};

}  // namespace

Result<std::unique_ptr<Sink>> open_topic_sink(Cluster& cluster, const std::string& topic) {
  const Result<int32_t> partitions = require_topic(cluster, {.name = topic});
  if (!partitions) return fail(partitions.error());
  ProducerOptions options;
  options.defaults = {{"message.timeout.ms", "0"}};
  Result<std::unique_ptr<Producer>> producer = Producer::open(cluster, std::move(options));
  if (!producer) return fail(producer.error());
  return std::make_unique<TopicSink>(topic, std::move(*producer));
}

}  // namespace paystats
