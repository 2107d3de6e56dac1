// The loop from lines, or messages of a topic, to totals: source -> decoder -> table -> trigger ->
// publisher.
//
//   StreamContext context{{*publisher, rejects, metrics}, *source, progress, clock};
//   Totals totals(random_hash_seed(), {.track_changes = true});
//   const StreamOptions options{.mode = OutputMode::kUpdate};
//   Result<StreamOutcome> end = aggregate_stream(context, options, totals);
//
// Outputs are flushed exactly when the loop is about to wait for input, and at least each 100 ms
// where it never waits. Nothing is published before the source has caught up; what changed until
// then follows in one burst. At the end of the input, or a stop signal, all that is not yet
// published is. The rejects are then safe, the publisher is closed, the metrics are written.
//
// An error of kind kClosedOutput means that nobody reads the totals any more.
#pragma once

#include "base/clock.h"
#include "base/progress.h"
#include "base/result.h"
#include "io/message_source.h"
#include "io/reject_log.h"
#include "io/source.h"
#include "record/decoder.h"
#include "stream/metrics.h"
#include "stream/publish.h"
#include "stream/trigger.h"
#include "totals/merge.h"
#include "totals/totals.h"

namespace paystats::stream {

// Where everything goes. All are borrowed.
struct AggregateOutputs {
  Publisher& publisher;
  io::RejectLog& rejects;
  MetricsFile& metrics;
};

template <class AnySource>
struct ContextOf {
  AggregateOutputs outputs;
  AnySource& source;
  base::Progress& progress;
  const base::Clock& clock;
};
using StreamContext = ContextOf<io::Source>;
using MessageStreamContext = ContextOf<io::MessageSource>;

struct StreamOptions {
  OutputMode mode = OutputMode::kFinal;
  TriggerOptions trigger{};  // not used for kFinal
  record::FieldNames fields{};
  io::Framing framing = io::Framing::kNone;  // of messages
  bool ready_line = false;  // kUpdate: an empty line follows what was there at the start
};

struct StreamOutcome {
  bool cut_short = false;  // a stop signal came before the end of the input
};

// REQUIRES: for kUpdate, the table tracks changes.
base::Result<StreamOutcome> aggregate_stream(const StreamContext& context,
                                             const StreamOptions& options, totals::Totals& totals);
base::Result<StreamOutcome> aggregate_stream(const MessageStreamContext& context,
                                             const StreamOptions& options, totals::Totals& totals);
base::Result<StreamOutcome> merge_stream(const StreamContext& context, const StreamOptions& options,
                                         totals::MergedTotals& merged);
// A message without a value takes back what its partition said of the user that is its key.
base::Result<StreamOutcome> merge_stream(const MessageStreamContext& context,
                                         const StreamOptions& options,
                                         totals::MergedTotals& merged);

// What follows the last record, for every way of reading: first the rejects, since totals must not
// claim that the rest is safe, then the totals where there is something to `publish`, the proof
// that they arrived, and the metrics.
base::Result<void> publish_last(const AggregateOutputs& outputs, totals::Totals& totals,
                                Counters counters, bool publish);

}  // namespace paystats::stream
