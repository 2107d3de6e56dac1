#include "base/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/fd.h"

namespace paystats::base {
namespace {

constexpr Duration kFirstDraw = std::chrono::milliseconds(500);
constexpr Duration kEachDraw = std::chrono::milliseconds(200);

std::string scaled(double value) {
  if (value >= 1e9) return fmt::format("{:.2f} G", value / 1e9);
  if (value >= 1e6) return fmt::format("{:.1f} M", value / 1e6);
  if (value >= 1e4) return fmt::format("{:.1f} k", value / 1e3);
  return fmt::format("{:.0f}", value);
}

}  // namespace

bool progress_wanted(ProgressMode mode, Verbosity verbosity) {
  if (mode != ProgressMode::kAuto) return mode == ProgressMode::kAlways;
  return verbosity != Verbosity::kQuiet && fd_type(STDERR_FILENO) == FdType::kTerminal &&
         fd_type(STDIN_FILENO) != FdType::kPipe;
}

Progress::Progress(Diagnostics& diagnostics, const Clock& clock, bool enabled)
    : diagnostics_(diagnostics),
      clock_(clock),
      enabled_(enabled),
      start_(clock.now()),
      next_draw_(start_ + kFirstDraw) {}

void Progress::update(uint64_t records, uint64_t done, uint64_t all) {
  if (!enabled_) return;
  const Instant now = clock_.now();
  if (now < next_draw_) return;
  next_draw_ = now + kEachDraw;
  drawn_ = true;
  diagnostics_.status(progress_line(records, now - start_, done, all));
}

void Progress::clear() {
  if (drawn_) diagnostics_.status({});
  drawn_ = false;
}

std::string progress_line(uint64_t records, Duration elapsed, uint64_t done, uint64_t all) {
  const double seconds = std::chrono::duration<double>(elapsed).count();
  const auto count = static_cast<double>(records);
  std::string line =
      fmt::format("{} records, {}/s", scaled(count), scaled(seconds > 0 ? count / seconds : 0));
  if (all > 0) {
    const double share = static_cast<double>(done) / static_cast<double>(all);
    line += fmt::format(", {:.0f} %", 100.0 * (share < 1.0 ? share : 1.0));
  }
  return line;
}

}  // namespace paystats::base
