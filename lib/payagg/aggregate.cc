#include "payagg/aggregate.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "base/hash.h"
#include "base/progress.h"
#include "io/distinct_places.h"
#include "io/open_source.h"
#include "io/reject_log.h"
#include "kafka/open.h"
#include "stream/metrics.h"
#include "stream/parallel.h"
#include "stream/stream.h"
#include "topics/run.h"

namespace paystats {
namespace {

constexpr unsigned kJobsDefaultMost = 8;
constexpr uint64_t kBytesOfAJob = uint64_t{4} << 20U;  // fewer are no reason for another one

Result<void> check_distinct(const AggregatePlan& plan) {
  DistinctPlaces places;
  for (const Endpoint& input : plan.inputs) places.read(input);
  places.write("output", plan.output);
  if (plan.rejects) places.write("--rejects", *plan.rejects);
  if (plan.metrics) places.write_file("--metrics", *plan.metrics);
  return places.check();
}

unsigned cores() {
  return std::clamp(std::thread::hardware_concurrency(), 1U, kJobsDefaultMost);
}

// How many threads to read with. Files can be cut; a pipe is as fast as one thread reads it, so
// there it takes a wish.
unsigned choose_jobs(const AggregatePlan& plan) {
  if (plan.mode != OutputMode::kFinal || plan.merge) return 1;
  const std::optional<uint64_t> bytes = bytes_of_regular_files(plan.inputs);
  if (!bytes) return static_cast<unsigned>(plan.jobs.value_or(1));
  const uint64_t most = *bytes / kBytesOfAJob + plan.inputs.size();
  return static_cast<unsigned>(std::min(plan.jobs.value_or(cores()), most));
}

template <class Ends>
Result<StreamOutcome> read_and_publish(const AggregatePlan& plan, const Ends& connections,
                                       Diagnostics& diagnostics) {
  const StreamOptions options{.mode = plan.mode,
                              .trigger = plan.trigger,
                              .fields = plan.fields,
                              .ready_line = plan.ready_line};
  const uint64_t seed = random_hash_seed();
  if (plan.merge) {
    MergedTotals merged(seed, plan.totals, diagnostics);
    return merge_stream(connections, options, merged);
  }
  Totals totals(seed, plan.totals);
  return aggregate_stream(connections, options, totals);
}

// The same by several threads.
Result<StreamOutcome> read_by_many_and_publish(const AggregatePlan& plan, unsigned jobs,
                                               Source& source,
                                               const ParallelConnections& connections,
                                               Publisher& publisher) {
  const uint64_t seed = random_hash_seed();
  Totals totals(seed, plan.totals);
  const ParallelOptions options{
      .jobs = jobs, .hash_seed = seed, .totals = plan.totals, .fields = plan.fields};
  const Result<ParallelOutcome> end =
      bytes_of_regular_files(plan.inputs)
          ? aggregate_files(plan.inputs, options, connections, totals)
          : aggregate_blocks(source, options, connections, totals);
  if (!end) return fail(end.error());
  connections.progress.clear();
  Result<void> done = publish_last({publisher, connections.rejects, connections.metrics}, totals,
                                   end->counters, true);
  if (!done) return fail(done.error());
  return StreamOutcome{.cut_short = end->cut_short};
}

// Whether a stop signal is the normal end: where the input has none of its own, each publication
// was as good as the last. Totals of half a file, or one total of half a pipe, are not.
bool ends_by_signal(const AggregatePlan& plan) {
  if (plan.reads_topic()) return !plan.available_now;
  return plan.follow ||
         (plan.mode != OutputMode::kFinal && !bytes_of_regular_files(plan.inputs).has_value());
}

// A reader that went away is a quiet end, unless the input has no end either.
Result<AggregateOutcome> end_of(const AggregatePlan& plan, const Result<StreamOutcome>& end,
                                ExitStatus status, Diagnostics& diagnostics) {
  const bool endless = plan.follow || (plan.reads_topic() && !plan.available_now);
  if (!end && end.error().kind == ErrorKind::kClosedOutput && !endless) {
    return AggregateOutcome{status, false};
  }
  if (!end) return fail(end.error());
  if (!end->cut_short || ends_by_signal(plan)) return AggregateOutcome{status, false};
  diagnostics.warning("the input was cut short by a signal: the totals are of what was read");
  return AggregateOutcome{status, true};
}

TopicRunOptions topic_options(const AggregatePlan& plan) {
  return {.topics = {plan.inputs.front().name, plan.output.name},
          .group = plan.group,
          .instance = plan.instance,
          .jobs = plan.jobs.value_or(1),
          .guarantee = plan.guarantee,
          .on_data_loss = plan.on_data_loss,
          .available_now = plan.available_now,
          .trigger = plan.trigger,
          .fields = plan.fields,
          .users_max = plan.totals.users_max,
          .rejects = plan.rejects,
          .metrics = plan.metrics};
}

struct OpenOutputs {
  Publisher& publisher;
  const AggregateOutputs outputs;
  const Waiter& waiter;
  Progress& progress;
};

Result<StreamOutcome> read_topic(const AggregatePlan& plan, const OpenOutputs& open,
                                 EndpointOpener& opener, const RunContext& around) {
  const Result<std::unique_ptr<MessageSource>> source =
      opener.message_source(plan.inputs.front(), {.until_end = plan.available_now}, open.waiter);
  if (!source) return fail(source.error());
  if (Result<void> started = open.outputs.metrics.start(); !started) return fail(started.error());
  const MessageStreamConnections connections{open.outputs, **source, open.progress, around.clock};
  return read_and_publish(plan, connections, around.diagnostics);
}

Result<StreamOutcome> read_lines(const AggregatePlan& plan, const OpenOutputs& open,
                                 const RunContext& around) {
  const Result<std::unique_ptr<Source>> source =
      open_source(plan.inputs, {.follow = plan.follow}, open.waiter, around.diagnostics);
  if (!source) return fail(source.error());
  if (Result<void> started = open.outputs.metrics.start(); !started) return fail(started.error());
  const unsigned jobs = choose_jobs(plan);
  if (jobs > 1) {
    const AggregateOutputs& outputs = open.outputs;
    return read_by_many_and_publish(
        plan, jobs, **source,
        {open.waiter, outputs.rejects, outputs.metrics, open.progress, around.diagnostics},
        open.publisher);
  }
  const StreamConnections connections{open.outputs, **source, open.progress, around.clock};
  return read_and_publish(plan, connections, around.diagnostics);
}

}  // namespace

Result<AggregateOutcome> aggregate(const AggregatePlan& plan, const RunContext& around) {
  if (Result<void> distinct = check_distinct(plan); !distinct) return fail(distinct.error());
  EndpointOpener opener(plan.kafka, around);
  if (plan.reads_topic() && plan.writes_topic()) {
    const Result<Cluster*> cluster = opener.cluster();
    if (!cluster) return fail(cluster.error());
    const Result<ExitStatus> status = run_topics(topic_options(plan), **cluster, around);
    if (!status) return fail(status.error());
    return AggregateOutcome{*status, false};
  }
  // The outputs first, so that none is found to be wrong after hours of reading.
  const Result<std::unique_ptr<Publisher>> publisher =
      open_publisher(plan.output, plan.mode, static_cast<unsigned>(plan.jobs.value_or(cores())));
  if (!publisher) return fail(publisher.error());
  const Result<std::unique_ptr<RejectLog>> opened = opener.reject_log(plan.rejects);
  if (!opened) return fail(opened.error());
  RejectLog& rejects = **opened;
  const Waiter waiter(around.stop, around.clock, (*publisher)->reader_fd());
  MetricsFile metrics(plan.metrics, around.clock, around.diagnostics);
  Progress progress(around.diagnostics, around.clock, around.progress);
  const OpenOutputs open{**publisher, {**publisher, rejects, metrics}, waiter, progress};

  const Result<StreamOutcome> end =
      plan.reads_topic() ? read_topic(plan, open, opener, around) : read_lines(plan, open, around);

  // Whatever the end is, rejects must arrive; an error of the run itself comes first.
  progress.clear();
  const Result<void> told = rejects.finish();
  Result<AggregateOutcome> outcome = end_of(plan, end, rejects.status(), around.diagnostics);
  if (outcome && !told) return fail(told.error());
  return outcome;
}

}  // namespace paystats
