// Where payments go: stdout, a pipe, the durable log (see log/payment_sink.h), or a topic (see
// kafka/payment_sink.h).
//
// A put() is one whole: in the log, after any crash, all of its payments are there or none. A
// stream and a topic may hand on at once what is put; a log collects it until flush().
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "io/endpoint.h"
#include "record/payment.h"

namespace paystats::io {

class PaymentSink {
 public:
  // A caller with many puts flushes about once for so many bytes of lines.
  static constexpr size_t kCommitBytes = 1 << 20;

  virtual ~PaymentSink() = default;

  // REQUIRES: each amount_text is plain (see plain_decimal()), and where request_is_line(), the
  // request as a line is no longer than kLineBytesMax (see record::request_line_bytes()).
  virtual base::Result<void> put(const record::Request& request) = 0;

  // For bulk writes: commits `lines` at once, behind all that was put, without a copy. Each is one
  // payment and a whole of its own, and ends in a newline. An error says the same as that of
  // flush().
  virtual base::Result<void> commit_lines(std::string_view lines) = 0;

  // All that was put is where it belongs: handed to the pipe, or in the log and on the disk. An
  // error says that none of what was put since the last commit counts, as far as that is known.
  virtual base::Result<void> flush() = 0;
  virtual base::Result<void> close() = 0;  // flushes

  // A request is one line, whatever its volumes are, and a line has the time at which it was taken
  // (RFC 3339): a log. Else there is a line, or a message, for each payment, and no time.
  virtual bool request_is_line() const { return false; }

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

// Of stdout, or of a path that is not a regular file: plain lines, to any reader.
base::Result<std::unique_ptr<PaymentSink>> open_stream_payment_sink(const Endpoint& endpoint);

}  // namespace paystats::io
