#include "io/payment_sink.h"

#include <string>
#include <utility>

#include "io/stream_sink.h"
#include "record/encoder.h"

namespace paystats::io {
namespace {

class StreamPaymentSink final : public PaymentSink {
 public:
  explicit StreamPaymentSink(std::unique_ptr<StreamSink> sink) : sink_(std::move(sink)) {}

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

}  // namespace

base::Result<std::unique_ptr<PaymentSink>> open_stream_payment_sink(const Endpoint& endpoint) {
  base::Result<std::unique_ptr<StreamSink>> sink =
      endpoint.kind == Endpoint::Kind::kStdio ? open_stdout() : open_stream(endpoint.name);
  if (!sink) return base::fail(sink.error());
  return std::make_unique<StreamPaymentSink>(std::move(*sink));
}

}  // namespace paystats::io
