#include "kafka/transactional_sink.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "kafka/payment_messages.h"

namespace paystats::kafka {
namespace {

constexpr int kPurgesMax = 3;

// Batches are kept as they are until flush(), which makes payments of them: a batch of a billion is
// as small as one of one.
class HeldBatches {
 public:
  void add(const record::Batch& batch) {
    held_.push_back({batch.user.size(), batch.amount_text.size(), batch.volume});
    texts_ += batch.user;
    texts_ += batch.amount_text;
  }
  bool empty() const { return held_.empty(); }
  void clear() {
    held_.clear();
    texts_.clear();
  }

  base::Result<void> send(PaymentMessages& messages, Producer& producer) const {
    std::string_view rest = texts_;
    for (const Held& held : held_) {
      const record::Batch batch{.user = rest.substr(0, held.user_bytes),
                                .amount_text = rest.substr(held.user_bytes, held.amount_bytes),
                                .amount = {},
                                .volume = held.volume};
      if (base::Result<void> sent = messages.send(batch, producer); !sent) return sent;
      rest.remove_prefix(held.user_bytes + held.amount_bytes);
    }
    return {};
  }

 private:
  struct Held {
    size_t user_bytes;
    size_t amount_bytes;
    uint64_t volume;
  };
  std::vector<Held> held_;
  std::string texts_;
};

class TransactionalPaymentSink final : public io::PaymentSink {
 public:
  TransactionalPaymentSink(std::string topic, std::unique_ptr<Producer> producer,
                           const TopicSinkOptions& options)
      : topic_(std::move(topic)),
        options_(options),
        producer_(std::move(producer)),
        messages_(topic_) {}

  base::Result<void> put(const record::Request& request) override {
    for (const record::Batch& batch : request.batches) held_.add(batch);
    return {};
  }

  base::Result<void> commit_lines(std::string_view lines) override {
    if (!held_.empty()) {
      if (base::Result<void> flushed = flush(); !flushed) return flushed;
    }
    base::Result<void> sent = producer_->begin();
    lines_sent_ = true;
    if (sent) sent = messages_.send(lines, *producer_);
    if (!sent) return ended(sent.error());
    return options_.lines_together ? base::Result<void>() : flush();
  }

  base::Result<void> flush() override {
    if (lines_sent_) {
      lines_sent_ = false;
      return conclude();
    }
    for (int purges = 0; !held_.empty();) {
      base::Result<void> sent = producer_->begin();
      if (sent) sent = held_.send(messages_, *producer_);
      base::Result<void> committed = sent ? conclude() : ended(sent.error());
      if (!committed && can_be_made_again(purges)) continue;
      held_.clear();
      return committed;
    }
    return {};
  }

  // A right that is missing is not seen from a topic that has its leaders.
  base::Result<bool> probe() override {
    if (!refused_) return producer_->has_leaders(topic_);
    base::Result<bool> taken = producer_->is_taken(topic_);
    if (!taken) aftermath_ = Aftermath::kBroken;  // its message may be in an open transaction
    return taken;
  }

  base::Result<void> close() override { return flush(); }
  bool lines_await_flush() const override { return options_.lines_together; }
  bool durable() const override { return true; }
  Aftermath aftermath() const override { return aftermath_; }

 private:
  base::Result<void> conclude() {
    const base::Result<CommitOutcome> outcome = producer_->commit();
    if (!outcome) return ended(outcome.error());
    refused_ = *outcome != CommitOutcome::kCommitted && producer_->refused_everything();
    switch (*outcome) {
      case CommitOutcome::kCommitted:
        return {};
      case CommitOutcome::kUndone:
        aftermath_ = Aftermath::kUndone;
        return base::fail(fmt::format("{}: the transaction was undone: {}", topic_label(topic_),
                                      producer_->why()));
      case CommitOutcome::kUnknown:
        break;
    }
    aftermath_ = Aftermath::kUnknown;
    return base::fail(fmt::format("{}: nobody knows whether the transaction was committed: {}",
                                  topic_label(topic_), producer_->why()));
  }

  // There is no going on. Once a commit was asked for that is never a quiet end.
  base::Result<void> ended(const base::Error& error) {
    aftermath_ = Aftermath::kBroken;
    if (!producer_->commit_asked()) return base::fail(error);
    return base::fail(fmt::format("{}: nobody knows whether the last transaction was committed: {}",
                                  topic_label(topic_), error.message));
  }

  // librdkafka 2.0.2 purges what is sent right after a transaction that it aborted, too. That is
  // not the fault of those payments, so they are sent again, a few times.
  bool can_be_made_again(int& purges) const {
    if (aftermath_ != Aftermath::kUndone) return false;
    const rd_kafka_resp_err_t error = producer_->error();
    if (was_purged(error)) return ++purges <= kPurgesMax;
    return options_.patient && (is_about_reach(error) || error == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT);
  }

  const std::string topic_;
  const TopicSinkOptions options_;
  const std::unique_ptr<Producer> producer_;
  PaymentMessages messages_;
  HeldBatches held_;
  bool lines_sent_ = false;  // within a transaction that is open
  bool refused_ = false;     // the last one, as any other would be
  Aftermath aftermath_ = Aftermath::kBroken;
};

}  // namespace

std::unique_ptr<io::PaymentSink> transactional_payment_sink(std::string topic,
                                                            std::unique_ptr<Producer> producer,
                                                            const TopicSinkOptions& options) {
  return std::make_unique<TransactionalPaymentSink>(std::move(topic), std::move(producer), options);
}

}  // namespace paystats::kafka
