// The three ways of making payments, each a loop from its plan into the sink: at the pace asked
// for, until all is made, the duration has passed, or a stop signal comes. Output is flushed
// exactly before each wait, and at the end.
//
//   Delivery delivery(sink, waiter, pace, progress, &batch_totals);
//   Result<Ending> ending = deliver_single(plan, delivery);
//
// An error of kind kClosedOutput says that the reader of the output has gone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/progress.h"
#include "base/result.h"
#include "base/utc_text.h"
#include "gen/expected.h"
#include "gen/pace.h"
#include "gen/plan.h"
#include "gen/random_payments.h"
#include "io/message_source.h"
#include "io/payment_sink.h"
#include "io/reject_log.h"
#include "io/source.h"
#include "io/wait.h"

namespace paystats::gen {

// Payments at their pace into the sink, and what is known of those. All is borrowed.
class Delivery {
 public:
  // More than a transaction takes before its coordinator gives it up, or nearly so.
  static constexpr uint64_t kAtomicPaymentsMax = 10'000'000;

  // `totals` is of what goes by put(); nullptr where nobody wants it. `atomic`: a batch is one
  // whole however large it is, and the sink commits by flush() alone. With a prefix batch N has the
  // idempotency key PREFIX-N, and is put once. REQUIRES: then the sink is keyed().
  Delivery(io::PaymentSink& sink, const io::Waiter& waiter, Pace pace, base::Progress& progress,
           BatchTotals* totals, bool atomic = false, std::string idempotency_prefix = {});

  // How many of `wanted` may go now, after waiting for it; 0: the duration has passed or a stop
  // signal has come.
  base::Result<uint64_t> turn(uint64_t wanted);

  // The same for all of `wanted` or nothing. Fails where that is more than a transaction takes.
  base::Result<uint64_t> whole_turn(uint64_t wanted);

  // `number` is that of the batch in its job, from 1. With a prefix it is an error of kind
  // kMustNotGoOn where other payments have been made for that number.
  base::Result<void> put(const record::Batch& batch, uint64_t number);
  base::Result<void> commit_lines(std::string_view lines, uint64_t payments);
  base::Result<void> flush();

  // The largest volume of such a batch that is put at once. In a log that is any: it is one line.
  uint64_t whole_volume(const record::Batch& batch) const;

  bool atomic() const { return atomic_; }
  bool keyed() const { return !prefix_.empty(); }
  uint64_t batches() const { return batches_; }
  uint64_t batches_made_before() const { return made_before_; }  // of those
  uint64_t payments() const { return payments_; }
  uint64_t settled() const { return settled_; }  // of those: known to be where they belong
  const Pace& pace() const { return pace_; }
  base::Progress& progress() { return progress_; }
  bool stopped() const { return waiter_.stop().requested(); }
  base::Instant now() const { return waiter_.clock().now(); }
  bool settles_at_once() const { return !sink_.lines_await_flush(); }  // what commit_lines() takes
  // For lines of commit_lines(); nothing where they have none.
  std::optional<base::UtcText> line_time() const {
    if (!sink_.request_is_line()) return std::nullopt;
    return base::UtcText(waiter_.clock().time_of_day());
  }
  bool has_reader() const { return sink_.reader_fd() >= 0; }

 private:
  base::Result<void> check_whole(uint64_t payments) const;
  base::Result<void> begin_turn();
  base::Result<void> put_once(const record::Batch& batch, uint64_t number);

  io::PaymentSink& sink_;
  const io::Waiter& waiter_;
  Pace pace_;
  base::Progress& progress_;
  BatchTotals* totals_;
  const bool atomic_;
  const std::string prefix_;
  uint64_t batches_ = 0;
  uint64_t made_before_ = 0;
  uint64_t payments_ = 0;
  uint64_t settled_ = 0;
  uint64_t unflushed_bytes_ = 0;  // about
};

enum class Ending {
  kComplete,     // all that was asked for
  kInterrupted,  // a stop signal came before that
};

// `totals`, where wanted, holds what the sink has taken, also after an error.
base::Result<Ending> deliver_random(const RandomPlan& plan, Delivery& delivery,
                                    RandomPayments& payments, RandomTotals* totals);
base::Result<Ending> deliver_single(const SinglePlan& plan, Delivery& delivery);
base::Result<Ending> deliver_lines(const LinesPlan& plan, Delivery& delivery, io::Source& source,
                                   io::RejectLog& rejects);
base::Result<Ending> deliver_messages(const LinesPlan& plan, Delivery& delivery,
                                      io::MessageSource& source, io::RejectLog& rejects,
                                      io::Framing framing = io::Framing::kNone);

}  // namespace paystats::gen
