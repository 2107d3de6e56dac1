// A cache at work: what is read goes into a View, and queries on the socket are answered from it.
//
//   CacheRun run(options, {*source, rejects, progress, context});
//   if (Result<void> opened = run.open(); !opened) ...   // the socket is ours
//   if (Result<void> done = run.run(); !done) ...        // until the input ends, or a signal
//   run.view().page(0, 10);
//
// Without a socket it only reads. With one, a stop signal ends it once the source has ended (a pipe
// is read on for a moment, see io/open_source.h) and what is in flight has been answered.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/progress.h"
#include "base/result.h"
#include "base/run_context.h"
#include "cache/server.h"
#include "cache/stats_feed.h"
#include "io/reject_log.h"
#include "view/view.h"

namespace paystats::cache {

struct CacheRunOptions {
  std::optional<std::string> socket_path = {};
  bool hold = false;  // stays when the input has ended, until a stop signal
  uint64_t users_max = UINT64_MAX;
  std::optional<std::string> metrics_path = {};
  CacheServerOptions server = {};
  // Called once, in run(), where a stop signal comes before its end.
  std::function<void()> on_stop = {};
};

// All are borrowed.
struct CacheRunContext {
  StatsInput input;  // borrows its source
  io::RejectLog& rejects;
  base::Progress& progress;
  base::RunContext run;
};

class CacheRun {
 public:
  static constexpr base::Duration kMetricsInterval = std::chrono::seconds(1);

  CacheRun(CacheRunOptions options, const CacheRunContext& context);
  CacheRun(const CacheRun&) = delete;
  CacheRun& operator=(const CacheRun&) = delete;
  ~CacheRun();

  // Takes the socket's path and writes the metrics for the first time.
  base::Result<void> open();

  // REQUIRES: open() has succeeded. Call once. The source is at its end afterwards.
  base::Result<void> run();

  const view::View& view() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace paystats::cache
