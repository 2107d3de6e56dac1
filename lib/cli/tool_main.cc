#include "cli/tool_main.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <string>

namespace paystats::cli::detail {
namespace {

constexpr base::ProgressMode kModes[] = {base::ProgressMode::kAuto, base::ProgressMode::kAlways,
                                         base::ProgressMode::kNever};

}  // namespace

void end_without_memory() {
  constexpr const char* kWords = ": error: no more memory\n";
  const iovec parts[] = {
      {program_invocation_short_name, std::strlen(program_invocation_short_name)},
      {const_cast<char*>(kWords), std::strlen(kWords)}};
  [[maybe_unused]] const ssize_t written = ::writev(STDERR_FILENO, parts, 2);
  ::_exit(static_cast<int>(base::ExitStatus::kFailed));
}

void watch_memory() {
  std::set_new_handler(end_without_memory);
  // Memory that does not come from new, and a malloc that does not know handlers.
  std::set_terminate([] {
    try {
      if (const std::exception_ptr thrown = std::current_exception())
        std::rethrow_exception(thrown);
    } catch (const std::bad_alloc&) {
      end_without_memory();
    } catch (...) {
      std::abort();
    }
    std::abort();
  });
}

void declare_common(CommandLine& line, CommonOptions& options) {
  line.section("Messages");
  line.flag("-q,--quiet", options.quiet, "errors only on stderr");
  line.flag("-v,--verbose", options.verbose, "more on stderr");
  line.choice("--progress", options.progress, {"auto", "always", "never"},
              "a line on stderr while there is something to wait for; auto: where stderr is a "
              "terminal and stdin is not a pipe (default auto)");
  line.text("--no-start-file", options.no_start_file, "FILE",
            "after status 3 keep the message in this file, and do not start while it is there");
}

base::Verbosity verbosity_of(const CommonOptions& options) {
  if (options.quiet) return base::Verbosity::kQuiet;
  return options.verbose ? base::Verbosity::kVerbose : base::Verbosity::kNormal;
}

bool progress_of(const CommonOptions& options) {
  return base::progress_wanted(kModes[options.progress.value_or(0)], verbosity_of(options));
}

int report_usage_error(const std::string& tool, const base::Error& error) {
  // A reader of --help or --version that has gone is no mistake of the command line.
  if (error.kind == base::ErrorKind::kClosedOutput)
    return static_cast<int>(base::ExitStatus::kDone);
  base::Diagnostics diagnostics(tool, base::Verbosity::kNormal);
  diagnostics.error(error.message + " (see " + tool + " --help)");
  return static_cast<int>(base::ExitStatus::kFailed);
}

int report_outcome(base::Diagnostics& diagnostics, const base::Result<base::ExitStatus>& outcome) {
  if (outcome) return static_cast<int>(*outcome);
  diagnostics.error(outcome.error().message);
  return static_cast<int>(base::exit_status_of(outcome.error()));
}

int report_end(base::Diagnostics& diagnostics, const NoStartFile& no_start_file,
               const base::Result<base::ExitStatus>& outcome) {
  const int status = report_outcome(diagnostics, outcome);
  if (status == static_cast<int>(base::ExitStatus::kMustNotGoOn)) {
    // A status without an error is a command's, which has told by itself.
    no_start_file.keep(outcome ? "ended with status 3" : outcome.error().message);
  }
  return status;
}

}  // namespace paystats::cli::detail
