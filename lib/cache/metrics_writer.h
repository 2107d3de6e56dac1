// A file of figures for node_exporter's textfile collector, replaced as a whole so that nobody
// reads half of it. Written by a thread of its own: a slow disk must not hold up the event loop.
//
//   MetricsWriter file(path, diagnostics);
//   if (Result<void> made = file.write(text); !made) ...   // at the start: can it be done at all?
//   file.offer(text);                                      // each second: returns at once
//   return file.close(text);                               // the last figures, and the proof
#pragma once

#include <optional>
#include <string>

#include "base/diagnostics.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/threads.h"

namespace paystats::cache {

class MetricsWriter {
 public:
  MetricsWriter(std::string path, base::Diagnostics& diagnostics);
  MetricsWriter(const MetricsWriter&) = delete;
  MetricsWriter& operator=(const MetricsWriter&) = delete;
  ~MetricsWriter();

  // Writes, and waits for it. Not while an offer() may be under way.
  base::Result<void> write(const std::string& text);

  // Writes in the background; where the disk is slow, only the newest. A failure warns once, and
  // so does a thread that cannot be had: each offer tries to.
  void offer(std::string text);

  // Ends the background work, then writes. Call once, at the end.
  base::Result<void> close(const std::string& text);

 private:
  void write_offers();
  void start_thread();
  void end_thread();

  const std::string path_;
  base::Diagnostics& diagnostics_;
  base::Mutex mutex_;
  base::CondVar wake_;
  std::optional<std::string> offered_ PAYSTATS_GUARDED_BY(mutex_);
  bool closing_ PAYSTATS_GUARDED_BY(mutex_) = false;
  bool warned_of_thread_ = false;
  base::Thread writer_;  // last: it uses all of the above
};

// What is published of a cache, in Prometheus' text format. read = accepted + rejected.
struct CacheFigures {
  uint64_t accepted = 0;
  uint64_t rejected = 0;
  uint64_t users = 0;
  uint64_t version = 0;
  bool ready = false;
  uint64_t connections = 0;
  uint64_t connections_seen = 0;
};
std::string metrics_text(const CacheFigures& figures);

}  // namespace paystats::cache
