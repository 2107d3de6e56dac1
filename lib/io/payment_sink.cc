#include "io/payment_sink.h"

#include <atomic>
#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "base/hash.h"
#include "io/stream_sink.h"
#include "keys/ledger.h"
#include "record/encoder.h"

namespace paystats::io {
namespace {

class StreamPaymentSink : public PaymentSink {
 public:
  explicit StreamPaymentSink(std::unique_ptr<StreamSink> sink) : sink_(std::move(sink)) {}

  base::Result<Turn> begin(int cancel_fd) override { return sink_->wait_for_room(cancel_fd); }

  base::Result<void> put(const record::Request& request) override {
    for (const record::Batch& batch : request.batches) {
      line_.clear();
      record::append_payment(line_, batch.user, batch.amount_text);
      for (uint64_t i = 0; i < batch.volume; ++i) {
        base::Result<void> written = sink_->write(line_);
        if (!written) return written;
      }
    }
    return {};
  }

  base::Result<void> commit_lines(std::string_view lines) override {
    return sink_->write_through(lines);
  }

  base::Result<void> flush() override { return sink_->flush(); }
  base::Result<void> close() override { return sink_->close(); }
  int reader_fd() const override { return sink_->reader_fd(); }

 private:
  const std::unique_ptr<StreamSink> sink_;
  std::string line_;
};

// Remembers what it has written, each request under its number.
class KeyedStreamPaymentSink final : public StreamPaymentSink, public KeyedPayments {
 public:
  KeyedStreamPaymentSink(std::unique_ptr<StreamSink> sink, const keys::KeyLimits& limits,
                         const base::Clock& clock)
      : StreamPaymentSink(std::move(sink)), clock_(clock), ledger_(limits, [this](uint64_t place) {
          return base::Result<std::optional<keys::KeyedRequest>>(
              place < first_ ? std::nullopt : std::optional(requests_[place - first_]));
        }) {}

  base::Result<keys::KeyAnswer> put_once(const record::Request& request) override {
    base::Result<keys::KeyAnswer> answer = ledger_.judge(request, clock_.since_boot());
    if (!answer || answer->kind != keys::KeyAnswer::Kind::kNew) return answer;
    const keys::KeyedRequest remembered = keys::keyed_request(request);
    ledger_.bind(request.idempotency_key, remembered, first_ + requests_.size());
    requests_.push_back(remembered);
    if (base::Result<void> done = put(request); !done) return base::fail(done.error());
    return answer;
  }
  base::Result<keys::KeyAnswer> find(std::string_view key) override { return ledger_.find(key); }

  base::Result<void> flush() override {
    base::Result<void> flushed = StreamPaymentSink::flush();
    if (flushed) {
      ledger_.confirm(clock_.since_boot());
      // What the table has forgotten is not looked for any more.
      for (; requests_.size() > ledger_.size(); ++first_) requests_.pop_front();
    }
    update_figures();
    return flushed;
  }

  base::Result<void> follow() override {
    update_figures();
    return {};
  }
  keys::KeyFigures figures() const override {
    return {.kept = keys::KeyFigures::Kept::kProcess,
            .complete = false,
            .instance = instance_,
            .keys = known_.load(std::memory_order_relaxed),
            .keys_young = young_.load(std::memory_order_relaxed),
            .keys_max = ledger_.limits().keys_max,
            .memory = ledger_.limits().memory};
  }
  std::string describe(const keys::KeyAnswer&) const override { return {}; }
  KeyedPayments* keyed() override { return this; }

 private:
  void update_figures() {
    known_.store(ledger_.size(), std::memory_order_relaxed);
    young_.store(ledger_.young(clock_.since_boot()), std::memory_order_relaxed);
  }

  const base::Clock& clock_;
  std::deque<keys::KeyedRequest> requests_;
  uint64_t first_ = 0;  // the place of the first of them
  const uint64_t instance_ = base::random_hash_seed();
  keys::Ledger ledger_;
  std::atomic<uint64_t> known_ = 0;
  std::atomic<uint64_t> young_ = 0;
};

base::Result<std::unique_ptr<StreamSink>> open_stream_sink(const Endpoint& endpoint) {
  return endpoint.kind == Endpoint::Kind::kStdio ? open_stdout() : open_stream(endpoint.name);
}

}  // namespace

base::Result<std::unique_ptr<PaymentSink>> open_stream_payment_sink(const Endpoint& endpoint) {
  base::Result<std::unique_ptr<StreamSink>> sink = open_stream_sink(endpoint);
  if (!sink) return base::fail(sink.error());
  return std::make_unique<StreamPaymentSink>(std::move(*sink));
}

base::Result<std::unique_ptr<PaymentSink>> open_keyed_stream_payment_sink(
    const Endpoint& endpoint, const keys::KeyLimits& limits, const base::Clock& clock) {
  base::Result<std::unique_ptr<StreamSink>> sink = open_stream_sink(endpoint);
  if (!sink) return base::fail(sink.error());
  return std::make_unique<KeyedStreamPaymentSink>(std::move(*sink), limits, clock);
}

}  // namespace paystats::io
