#include "stream/metrics.h"

#include <utility>

#include "base/metrics_text.h"
#include "io/sink.h"

namespace paystats::stream {

std::string metrics_text(const Counters& counters) {
  base::MetricsText text("payagg_");
  text.build_info();
  text.counter("records_read_total", "Records read.",
               counters.records_accepted + counters.records_rejected);
  text.counter("records_accepted_total", "Records that count in the totals.",
               counters.records_accepted);
  text.counter("records_rejected_total", "Bad records, put aside.", counters.records_rejected);
  text.counter("bytes_read_total", "Bytes of input read.", counters.bytes_read);
  text.gauge("users", "Users in the table of totals.", counters.users);
  text.counter("triggers_total", "Times that totals were published.", counters.triggers);
  text.gauge("caught_up", "1 when all that was there at the start has been read.",
             counters.caught_up ? 1 : 0);
  if (!counters.topics) return text.take();
  const TopicFigures& topics = *counters.topics;
  text.counter("records_skipped_total", "Payments read again that a total included already.",
               topics.skipped);
  text.counter("commits_failed_total",
               "Commits that did not come about, or whose outcome is unknown; each was made again.",
               topics.commits_failed);
  text.gauge("partitions", "Partitions assigned.", topics.partitions);
  text.gauge("lag_records", "Messages in those partitions up to the high watermark, not yet read.",
             topics.lag);
  text.gauge("hidden_records", "Those of the lag that open transactions of other programs hide.",
             topics.hidden);
  text.gauge("hidden_seconds", "For how long the oldest of those transactions has hidden some.",
             topics.hidden_s);
  text.gauge("restored_records", "Totals read back so far.", topics.restored);
  text.gauge("restorable_records", "Totals to read back.", topics.to_restore);
  return text.take();
}

MetricsFile::MetricsFile(std::optional<std::string> path, const base::Clock& clock,
                         base::Diagnostics& diagnostics)
    : path_(std::move(path)), clock_(clock), diagnostics_(diagnostics) {}

base::Result<void> MetricsFile::start() {
  return finish({});
}

void MetricsFile::update(const Counters& counters) {
  if (!path_ || counters == written_) return;
  held_back_ = clock_.now() < next_;
  if (held_back_) return;
  const base::Result<void> written = finish(counters);
  if (!written && !failure_reported_) {
    failure_reported_ = true;
    diagnostics_.warning(written.error().message);
  }
}

base::Result<void> MetricsFile::finish(const Counters& counters) {
  if (!path_) return {};
  held_back_ = false;
  next_ = clock_.now() + kInterval;
  written_ = counters;
  return io::replace_file(*path_, metrics_text(counters));
}

}  // namespace paystats::stream
