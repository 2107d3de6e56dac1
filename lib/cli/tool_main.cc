#include "cli/tool_main.h"

#include <string>

namespace paystats::detail {
namespace {

constexpr ProgressMode kModes[] = {ProgressMode::kAuto, ProgressMode::kAlways,
                                   ProgressMode::kNever};

}  // namespace

void declare_common(CommandLine& line, CommonOptions& options) {
  line.section("Messages");
  line.flag("-q,--quiet", options.quiet, "errors only on stderr");
  line.flag("-v,--verbose", options.verbose, "more on stderr");
  line.choice("--progress", options.progress, {"auto", "always", "never"},
              "a line on stderr while there is something to wait for; auto: where stderr is a "
              "terminal and stdin is not a pipe");
}

Verbosity verbosity_of(const CommonOptions& options) {
  if (options.quiet) return Verbosity::kQuiet;
  return options.verbose ? Verbosity::kVerbose : Verbosity::kNormal;
}

bool progress_of(const CommonOptions& options) {
  return progress_wanted(kModes[options.progress.value_or(0)], verbosity_of(options));
}

int report_usage_error(const std::string& tool, const Error& error) {
  // A reader of --help or --version that has gone is no mistake of the command line.
  if (error.kind == ErrorKind::kClosedOutput) return static_cast<int>(ExitStatus::kDone);
  Diagnostics diagnostics(tool, Verbosity::kNormal);
  diagnostics.error(error.message + " (see " + tool + " --help)");
  return static_cast<int>(ExitStatus::kFailed);
}

int report_outcome(Diagnostics& diagnostics, const Result<ExitStatus>& outcome) {
  if (outcome) return static_cast<int>(*outcome);
  diagnostics.error(outcome.error().message);
  return static_cast<int>(ExitStatus::kFailed);
}

}  // namespace paystats::detail
