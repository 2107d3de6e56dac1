#include "kafka/payment_sink.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "kafka/payment_messages.h"
#include "kafka/producer.h"
#include "kafka/topics.h"
#include "kafka/transactional_sink.h"

namespace paystats::kafka {
namespace {

// Sends at once, each payment a whole of its own.
class IdempotentPaymentSink final : public io::PaymentSink {
 public:
  IdempotentPaymentSink(std::string topic, std::unique_ptr<Producer> producer)
      : topic_(std::move(topic)), producer_(std::move(producer)), messages_(topic_) {}

  base::Result<void> put(const record::Request& request) override {
    for (const record::Batch& batch : request.batches) {
      if (base::Result<void> sent = messages_.send(batch, *producer_); !sent) return explain(sent);
    }
    return {};
  }

  base::Result<void> commit_lines(std::string_view lines) override {
    base::Result<void> sent = messages_.send(lines, *producer_);
    return sent ? sent : explain(sent);
  }

  base::Result<void> flush() override {
    const base::Result<CommitOutcome> outcome = producer_->commit();
    if (!outcome) return explain(base::fail(outcome.error()));
    if (*outcome == CommitOutcome::kCommitted) return {};
    return base::fail(fmt::format("{}: {}", topic_label(topic_), producer_->why()));
  }

  base::Result<void> close() override { return flush(); }
  bool lines_await_flush() const override { return true; }
  bool durable() const override { return true; }

 private:
  // Waiting has ended. What is under way may have arrived or not: that is never a quiet end.
  base::Result<void> explain(base::Result<void> ended) const {
    const uint64_t left = producer_->messages_under_way();
    if (left == 0) return ended;
    return base::fail(fmt::format("{}: {} {} not delivered: {}", topic_label(topic_), left,
                                  left == 1 ? "payment" : "payments", ended.error().message));
  }

  const std::string topic_;
  const std::unique_ptr<Producer> producer_;
  PaymentMessages messages_;
};

}  // namespace

base::Result<std::unique_ptr<io::PaymentSink>> open_topic_payment_sink(
    Cluster& cluster, const std::string& topic, const TopicSinkOptions& options) {
  const base::Result<int32_t> partitions = require_topic(cluster, {.name = topic});
  if (!partitions) return base::fail(partitions.error());
  ProducerOptions producer_options;
  producer_options.stop_grace = options.stop_grace;
  if (options.transactional) {
    producer_options.transactional_id = options.transactional_id;
    producer_options.transaction_timeout = options.transaction_timeout;
    producer_options.yields_when_fenced = true;
  } else {
    // A broker that is away is waited for: only --broker-timeout gives up.
    producer_options.defaults.emplace_back("message.timeout.ms", "0");
  }
  base::Result<std::unique_ptr<Producer>> producer = Producer::open(cluster, producer_options);
  if (!producer) return base::fail(producer.error());
  if (options.transactional)
    return transactional_payment_sink(topic, std::move(*producer), options);
  return std::make_unique<IdempotentPaymentSink>(topic, std::move(*producer));
}

}  // namespace paystats::kafka
