#include "io/payment_sink.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <string>

#include "io/payment_log.h"
#include "io/stream_sink.h"
#include "record/encoder.h"

namespace paystats::io {
namespace {

// Plain lines, to any reader.
class StreamPaymentSink final : public PaymentSink {
 public:
  explicit StreamPaymentSink(std::unique_ptr<StreamSink> sink) : sink_(std::move(sink)) {}

  base::Result<void> put(std::span<const record::Batch> batches) override {
    for (const record::Batch& batch : batches) {
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

class LogPaymentSink final : public PaymentSink {
 public:
  explicit LogPaymentSink(PaymentLog log) : log_(std::move(log)) {}

  base::Result<void> put(std::span<const record::Batch> batches) override {
    uint64_t payments_left = 0;
    for (const record::Batch& batch : batches) {
      if (__builtin_add_overflow(payments_left, batch.volume, &payments_left)) {
        return base::fail("more payments in one batch than can be counted");
      }
    }
    group_begin_ = buffer_.size();
    const bool marked = payments_left > 1;
    for (const record::Batch& batch : batches) {
      line_.assign(marked ? 1 : 0, ' ');
      record::append_payment(line_, batch.user, batch.amount_text);
      if (marked) line_.insert(line_.size() - 1, 1, ' ');
      for (uint64_t i = 0; i < batch.volume; ++i) {
        if (--payments_left == 0 && marked) unmark(line_);
        buffer_ += line_;
        if (buffer_.size() >= kRequestBytesMax) {
          base::Result<void> streamed = stream_group();
          if (!streamed) return streamed;
        }
      }
    }
    if (streaming_) return finish_group();
    return buffer_.size() >= kCommitBytes ? flush() : base::Result<void>();
  }

  base::Result<void> commit_lines(std::string_view lines) override {
    base::Result<void> committed = flush();
    return committed ? log_.commit(lines) : committed;
  }

  base::Result<void> flush() override {
    base::Result<void> committed = log_.commit(buffer_);
    buffer_.clear();
    return committed;
  }

  base::Result<void> close() override { return flush(); }
  bool durable() const override { return true; }
  Aftermath aftermath() const override {
    return log_.broken() ? Aftermath::kBroken : Aftermath::kUndone;
  }

 private:
  // What has been put before a group, and as much of the group as is kept in memory.
  static constexpr size_t kRequestBytesMax = 4 << 20;

  static void unmark(std::string& line) {
    line.erase(line.size() - 2, 1);
    line.erase(0, 1);
  }

  // The group is larger than what is kept in memory: its lines so far go into the log, which stays
  // locked until the last of them is there.
  base::Result<void> stream_group() {
    base::Result<void> result;
    if (!streaming_) {
      result = log_.commit(std::string_view(buffer_).substr(0, group_begin_));
      buffer_.erase(0, group_begin_);
      group_begin_ = 0;
      if (result) result = log_.begin();
      streaming_ = result.has_value();
    }
    if (result) result = log_.append(buffer_);
    buffer_.clear();
    streaming_ = result.has_value();
    return result;
  }

  base::Result<void> finish_group() {
    base::Result<void> result = stream_group();
    if (result) result = log_.finish();
    streaming_ = false;
    return result;
  }

  PaymentLog log_;
  std::string buffer_;
  std::string line_;
  size_t group_begin_ = 0;  // where in the buffer the group begins that is being put
  bool streaming_ = false;
};

base::Result<std::unique_ptr<PaymentSink>> as_stream(
    base::Result<std::unique_ptr<StreamSink>> sink) {
  if (!sink) return base::fail(sink.error());
  return std::make_unique<StreamPaymentSink>(std::move(*sink));
}

base::Result<std::unique_ptr<PaymentSink>> as_log(base::Result<PaymentLog> log) {
  if (!log) return base::fail(log.error());
  return std::make_unique<LogPaymentSink>(std::move(*log));
}

}  // namespace

base::Result<std::unique_ptr<PaymentSink>> open_payment_sink(const Endpoint& endpoint,
                                                             base::Diagnostics& diagnostics) {
  switch (endpoint.kind) {
    case Endpoint::Kind::kTopic:
      return base::fail(fmt::format("kafka:{}: this build cannot write topics", endpoint.name));
    case Endpoint::Kind::kStdio: {
      const int flags = ::fcntl(STDOUT_FILENO, F_GETFL);
      const bool appends = flags >= 0 && (flags & O_APPEND) != 0;
      if (appends && base::fd_type(STDOUT_FILENO) == base::FdType::kRegular) {
        return as_log(PaymentLog::adopt(STDOUT_FILENO, "stdout", diagnostics));
      }
      return as_stream(open_stdout());
    }
    case Endpoint::Kind::kFile:
      break;
  }
  const base::Result<bool> special = is_special_file(endpoint.name);
  if (!special) return base::fail(special.error());
  if (*special) return as_stream(open_stream(endpoint.name));
  return as_log(PaymentLog::open(endpoint.name, diagnostics));
}

}  // namespace paystats::io
