// What payagg tells a monitor: counts in Prometheus' text format, in a file that is replaced
// atomically, for node_exporter's textfile collector. Counts only: a sum of money has no place in
// a format whose numbers are binary fractions. Format:
// https://prometheus.io/docs/instrumenting/exposition_formats/
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/diagnostics.h"
#include "base/result.h"

namespace paystats::stream {

// Of a run from topic to topic.
struct TopicFigures {
  uint64_t skipped = 0;  // payments read again that a total included already
  uint64_t commits_failed = 0;
  uint64_t partitions = 0;
  uint64_t lag = 0;       // messages from where it reads on to the high watermark
  uint64_t hidden = 0;    // of those, by open transactions of other programs
  uint64_t hidden_s = 0;  // by the oldest of them
  uint64_t restored = 0;
  uint64_t to_restore = 0;

  friend bool operator==(const TopicFigures&, const TopicFigures&) = default;
};

struct Counters {
  uint64_t records_accepted = 0;
  uint64_t records_rejected = 0;  // and the two together are what was read
  uint64_t bytes_read = 0;
  uint64_t users = 0;
  uint64_t triggers = 0;
  bool caught_up = false;
  std::optional<TopicFigures> topics = {};

  friend bool operator==(const Counters&, const Counters&) = default;
};

std::string metrics_text(const Counters& counters);

class MetricsFile {
 public:
  static constexpr base::Duration kInterval = std::chrono::seconds(1);

  // Without a path it does nothing. `clock` and `diagnostics` are borrowed.
  MetricsFile(std::optional<std::string> path, const base::Clock& clock,
              base::Diagnostics& diagnostics);

  // The first and the last file must be written; what fails in between is a warning, said once: an
  // output beside the main one must not end it.
  base::Result<void> start();
  void update(const Counters& counters);  // cheap: writes at most each kInterval
  base::Result<void> finish(const Counters& counters);

  // When update() has something to write that it held back, or Instant::max().
  base::Instant deadline() const { return held_back_ ? next_ : base::Instant::max(); }

 private:
  const std::optional<std::string> path_;
  const base::Clock& clock_;
  base::Diagnostics& diagnostics_;
  Counters written_;  // what the file says
  base::Instant next_{};
  bool held_back_ = false;
  bool failure_reported_ = false;
};

}  // namespace paystats::stream
