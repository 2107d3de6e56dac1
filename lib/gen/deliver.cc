#include "gen/deliver.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "io/decode_block.h"
#include "io/decode_messages.h"
#include "record/decoder.h"

namespace paystats::gen {
namespace {

// Payments made in one go without a rate. A reader at the other end of a pipe works in parallel
// on blocks that stay in the cache; the disk wants few and large commits.
constexpr uint64_t kPaymentsForReader = 4096;
constexpr uint64_t kPaymentsForDisk = RandomPayments::kPaymentsMax;

// Of a batch that is a line or a message for each payment: between two looks at the stop signal.
constexpr uint64_t kTurnBytesMax = 64 << 20;

// Bytes of a line at most: a byte of the user may become six, and the rest is short.
uint64_t line_bytes_max(const record::Batch& batch) {
  constexpr uint64_t kOtherBytes = 96;
  return batch.user.size() * 6 + batch.amount_text.size() + kOtherBytes;
}

}  // namespace

Delivery::Delivery(io::PaymentSink& sink, const io::Waiter& waiter, Pace pace,
                   base::Progress& progress, BatchTotals* totals, bool atomic,
                   std::string idempotency_prefix)
    : sink_(sink),
      waiter_(waiter),
      pace_(pace),
      progress_(progress),
      totals_(totals),
      atomic_(atomic),
      prefix_(std::move(idempotency_prefix)) {}

base::Result<uint64_t> Delivery::turn(uint64_t wanted) {
  for (;;) {
    if (stopped()) return 0;
    const base::Instant at = now();
    if (pace_.over(at)) return 0;
    if (const uint64_t taken = pace_.take(wanted, at); taken > 0) return taken;
    if (base::Result<void> flushed = flush(); !flushed) return base::fail(flushed.error());
    progress_.update(payments_);
    const base::Result<io::Wake> woken = waiter_.wait_readable(-1, pace_.wake());
    if (!woken) return base::fail(woken.error());
  }
}

base::Result<void> Delivery::check_whole(uint64_t payments) const {
  if (!atomic_ || payments <= kAtomicPaymentsMax) return {};
  return base::fail(
      fmt::format("--atomic: a transaction takes {} payments at most", kAtomicPaymentsMax));
}

base::Result<uint64_t> Delivery::whole_turn(uint64_t wanted) {
  if (base::Result<void> checked = check_whole(wanted); !checked)
    return base::fail(checked.error());
  uint64_t taken = 0;
  while (taken < wanted) {
    base::Result<uint64_t> more = turn(wanted - taken);
    if (!more || *more == 0) return more;
    taken += *more;
  }
  return taken;
}

uint64_t Delivery::whole_volume(const record::Batch& batch) const {
  if (atomic_ || sink_.request_is_line()) return UINT64_MAX;
  return std::max<uint64_t>(1, kTurnBytesMax / line_bytes_max(batch));
}

// A log is locked for what is put from here on, up to the next flush(). A stop signal ends the wait
// for the lock, and then nothing of what has not been flushed is ever written.
base::Result<void> Delivery::begin_turn() {
  if (!sink_.request_is_line()) return {};
  const base::Result<io::Turn> turn = sink_.begin(waiter_.stop().fd());
  if (!turn) return base::fail(turn.error());
  if (!turn->mine) {
    return base::fail("stopped while another process held the lock of the log",
                      base::ErrorKind::kInterrupted);
  }
  return {};
}

base::Result<void> Delivery::put_once(const record::Batch& batch, uint64_t number) {
  if (base::Result<void> begun = begin_turn(); !begun) return begun;
  const std::string key = fmt::format("{}-{}", prefix_, number);
  const base::Result<keys::KeyAnswer> answer =
      sink_.keyed()->put_once({.batches = {&batch, 1}, .idempotency_key = key});
  if (!answer) return base::fail(answer.error());
  ++batches_;
  switch (answer->kind) {
    case keys::KeyAnswer::Kind::kNew:
      return {};
    case keys::KeyAnswer::Kind::kPaid:
      ++made_before_;
      return {};
    default:
      break;
  }
  const std::string before = sink_.keyed()->describe(*answer);
  if (base::Result<void> flushed = flush(); !flushed) return flushed;
  return base::fail(
      fmt::format("batch {} is not what was made for its number, {}; what came before it is made. "
                  "For another job choose another --idempotency-prefix",
                  number, before),
      base::ErrorKind::kMustNotGoOn);
}

base::Result<void> Delivery::put(const record::Batch& batch, uint64_t number) {
  if (base::Result<void> checked = check_whole(batch.volume); !checked) return checked;
  if (keyed()) {  // first: what may not be made is not expected either
    if (base::Result<void> put = put_once(batch, number); !put) return put;
  }
  if (totals_ != nullptr && !totals_->add(batch)) {
    return base::fail(fmt::format("--expect: the sum of {} would overflow", batch.user));
  }
  if (!keyed()) {
    if (base::Result<void> put = sink_.put({{&batch, 1}}); !put) return put;
  }
  payments_ += batch.volume;
  unflushed_bytes_ += line_bytes_max(batch) * (sink_.request_is_line() ? 1 : batch.volume);
  return unflushed_bytes_ < io::PaymentSink::kCommitBytes ? base::Result<void>() : flush();
}

base::Result<void> Delivery::commit_lines(std::string_view lines, uint64_t payments) {
  if (base::Result<void> begun = begin_turn(); !begun) return begun;
  base::Result<void> committed = sink_.commit_lines(lines);
  if (!committed) return committed;
  payments_ += payments;
  if (!sink_.lines_await_flush()) settled_ = payments_;
  return committed;
}

base::Result<void> Delivery::flush() {
  if (unflushed_bytes_ > 0) {
    if (base::Result<void> begun = begin_turn(); !begun) return begun;
  }
  base::Result<void> flushed = sink_.flush();
  if (!flushed) return flushed;
  unflushed_bytes_ = 0;
  settled_ = payments_;
  if (totals_ != nullptr) totals_->settle();
  return flushed;
}

namespace {

// Where payments are long on their way, the totals of so many wait for them to arrive.
constexpr uint64_t kUnsettledMax = 1 << 20;

// All of the workload as one whole.
base::Result<Ending> deliver_random_whole(uint64_t all, Delivery& delivery,
                                          RandomPayments& payments, RandomTotals* totals) {
  const base::Result<uint64_t> turn = delivery.whole_turn(all);
  if (!turn) return base::fail(turn.error());
  if (*turn == 0) return delivery.stopped() ? Ending::kInterrupted : Ending::kComplete;
  while (delivery.payments() < all) {
    const uint64_t count = std::min(kPaymentsForDisk, all - delivery.payments());
    base::Result<void> sent =
        delivery.commit_lines(payments.make(count, delivery.line_time()), count);
    if (!sent) return base::fail(sent.error());
    delivery.progress().update(delivery.payments(), delivery.payments(), all);
  }
  if (base::Result<void> flushed = delivery.flush(); !flushed) return base::fail(flushed.error());
  if (totals != nullptr) totals->advance(all);
  return Ending::kComplete;
}

// Each payment as a batch with its number.
base::Result<Ending> deliver_random_keyed(uint64_t all, Delivery& delivery,
                                          RandomPayments& payments, RandomTotals* totals) {
  record::LineDecoder<record::Batch> decoder(record::FieldNames{});
  record::DecodedLines<record::Batch> batches;
  uint64_t number = 0;
  while (delivery.payments() < all && !delivery.stopped()) {
    const uint64_t count = std::min(kPaymentsForDisk, all - delivery.payments());
    for (std::string_view lines = payments.make(count); !lines.empty();) {
      lines.remove_prefix(decoder.decode(lines, batches));
      for (const auto& row : batches.rows) {
        if (base::Result<void> put = delivery.put(row.record, ++number); !put) {
          return base::fail(put.error());
        }
      }
    }
    if (base::Result<void> flushed = delivery.flush(); !flushed) return base::fail(flushed.error());
    if (totals != nullptr) totals->advance(count);
    delivery.progress().update(delivery.payments(), delivery.payments(), all);
  }
  return delivery.payments() < all ? Ending::kInterrupted : Ending::kComplete;
}

}  // namespace

base::Result<Ending> deliver_random(const RandomPlan& plan, Delivery& delivery,
                                    RandomPayments& payments, RandomTotals* totals) {
  const uint64_t all = plan.payments.value_or(UINT64_MAX);
  if (delivery.atomic()) return deliver_random_whole(all, delivery, payments, totals);
  if (delivery.keyed()) return deliver_random_keyed(all, delivery, payments, totals);
  const uint64_t at_once = delivery.has_reader() ? kPaymentsForReader : kPaymentsForDisk;
  const bool by_draws = totals != nullptr && delivery.settles_at_once() && payments.keep_draws();
  uint64_t counted = 0;
  const auto count_settled = [&] {
    if (totals != nullptr) totals->advance(delivery.settled() - counted);
    counted = delivery.settled();
  };
  while (delivery.payments() < all) {
    const base::Result<uint64_t> turn = delivery.turn(std::min(at_once, all - delivery.payments()));
    count_settled();
    if (!turn) return base::fail(turn.error());
    if (*turn == 0) break;
    base::Result<void> committed =
        delivery.commit_lines(payments.make(*turn, delivery.line_time()), *turn);
    if (committed && by_draws) {
      totals->add(payments.draws());
      counted = delivery.settled();
    }
    if (committed && totals != nullptr && delivery.payments() - counted >= kUnsettledMax) {
      committed = delivery.flush();
    }
    count_settled();
    if (!committed) return base::fail(committed.error());
    delivery.progress().update(delivery.payments(), delivery.payments(), plan.payments.value_or(0));
  }
  if (delivery.settled() < delivery.payments()) {
    if (base::Result<void> flushed = delivery.flush(); !flushed) return base::fail(flushed.error());
    count_settled();
  }
  return delivery.payments() < all && delivery.stopped() ? Ending::kInterrupted : Ending::kComplete;
}

base::Result<Ending> deliver_single(const SinglePlan& plan, Delivery& delivery) {
  record::Batch batch{.user = plan.user,
                      .amount_text = plan.amount.plain,
                      .amount = plan.amount.value,
                      .volume = 1};
  const uint64_t all = plan.payments.value_or(UINT64_MAX);
  const uint64_t at_once = plan.payments ? delivery.whole_volume(batch) : kPaymentsForReader;
  // Without a volume each payment is a whole of its own.
  const bool whole = delivery.atomic() && plan.payments;
  Ending ending = Ending::kComplete;
  while (delivery.payments() < all) {
    const uint64_t wanted = std::min(at_once, all - delivery.payments());
    const base::Result<uint64_t> turn = whole ? delivery.whole_turn(wanted) : delivery.turn(wanted);
    if (!turn) return base::fail(turn.error());
    if (*turn == 0) {
      if (delivery.stopped()) ending = Ending::kInterrupted;
      break;
    }
    batch.volume = *turn;
    if (base::Result<void> put = delivery.put(batch, 1); !put) return base::fail(put.error());
    delivery.progress().update(delivery.payments(), delivery.payments(), plan.payments.value_or(0));
  }
  if (base::Result<void> flushed = delivery.flush(); !flushed) return base::fail(flushed.error());
  return ending;
}

namespace {

// Most amounts need no work: no exponent, no sign, and too short for a tenth decimal.
bool is_plain(const record::Batch& batch) {
  constexpr size_t kShort = std::string_view("0.").size() + money::Decimal::kFractionDigits;
  return batch.amount_text.size() <= kShort && batch.amount.is_positive() &&
         batch.amount_text.find_first_of("eE") == std::string_view::npos;
}

// One batch of the input at its pace. False: the duration has passed, or the batch is larger than
// a whole and a stop signal came within it.
base::Result<bool> deliver_batch(record::Batch batch, uint64_t number, Delivery& delivery) {
  std::string plain;
  if (!is_plain(batch)) {
    plain = money::plain_decimal(batch.amount_text);
    batch.amount_text = plain;
  }
  const uint64_t whole = delivery.whole_volume(batch);
  uint64_t left = batch.volume;
  for (bool begun = false; left > 0; begun = true) {
    uint64_t wanted = std::min(left, whole);
    if (!delivery.stopped()) {
      const base::Result<uint64_t> turn =
          delivery.atomic() ? delivery.whole_turn(wanted) : delivery.turn(wanted);
      if (!turn) return base::fail(turn.error());
      if (*turn == 0 && !delivery.stopped()) return false;
      if (*turn > 0) wanted = *turn;
    } else if (begun && left > whole) {
      return false;
    }
    // What was read before a stop signal is not left behind: from there on without a pace.
    batch.volume = wanted;
    if (base::Result<void> put = delivery.put(batch, number); !put) return base::fail(put.error());
    left -= wanted;
  }
  return true;
}

// The number of a batch: that of its line. Messages have none that would be the same again.
uint64_t number_of(const io::DecodedChunk<record::Batch>& chunk, const auto& row) {
  return chunk.first_line + row.line;
}
uint64_t number_of(const auto& /*messages*/, const auto& /*row*/) {
  return 0;
}

void show(base::Progress& progress, uint64_t payments, const io::Source& source) {
  progress.update(payments, source.bytes_read(), source.bytes_all());
}
void show(base::Progress& progress, uint64_t payments, const io::MessageSource& source) {
  progress.update(payments, source.messages_read(), source.messages_at_start());
}

// Batches from lines or messages: Input is a Source, or a MessageSource.
template <class InputBlock, class Decoder, class Input>
base::Result<Ending> deliver_batches(const LinesPlan& plan, Delivery& delivery, Input& source,
                                     Decoder& decoder, io::RejectLog& rejects) {
  bool more = true;
  const auto on_chunk = [&](const auto& chunk) -> base::Result<void> {
    for (const auto& row : chunk.lines.rows) {
      if (!plan.allow_negative && !row.record.amount.is_positive()) {
        base::Result<void> put_aside =
            decoder.reject(chunk, row.line, record::Flaw::kAmountNotPositive);
        if (!put_aside) return put_aside;
        continue;
      }
      const base::Result<bool> delivered =
          deliver_batch(row.record, number_of(chunk, row), delivery);
      if (!delivered) return base::fail(delivered.error());
      if (!*delivered) {
        more = false;
        return base::fail("stopped within a block", base::ErrorKind::kInterrupted);
      }
    }
    return {};
  };

  InputBlock block;
  while (more && !delivery.pace().over(delivery.now())) {
    base::Result<io::ReadStatus> status = source.read(block, delivery.now());
    if (status && *status == io::ReadStatus::kIdle) {
      if (base::Result<void> flushed = delivery.flush(); !flushed)
        return base::fail(flushed.error());
      if (base::Result<void> flushed = rejects.flush(); !flushed)
        return base::fail(flushed.error());
      status = source.read(block, delivery.pace().end());
    }
    if (!status) return base::fail(status.error());
    if (*status == io::ReadStatus::kEnd) break;
    if (*status == io::ReadStatus::kIdle) {
      // Where fewer came than the rate allows, those that come now are of no part of the duration.
      if (delivery.now() >= delivery.pace().end()) break;
      continue;
    }
    base::Result<void> decoded = decoder.decode(block, on_chunk);
    if (!decoded && more) return base::fail(decoded.error());
    show(delivery.progress(), delivery.payments(), source);
  }
  if (base::Result<void> flushed = delivery.flush(); !flushed) return base::fail(flushed.error());
  const bool cut_short = source.cut_short() || (!more && delivery.stopped());
  return cut_short ? Ending::kInterrupted : Ending::kComplete;
}

}  // namespace

base::Result<Ending> deliver_lines(const LinesPlan& plan, Delivery& delivery, io::Source& source,
                                   io::RejectLog& rejects) {
  io::BlockDecoder<record::Batch> decoder(plan.fields, rejects);
  return deliver_batches<io::Block>(plan, delivery, source, decoder, rejects);
}

base::Result<Ending> deliver_messages(const LinesPlan& plan, Delivery& delivery,
                                      io::MessageSource& source, io::RejectLog& rejects,
                                      io::Framing framing) {
  io::MessageDecoder<record::Batch> decoder(plan.fields, rejects, framing);
  return deliver_batches<io::MessageBlock>(plan, delivery, source, decoder, rejects);
}

}  // namespace paystats::gen
