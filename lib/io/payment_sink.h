// Where payments go: stdout, a pipe, the durable log, or a topic (see kafka/payment_sink.h).
//
// A put() is one whole: in the log, after any crash, all of its payments are there or none. Puts
// are collected and committed together by flush(), or by the put() with which their lines reach
// kCommitBytes.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "base/diagnostics.h"
#include "base/result.h"
#include "io/endpoint.h"
#include "record/payment.h"

namespace paystats::io {

class PaymentSink {
 public:
  // Of lines since the last flush, with up to two bytes of marks each: with these or more a put()
  // commits. A caller that needs all or nothing of several puts keeps them below, and flushes.
  static constexpr size_t kCommitBytes = 1 << 20;

  virtual ~PaymentSink() = default;

  // REQUIRES: each amount_text is plain (see plain_decimal()).
  virtual base::Result<void> put(std::span<const record::Batch> batches) = 0;

  // For bulk writes: commits `lines` at once, behind all that was put, without a copy. Each is one
  // payment and a whole of its own, ends in a newline and carries no mark. An error says the same
  // as that of flush().
  virtual base::Result<void> commit_lines(std::string_view lines) = 0;

  // All that was put is where it belongs: handed to the pipe, or in the log and on the disk. An
  // error says that none of what was put since the last commit counts, as far as that is known.
  virtual base::Result<void> flush() = 0;
  virtual base::Result<void> close() = 0;  // flushes

  // commit_lines() returns while its lines are on their way, and flush() waits for them: a topic.
  virtual bool lines_await_flush() const { return false; }

  // Whether what flush() has taken survives a power cut.
  virtual bool durable() const { return false; }
  // What became of what was put since the last commit, after an error of any of the above.
  enum class Aftermath {
    kBroken,   // nobody knows, and the sink is of no more use
    kUndone,   // it has been undone: none of it counts; later payments may go well
    kUnknown,  // all of it counts or none, and nobody knows which; later payments may go well
  };
  virtual Aftermath aftermath() const { return Aftermath::kBroken; }

  virtual int reader_fd() const { return -1; }
};

// A file, and a stdout that is a regular file opened for appending (`>> payments.jsonl`), is a
// durable log (see payment_log.h); any other stdout is written as a stream.
base::Result<std::unique_ptr<PaymentSink>> open_payment_sink(const Endpoint& endpoint,
                                                             base::Diagnostics& diagnostics);

}  // namespace paystats::io
