// A line on stderr for a person who waits: "12.3 M records, 4.1 M/s, 45 %".
//
//   Progress progress(diagnostics, clock, progress_wanted(ProgressMode::kAuto, verbosity));
//   progress.update(records, bytes_done, bytes_all);   // cheap: draws at most five times a second
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/diagnostics.h"

namespace paystats::base {

enum class ProgressMode { kAuto, kAlways, kNever };

// kAuto is on where stderr is a terminal and stdin is not a pipe (several tools of a pipe would
// draw over each other), and -q was not given.
bool progress_wanted(ProgressMode mode, Verbosity verbosity);

class Progress {
 public:
  // The first line appears half a second after construction: what is over by then needs none.
  Progress(Diagnostics& diagnostics, const Clock& clock, bool enabled);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }

  // `records` so far; `done` of `all` units (bytes, or payments), where all is known, else 0.
  void update(uint64_t records, uint64_t done = 0, uint64_t all = 0);
  void clear();

 private:
  Diagnostics& diagnostics_;
  const Clock& clock_;
  const bool enabled_;
  const Instant start_;
  Instant next_draw_;
  bool drawn_ = false;
};

// The text of the line: "12.3 M records, 4.1 M/s, 45 %". Pure.
std::string progress_line(uint64_t records, Duration elapsed, uint64_t done, uint64_t all);

}  // namespace paystats::base
