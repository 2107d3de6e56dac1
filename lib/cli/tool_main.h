// What every main() does: standard descriptors made safe, options parsed, diagnostics and signals
// set up, run() called, its error printed, its status returned. CLI11's own numbers never leak.
//
//   int main(int argc, char** argv) {
//     return tool_main<Options>(argc, argv, "paygen", "make batches of payments", declare, run);
//   }
//
// Every tool has -q, -v, --progress, --no-start-file, --help, --version and --generate by this.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/diagnostics.h"
#include "base/exit_status.h"
#include "base/fd.h"
#include "base/progress.h"
#include "base/result.h"
#include "base/run_context.h"
#include "base/stop_signal.h"
#include "cli/command_line.h"
#include "cli/no_start_file.h"

namespace paystats::cli {

namespace detail {

struct CommonOptions {
  bool quiet = false;
  bool verbose = false;
  std::optional<size_t> progress;  // index of auto, always, never
  std::optional<std::string> no_start_file;
};

// Says so, and ends the process with status 2: for code that finds no memory, in whatever thread.
[[noreturn]] void end_without_memory();
void watch_memory();  // from now on that happens by itself

void declare_common(CommandLine& line, CommonOptions& options);
base::Verbosity verbosity_of(const CommonOptions& options);
bool progress_of(const CommonOptions& options);
int report_usage_error(const std::string& tool, const base::Error& error);
int report_outcome(base::Diagnostics& diagnostics, const base::Result<base::ExitStatus>& outcome);
// The same at the end of a run: what a person must look at is kept.
int report_end(base::Diagnostics& diagnostics, const NoStartFile& no_start_file,
               const base::Result<base::ExitStatus>& outcome);

}  // namespace detail

template <class Options>
int tool_main(int argc, char** argv, const std::string& name, const std::string& summary,
              void (*declare)(CommandLine&, Options&),
              base::Result<base::ExitStatus> (*run)(const Options&, base::RunContext&)) {
  base::secure_standard_fds();
  detail::watch_memory();
  Options options;
  detail::CommonOptions common;
  CommandLine line(name, summary);
  declare(line, options);
  detail::declare_common(line, common);
  const base::Result<CommandLine::Outcome> parsed = line.parse(argc, argv);
  if (!parsed) return detail::report_usage_error(name, parsed.error());
  if (*parsed == CommandLine::Outcome::kAnswered) return static_cast<int>(base::ExitStatus::kDone);

  base::Diagnostics diagnostics(line.invocation(argc, argv), detail::verbosity_of(common));
  base::StopSignal stop;
  if (stop.fd() < 0) {
    const base::Error error{"no descriptor is free to wait for a stop signal with (see ulimit -n)"};
    return detail::report_outcome(diagnostics, base::fail(error));
  }
  const base::SystemClock clock;
  const NoStartFile no_start_file(common.no_start_file, clock, diagnostics);
  if (const base::Result<void> may = no_start_file.check(); !may)
    return detail::report_outcome(diagnostics, base::fail(may.error()));
  base::RunContext context{diagnostics, stop, clock, detail::progress_of(common)};
  const base::Result<base::ExitStatus> outcome = run(options, context);
  stop.ignore_from_now_on();
  return detail::report_end(diagnostics, no_start_file, outcome);
}

}  // namespace paystats::cli
