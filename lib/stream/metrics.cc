#include "stream/metrics.h"

#include <fmt/format.h>

#include <iterator>
#include <string_view>
#include <utility>

#include "io/sink.h"

namespace paystats::stream {
namespace {

void append(std::string& text, std::string_view name, std::string_view type, std::string_view help,
            uint64_t value) {
  fmt::format_to(std::back_inserter(text), "# HELP payagg_{0} {1}\n# TYPE payagg_{0} {2}\n", name,
                 help, type);
  fmt::format_to(std::back_inserter(text), "payagg_{} {}\n", name, value);
}

}  // namespace

std::string metrics_text(const Counters& counters) {
  std::string text;
  append(text, "records_read_total", "counter", "Records read.",
         counters.records_accepted + counters.records_rejected);
  append(text, "records_accepted_total", "counter", "Records that count in the totals.",
         counters.records_accepted);
  append(text, "records_rejected_total", "counter", "Bad records, put aside.",
         counters.records_rejected);
  append(text, "bytes_read_total", "counter", "Bytes of input read.", counters.bytes_read);
  append(text, "users", "gauge", "Users in the table of totals.", counters.users);
  append(text, "triggers_total", "counter", "Times that totals were published.", counters.triggers);
  append(text, "caught_up", "gauge", "1 when all that was there at the start has been read.",
         counters.caught_up ? 1 : 0);
  if (!counters.topics) return text;
  const TopicFigures& topics = *counters.topics;
  append(text, "records_skipped_total", "counter",
         "Payments read again that a total included already.", topics.skipped);
  append(text, "commits_failed_total", "counter",
         "Commits that did not come about, or whose outcome is unknown; each was made again.",
         topics.commits_failed);
  append(text, "partitions", "gauge", "Partitions assigned.", topics.partitions);
  append(text, "lag_records", "gauge", "Payments in those partitions that are not yet read.",
         topics.lag);
  append(text, "restored_records", "gauge", "Totals read back so far.", topics.restored);
  append(text, "restorable_records", "gauge", "Totals to read back.", topics.to_restore);
  return text;
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
