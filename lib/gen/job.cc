#include "gen/job.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/progress.h"
#include "gen/deliver.h"
#include "gen/expected.h"
#include "io/distinct_places.h"
#include "io/open_source.h"
#include "kafka/open.h"
#include "log/log_keys.h"

namespace paystats::gen {
namespace {

// What is open while the job runs.
struct OpenPlaces {
  OpenPlaces(const kafka::KafkaOptions& kafka, const base::RunContext& context)
      : opener(kafka, context) {}

  kafka::EndpointOpener opener;  // before all that borrows from it
  std::unique_ptr<io::RejectLog> rejects;
  std::unique_ptr<io::Sink> expect;  // where wanted
  std::unique_ptr<io::PaymentSink> output;
  std::unique_ptr<io::Waiter> waiter;
  // Of batches: one of the two, where any.
  std::unique_ptr<io::Source> lines;
  std::unique_ptr<io::MessageSource> messages;
};

// A transaction that --atomic makes may be large.
constexpr base::Duration kTransactionTimeout = std::chrono::seconds(60);

kafka::TopicSinkOptions topic_options(const Places& places) {
  kafka::TopicSinkOptions options;
  options.transactional = places.atomic;
  options.transaction_timeout = kTransactionTimeout;
  options.patient = true;
  options.lines_together = places.atomic;
  return options;
}

base::Result<void> open_batches(const Places& places, const base::RunContext& context,
                                OpenPlaces& open) {
  if (places.inputs.front().kind == io::Endpoint::Kind::kTopic) {
    // What is there now, as of a file: reading on would make the same payments at each start.
    base::Result<std::unique_ptr<io::MessageSource>> messages =
        open.opener.message_source(places.inputs.front(), {.until_end = true}, *open.waiter);
    if (!messages) return base::fail(messages.error());
    open.messages = std::move(*messages);
    return {};
  }
  base::Result<std::unique_ptr<io::Source>> lines =
      io::open_source(places.inputs, io::SourceOptions{}, *open.waiter, context.diagnostics);
  if (!lines) return base::fail(lines.error());
  open.lines = std::move(*lines);
  return {};
}

// The input counts only where the plan reads it.
base::Result<void> check_distinct(const Places& places, bool reads) {
  io::DistinctPlaces distinct;
  if (reads) {
    for (const io::Endpoint& input : places.inputs) distinct.read(input);
  }
  distinct.write("output", places.output);
  if (places.rejects) distinct.write("--rejects", *places.rejects);
  if (places.expect) distinct.write("--expect", *places.expect);
  return distinct.check();
}

// Those of all jobs of this prefix, in the whole log.
std::optional<log::LogKeysOptions> keys_of(const Plan& plan) {
  if (plan.idempotency_prefix.empty()) return std::nullopt;
  return log::LogKeysOptions{.limits = {.keys_max = UINT64_MAX, .memory = base::Duration::max()},
                             .prefix = plan.idempotency_prefix + "-"};
}

base::Error no_log() {
  return {"--idempotency-prefix needs a log as output: -o FILE"};
}

// Before anything is opened: a pipe waits for its reader, a topic for a broker.
base::Result<void> check_keyed(const Plan& plan, const Places& places) {
  if (plan.idempotency_prefix.empty()) return {};
  struct stat status = {};
  const bool special = places.output.kind == io::Endpoint::Kind::kFile &&
                       ::stat(places.output.name.c_str(), &status) == 0 &&
                       !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
  if (special || places.output.kind == io::Endpoint::Kind::kTopic) return base::fail(no_log());
  if (std::holds_alternative<LinesPlan>(plan.work) &&
      (places.inputs.size() > 1 || places.inputs.front().kind == io::Endpoint::Kind::kTopic)) {
    return base::fail("--idempotency-prefix needs one INPUT, whose lines have numbers");
  }
  return {};
}

// Reads most of the keys without the lock.
base::Result<void> read_keys(const Plan& plan, io::PaymentSink& output) {
  if (plan.idempotency_prefix.empty()) return {};
  io::KeyedPayments* const keyed = output.keyed();
  if (keyed == nullptr || keyed->figures().kept != keys::KeyFigures::Kept::kLog) {
    return base::fail(no_log());
  }
  return keyed->follow();
}

base::Result<void> open_places(const Plan& plan, const Places& places,
                               const base::RunContext& context, OpenPlaces& open) {
  const bool reads = std::holds_alternative<LinesPlan>(plan.work);
  if (base::Result<void> distinct = check_distinct(places, reads); !distinct) return distinct;
  if (base::Result<void> keyed = check_keyed(plan, places); !keyed) return keyed;
  base::Result<std::unique_ptr<io::RejectLog>> rejects = open.opener.reject_log(places.rejects);
  if (!rejects) return base::fail(rejects.error());
  open.rejects = std::move(*rejects);

  if (places.expect) {
    base::Result<std::unique_ptr<io::Sink>> expect =
        open.opener.sink(*places.expect, io::FileMode::kReplace);
    if (!expect) return base::fail(expect.error());
    open.expect = std::move(*expect);
  }
  base::Result<std::unique_ptr<io::PaymentSink>> output = open.opener.payment_sink(
      places.output, {.topic = topic_options(places), .keys = keys_of(plan)});
  if (!output) return base::fail(output.error());
  open.output = std::move(*output);
  if (base::Result<void> read = read_keys(plan, *open.output); !read) return read;
  open.waiter = std::make_unique<io::Waiter>(context.stop, context.clock, open.output->reader_fd());

  if (!reads) return {};
  return open_batches(places, context, open);
}

// Totals of what the output has taken, kept only where somebody wants them.
struct Totals {
  BatchTotals of_batches;
  std::unique_ptr<RandomTotals> of_random;
};

base::Result<Ending> make_payments(const Plan& plan, const Places& places, OpenPlaces& open,
                                   const base::RunContext& context, Totals& totals) {
  base::Progress progress(context.diagnostics, context.clock, context.progress);
  const auto* const random = std::get_if<RandomPlan>(&plan.work);
  std::optional<RandomPayments> payments;  // the clock starts once the table of users is there
  if (random != nullptr) payments.emplace(random->spec);
  if (random != nullptr && open.expect) {
    totals.of_random = std::make_unique<RandomTotals>(random->spec, payments->users());
  }
  Delivery to(*open.output, *open.waiter, Pace(plan.rate, plan.duration, context.clock.now()),
              progress, open.expect ? &totals.of_batches : nullptr, places.atomic,
              plan.idempotency_prefix);
  base::Result<Ending> ending = [&] {
    if (random != nullptr) return deliver_random(*random, to, *payments, totals.of_random.get());
    if (const auto* single = std::get_if<SinglePlan>(&plan.work))
      return deliver_single(*single, to);
    const LinesPlan& batches = std::get<LinesPlan>(plan.work);
    if (open.messages)
      return deliver_messages(batches, to, *open.messages, *open.rejects, places.framing);
    return deliver_lines(batches, to, *open.lines, *open.rejects);
  }();
  if (to.batches_made_before() > 0) {
    context.diagnostics.note(fmt::format("{} of {} batches had been made before, and were left out",
                                         to.batches_made_before(), to.batches()));
  }
  return ending;
}

base::Result<void> write_totals(const Totals& totals, io::Sink& sink) {
  std::vector<std::string> names;
  return write_expected(
      totals.of_random ? totals.of_random->stats(names) : totals.of_batches.stats(), sink);
}

}  // namespace

base::Result<JobOutcome> run_job(const Plan& plan, const Places& places,
                                 const kafka::KafkaOptions& kafka,
                                 const base::RunContext& context) {
  OpenPlaces open(kafka, context);
  if (base::Result<void> opened = open_places(plan, places, context, open); !opened) {
    if (opened.error().kind != base::ErrorKind::kInterrupted) return base::fail(opened.error());
    return JobOutcome{.status = base::ExitStatus::kDone, .interrupted = true};
  }

  // Beyond this point every place is open: only data and devices can fail.
  Totals totals;
  base::Result<Ending> ending = make_payments(plan, places, open, context, totals);
  if (ending) {
    if (base::Result<void> closed = open.output->close(); !closed)
      ending = base::fail(closed.error());
  }
  // A reader that has gone wants no more: a quiet end.
  using base::ErrorKind;
  const bool failed = !ending && (ending.error().kind == ErrorKind::kFailed ||
                                  ending.error().kind == ErrorKind::kMustNotGoOn);

  base::Result<void> concluded;
  if (open.expect) concluded = write_totals(totals, *open.expect);
  if (base::Result<void> finished = open.rejects->finish(); !finished && concluded) {
    concluded = std::move(finished);
  }
  if (failed) {
    if (!concluded) context.diagnostics.error(concluded.error().message);
    return base::fail(ending.error());
  }
  if (!concluded) return base::fail(concluded.error());
  const bool interrupted = ending ? *ending == Ending::kInterrupted
                                  : ending.error().kind == base::ErrorKind::kInterrupted;
  return JobOutcome{.status = open.rejects->status(), .interrupted = interrupted};
}

}  // namespace paystats::gen
