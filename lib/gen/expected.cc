#include "gen/expected.h"

#include <algorithm>

#include "record/encoder.h"

namespace paystats::gen {

bool BatchTotals::add(const record::Batch& batch) {
  auto found = entries_.find(batch.user);
  if (found == entries_.end()) found = entries_.emplace(batch.user, Entry{}).first;
  Entry& entry = found->second;
  if (__builtin_add_overflow(entry.all.count, batch.volume, &entry.all.count)) return false;
  if (!entry.all.sum.add_times(batch.amount, batch.volume)) return false;
  unsettled_.push_back(&entry);
  return true;
}

void BatchTotals::settle() {
  for (Entry* entry : unsettled_) entry->settled = entry->all;
  unsettled_.clear();
}

std::vector<record::Stats> BatchTotals::stats() const {
  std::vector<record::Stats> stats;
  stats.reserve(entries_.size());
  for (const auto& [user, entry] : entries_) {
    if (entry.settled.count == 0) continue;
    stats.push_back(
        {.user = user, .sum = entry.settled.sum, .count = entry.settled.count, .at = {}});
  }
  return stats;
}

base::Result<void> write_expected(std::vector<record::Stats> stats, io::Sink& sink) {
  constexpr size_t kBytesAWrite = 64 << 10;
  std::sort(stats.begin(), stats.end(), [](const record::Stats& a, const record::Stats& b) {
    return record::ranks_before(a.sum, a.user, b.sum, b.user);
  });
  std::string lines;
  for (const record::Stats& each : stats) {
    record::append_stats(lines, each);
    if (lines.size() < kBytesAWrite) continue;
    if (base::Result<void> written = sink.write(lines); !written) return written;
    lines.clear();
  }
  if (base::Result<void> written = sink.write(lines); !written) return written;
  return sink.close();
}

}  // namespace paystats::gen
