#include "payagg/aggregate.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "base/hash.h"
#include "base/progress.h"
#include "base/threads.h"
#include "io/distinct_places.h"
#include "io/open_source.h"
#include "io/reject_log.h"
#include "kafka/open.h"
#include "log/follow_source.h"
#include "stream/metrics.h"
#include "stream/parallel.h"
#include "stream/stream.h"
#include "topics/run.h"

namespace paystats::payagg {
namespace {

constexpr unsigned kJobsDefaultMax = 8;
constexpr uint64_t kBytesOfAJob = uint64_t{4} << 20U;  // fewer are no reason for another one

base::Result<void> check_distinct(const AggregatePlan& plan) {
  io::DistinctPlaces places;
  for (const io::Endpoint& input : plan.inputs) places.read(input);
  places.write("output", plan.output);
  if (plan.rejects) places.write("--rejects", *plan.rejects);
  if (plan.metrics) places.write_file("--metrics", *plan.metrics);
  return places.check();
}

unsigned cores() {
  return std::clamp(base::processors(), 1U, kJobsDefaultMax);
}

// How many threads to read with. Files can be cut; a pipe is as fast as one thread reads it, so
// there it takes a wish.
unsigned choose_jobs(const AggregatePlan& plan, const io::InputSizes& sizes) {
  if (plan.mode != stream::OutputMode::kFinal || plan.merge) return 1;
  if (!sizes.all_regular) return static_cast<unsigned>(plan.jobs.value_or(1));
  const uint64_t most = sizes.bytes / kBytesOfAJob + plan.inputs.size();
  return static_cast<unsigned>(std::min(plan.jobs.value_or(cores()), most));
}

template <class Context>
base::Result<stream::StreamOutcome> read_and_publish(const AggregatePlan& plan,
                                                     const Context& context,
                                                     base::Diagnostics& diagnostics) {
  const stream::StreamOptions options{.mode = plan.mode,
                                      .trigger = plan.trigger,
                                      .fields = plan.fields,
                                      .framing = plan.framing,
                                      .ready_line = plan.ready_line};
  const uint64_t seed = base::random_hash_seed();
  if (plan.merge) {
    totals::MergedTotals merged(seed, plan.totals, diagnostics);
    return stream::merge_stream(context, options, merged);
  }
  totals::Totals totals(seed, plan.totals);
  return stream::aggregate_stream(context, options, totals);
}

// The same by several threads. Files need no source: each thread reads them by itself. Nothing: it
// is to be done again by one thread, see ParallelOutcome::order_matters.
base::Result<std::optional<stream::StreamOutcome>> read_by_many_and_publish(
    const AggregatePlan& plan, unsigned jobs, const io::InputSizes& sizes,
    const stream::ParallelContext& context, stream::Publisher& publisher) {
  const uint64_t seed = base::random_hash_seed();
  totals::Totals totals(seed, plan.totals);
  const stream::ParallelOptions options{.jobs = jobs,
                                        .bytes_all = sizes.bytes,
                                        .hash_seed = seed,
                                        .totals = plan.totals,
                                        .fields = plan.fields};
  const base::Result<stream::ParallelOutcome> end =
      sizes.all_regular
          ? stream::aggregate_files(plan.inputs, options, context, totals)
          : stream::aggregate_blocks(
                *io::open_checked(plan.inputs, {}, sizes, context.waiter, context.diagnostics),
                options, context, totals);
  if (!end) return base::fail(end.error());
  context.progress.clear();
  if (end->order_matters) return std::optional<stream::StreamOutcome>();
  base::Result<void> done = stream::publish_last({publisher, context.rejects, context.metrics},
                                                 totals, end->counters, true);
  if (!done) return base::fail(done.error());
  return stream::StreamOutcome{.cut_short = end->cut_short};
}

// Where the input has no end of its own, a stop signal is the normal end, and each publication was
// as good as the last. Totals of half a file, or one total of half a pipe, are not.
base::Result<stream::StreamOutcome> ended(base::Result<stream::StreamOutcome> end, bool by_signal) {
  if (end && by_signal) end->cut_short = false;
  return end;
}

// A reader that went away is a quiet end, unless the input has no end either.
base::Result<base::RunOutcome> end_of(const AggregatePlan& plan,
                                      const base::Result<stream::StreamOutcome>& end,
                                      base::ExitStatus status, base::Diagnostics& diagnostics) {
  const bool endless = plan.follow || (plan.reads_topic() && !plan.available_now);
  if (!end && end.error().kind == base::ErrorKind::kClosedOutput && !endless) {
    return base::RunOutcome{status, false};
  }
  if (!end) return base::fail(end.error());
  if (!end->cut_short) return base::RunOutcome{status, false};
  diagnostics.warning("the input was cut short by a signal: the totals are of what was read");
  return base::RunOutcome{status, true};
}

topics::TopicRunOptions topic_options(const AggregatePlan& plan) {
  return {.topics = {plan.inputs.front().name, plan.output.name},
          .group = plan.group,
          .instance = plan.instance,
          .jobs = plan.jobs.value_or(1),
          .guarantee = plan.guarantee,
          .on_data_loss = plan.on_data_loss,
          .available_now = plan.available_now,
          .trigger = plan.trigger,
          .fields = plan.fields,
          .framing = plan.framing,
          .users_max = plan.totals.users_max,
          .rejects = plan.rejects,
          .metrics = plan.metrics};
}

struct OpenOutputs {
  stream::Publisher& publisher;
  const stream::AggregateOutputs outputs;
  const io::Waiter& waiter;
  base::Progress& progress;
};

base::Result<stream::StreamOutcome> read_topic(const AggregatePlan& plan, const OpenOutputs& open,
                                               kafka::EndpointOpener& opener,
                                               const base::RunContext& run) {
  const base::Result<std::unique_ptr<io::MessageSource>> source = opener.message_source(
      plan.inputs.front(),
      {.until_end = plan.available_now, .when_lost = kafka::WhenLost::kMustNotGoOn}, open.waiter);
  if (!source) return base::fail(source.error());
  if (base::Result<void> started = open.outputs.metrics.start(); !started)
    return base::fail(started.error());
  const stream::MessageStreamContext context{open.outputs, **source, open.progress, run.clock};
  return ended(read_and_publish(plan, context, run.diagnostics), !plan.available_now);
}

base::Result<stream::StreamOutcome> read_lines(const AggregatePlan& plan, const OpenOutputs& open,
                                               const base::RunContext& run) {
  io::SourceOptions how;
  if (plan.follow) how.follow = log::follow_source;
  const base::Result<io::InputSizes> sizes = io::check_inputs(plan.inputs, how);
  if (!sizes) return base::fail(sizes.error());
  if (base::Result<void> started = open.outputs.metrics.start(); !started)
    return base::fail(started.error());
  const stream::AggregateOutputs& outputs = open.outputs;
  const unsigned jobs = choose_jobs(plan, *sizes);
  if (jobs > 1) {
    const base::Result<std::optional<stream::StreamOutcome>> end = read_by_many_and_publish(
        plan, jobs, *sizes,
        {open.waiter, outputs.rejects, outputs.metrics, open.progress, run.diagnostics},
        open.publisher);
    if (!end) return base::fail(end.error());
    if (*end) return **end;
    run.diagnostics.detail(
        "totals may not fit: all is read again by one job, which tells in order");
    outputs.rejects.start_over();
  }
  const std::unique_ptr<io::Source> source =
      io::open_checked(plan.inputs, how, *sizes, open.waiter, run.diagnostics);
  const stream::StreamContext context{outputs, *source, open.progress, run.clock};
  const bool endless =
      plan.follow || (plan.mode != stream::OutputMode::kFinal && !sizes->all_regular);
  return ended(read_and_publish(plan, context, run.diagnostics), endless);
}

}  // namespace

base::Result<base::RunOutcome> aggregate(const AggregatePlan& plan,
                                         const base::RunContext& context) {
  if (base::Result<void> distinct = check_distinct(plan); !distinct)
    return base::fail(distinct.error());
  kafka::EndpointOpener opener(plan.kafka, context);
  if (plan.reads_topic() && plan.writes_topic()) {
    const base::Result<kafka::Cluster*> cluster = opener.cluster();
    if (!cluster) return base::fail(cluster.error());
    const base::Result<base::ExitStatus> status =
        topics::run_topics(topic_options(plan), **cluster, context);
    if (!status) return base::fail(status.error());
    return base::RunOutcome{*status, false};
  }
  // The outputs first, so that none is found to be wrong after hours of reading.
  const base::Result<std::unique_ptr<stream::Publisher>> publisher = stream::open_publisher(
      plan.output, plan.mode, static_cast<unsigned>(plan.jobs.value_or(cores())));
  if (!publisher) return base::fail(publisher.error());
  const base::Result<std::unique_ptr<io::RejectLog>> opened = opener.reject_log(plan.rejects);
  if (!opened) return base::fail(opened.error());
  io::RejectLog& rejects = **opened;
  const io::Waiter waiter(context.stop, context.clock, (*publisher)->reader_fd());
  stream::MetricsFile metrics(plan.metrics, context.clock, context.diagnostics);
  base::Progress progress(context.diagnostics, context.clock, context.progress);
  const OpenOutputs open{**publisher, {**publisher, rejects, metrics}, waiter, progress};

  const base::Result<stream::StreamOutcome> end = plan.reads_topic()
                                                      ? read_topic(plan, open, opener, context)
                                                      : read_lines(plan, open, context);

  // Whatever the end is, rejects must arrive; an error of the run itself comes first.
  progress.clear();
  const base::Result<void> told = rejects.finish();
  base::Result<base::RunOutcome> outcome = end_of(plan, end, rejects.status(), context.diagnostics);
  if (outcome && !told) return base::fail(told.error());
  return outcome;
}

}  // namespace paystats::payagg
