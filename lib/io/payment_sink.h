// Where payments go: stdout, a pipe, the durable log (see log/payment_sink.h), or a topic (see
// kafka/payment_sink.h).
//
// A put() is one whole: in the log, after any crash, all of its payments are there or none. A
// stream and a topic may hand on at once what is put; a log collects it until flush().
//
//   Result<Turn> turn = sink->begin(stop_fd);       // waits for a lock, or for room
//   if (turn && turn->mine) {
//     Result<void> put = sink->put({.batches = batches});
//     Result<void> stored = sink->flush();          // ends the turn
//   }
//
// Without begin() a flush() waits by itself, and cannot be told to give up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "io/endpoint.h"
#include "io/turn.h"
#include "keys/key_answer.h"
#include "keys/key_table.h"
#include "record/payment.h"

namespace paystats::io {

// What an output that remembers idempotency keys can do with them. All but figures() between
// begin() and flush().
class KeyedPayments {
 public:
  virtual ~KeyedPayments() = default;

  // put() of a request that has a key, where the answer is kNew; else nothing is put. An error
  // says that the keys could not be read, and nothing is put either.
  virtual base::Result<keys::KeyAnswer> put_once(const record::Request& request) = 0;
  virtual base::Result<keys::KeyAnswer> find(std::string_view key) = 0;

  // Takes notice of what others have written, at any time: so that less is left for begin().
  virtual base::Result<void> follow() = 0;

  virtual keys::KeyFigures figures() const = 0;  // of any thread

  // The request of an answer, for a message: "payments.jsonl:17: {...}".
  virtual std::string describe(const keys::KeyAnswer& answer) const = 0;
};

class PaymentSink {
 public:
  // A caller with many puts flushes about once for so many bytes of lines.
  static constexpr size_t kCommitBytes = 1 << 20;

  virtual ~PaymentSink() = default;

  // Waits until what is put next need not wait for others: a log is locked, a pipe has room. It
  // gives up where `cancel_fd` (-1: none) can be read meanwhile. The next flush() ends the turn;
  // within it a log has nothing to wait for.
  virtual base::Result<Turn> begin(int /*cancel_fd*/) { return Turn(); }

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

  // Ends a turn in which something could not be put: a log writes nothing of it.
  virtual void abandon() {}

  // After an error that has been undone: whether payments could be taken again, as far as that can
  // be told without writing any; false where only a put() can tell. Takes a second at most. An
  // error says the same as that of flush(). REQUIRES: a turn, in which nothing has been put.
  virtual base::Result<bool> probe() { return false; }

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

  // Where the output remembers idempotency keys.
  virtual KeyedPayments* keyed() { return nullptr; }
};

// Of stdout, or of a path that is not a regular file: plain lines, to any reader.
base::Result<std::unique_ptr<PaymentSink>> open_stream_payment_sink(const Endpoint& endpoint);
// The same, keyed(): what this process has written is remembered. The clock is borrowed.
base::Result<std::unique_ptr<PaymentSink>> open_keyed_stream_payment_sink(
    const Endpoint& endpoint, const keys::KeyLimits& limits, const base::Clock& clock);

}  // namespace paystats::io
