// What a command line of paystats-cache asks for, done: a cache on a socket, a list of the first
// users, or a question to a cache that runs.
//
//   Result<RunOutcome> end = run_command(options, context);
#pragma once

#include "base/exit_status.h"
#include "base/result.h"
#include "base/run_context.h"
#include "cache/options.h"

namespace paystats::cache {

// Options that exclude each other are refused before anything is opened. A reader of the list, or
// of the watch, that went away is a quiet end.
base::Result<base::RunOutcome> run_command(const CacheOptions& options,
                                           const base::RunContext& context);

}  // namespace paystats::cache
