// Doubles of this room's tests: a payment sink that remembers and can fail, and a sink of lines.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "io/payment_sink.h"
#include "io/sink.h"
#include "record/encoder.h"

namespace paystats::gen {

class MemoryPaymentSink final : public io::PaymentSink {
 public:
  base::Result<void> put(const record::Request& request) override {
    for (const record::Batch& batch : request.batches) {
      volumes.push_back(batch.volume);
      for (uint64_t i = 0; i < batch.volume; ++i) {
        record::append_payment(unflushed, batch.user, batch.amount_text);
      }
    }
    return {};
  }
  base::Result<void> commit_lines(std::string_view lines) override {
    unflushed += lines;
    return flush();
  }
  base::Result<void> flush() override {
    if (flushes_left == 0) return base::fail("the disk is full", fails_with);
    --flushes_left;
    if (!unflushed.empty()) ++flushes;
    taken += unflushed;
    unflushed.clear();
    if (on_flush) on_flush();
    return {};
  }
  base::Result<void> close() override { return flush(); }

  std::string taken;  // flushed
  std::string unflushed;
  std::vector<uint64_t> volumes;
  uint64_t flushes = 0;  // that had something to do
  uint64_t flushes_left = UINT64_MAX;
  base::ErrorKind fails_with = base::ErrorKind::kFailed;
  std::function<void()> on_flush;
};

class MemorySink final : public io::Sink {
 public:
  explicit MemorySink(std::string& out) : out_(out) {}
  base::Result<void> write(std::string_view lines) override {
    out_ += lines;
    return {};
  }
  base::Result<void> flush() override { return {}; }
  base::Result<void> close() override {
    out_ += "<closed>";
    return {};
  }

 private:
  std::string& out_;
};

}  // namespace paystats::gen
