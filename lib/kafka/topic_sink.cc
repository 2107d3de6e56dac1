#include "kafka/topic_sink.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "kafka/producer.h"
#include "kafka/topics.h"

namespace paystats::kafka {
namespace {

class TopicSink final : public io::Sink {
 public:
  TopicSink(std::string topic, std::unique_ptr<Producer> producer)
      : topic_(std::move(topic)), producer_(std::move(producer)) {}

  base::Result<void> write(std::string_view lines) override {
    while (!lines.empty()) {
      const std::string_view line = lines.substr(0, lines.find('\n'));
      if (base::Result<void> sent = producer_->send({.topic = topic_, .value = line}); !sent) {
        return undelivered(sent.error());
      }
      lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    }
    return {};
  }

  base::Result<void> flush() override {
    const base::Result<CommitOutcome> outcome = producer_->commit();
    if (!outcome) return undelivered(outcome.error());
    if (*outcome == CommitOutcome::kCommitted) return {};
    return base::fail(fmt::format("{}: {}", topic_label(topic_), producer_->why()));
  }

  base::Result<void> close() override { return flush(); }

 private:
  base::Result<void> undelivered(const base::Error& error) const {
    return base::fail(fmt::format("{}: {} records not delivered: {}", topic_label(topic_),
                                  producer_->messages_under_way(), error.message));
  }

  const std::string topic_;
  const std::unique_ptr<Producer> producer_;
};

}  // namespace

base::Result<std::unique_ptr<io::Sink>> open_topic_sink(Cluster& cluster,
                                                        const std::string& topic) {
  const base::Result<int32_t> partitions = require_topic(cluster, {.name = topic});
  if (!partitions) return base::fail(partitions.error());
  ProducerOptions options;
  options.defaults = {{"message.timeout.ms", "0"}};
  base::Result<std::unique_ptr<Producer>> producer = Producer::open(cluster, std::move(options));
  if (!producer) return base::fail(producer.error());
  return std::make_unique<TopicSink>(topic, std::move(*producer));
}

}  // namespace paystats::kafka
