// Payments summed by several threads at once: the same totals and the same rejects, in the same
// order, as one thread has.
//
//   Result<ParallelOutcome> files = aggregate_files(inputs, {.jobs = 8}, context, totals);
//   Result<ParallelOutcome> pipe = aggregate_blocks(*source, {.jobs = 8}, context, totals);
//
// Of regular files each thread reads segments by itself. Of any other input the calling thread
// reads blocks and hands them out. Each thread has a table of its own, so the tables take up to
// `jobs` times the memory; they are added up at the end (see totals/join.h). A thread puts bad
// lines aside until the earlier segments are done, or waits for that when it holds many of them, so
// memory stays bounded. The order of additions differs from that of one thread, which matters only
// where a sum or a count might not fit on the way (see totals/prefix_bound.h). That takes a batch
// with an enormous volume, and is left to one thread: files are read again from their beginning.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "base/diagnostics.h"
#include "base/progress.h"
#include "base/result.h"
#include "io/endpoint.h"
#include "io/reject_log.h"
#include "io/source.h"
#include "io/wait.h"
#include "record/decoder.h"
#include "stream/metrics.h"
#include "totals/totals.h"

namespace paystats::stream {

struct ParallelOptions {
  unsigned jobs = 1;
  uint64_t segment_bytes = uint64_t{2} << 20U;
  uint64_t bytes_all = 0;  // of all files, for the progress line; 0: unknown
  uint64_t hash_seed = 0;  // that of the totals
  totals::TotalsOptions totals{};
  record::FieldNames fields{};
};

// All are borrowed.
struct ParallelContext {
  const io::Waiter& waiter;
  io::RejectLog& rejects;
  MetricsFile& metrics;
  base::Progress& progress;
  base::Diagnostics& diagnostics;
};

struct ParallelOutcome {
  Counters counters;
  bool cut_short = false;  // a stop signal came; what was begun has been finished
  // Only the order of the payments tells which ones fit. The totals are worth nothing; the rejects
  // that have been told are the first ones that one thread finds.
  bool order_matters = false;
};

// Where the order matters, stdin stands where it did before.
// REQUIRES: the inputs are regular files, and `totals` is made with options.hash_seed.
base::Result<ParallelOutcome> aggregate_files(const std::vector<io::Endpoint>& inputs,
                                              const ParallelOptions& options,
                                              const ParallelContext& context,
                                              totals::Totals& totals);

// The same of any source, read by the calling thread; segment_bytes does not matter. It can be read
// only once, so where the order of the payments matters, that is an error. Rejects are
// flushed when all that was read is decoded and there is no more at the moment.
base::Result<ParallelOutcome> aggregate_blocks(io::Source& source, const ParallelOptions& options,
                                               const ParallelContext& context,
                                               totals::Totals& totals);

}  // namespace paystats::stream
