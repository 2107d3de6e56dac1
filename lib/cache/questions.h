// What a person or a script asks a running cache: the first users, one user, or to watch.
//
//   CacheQuestion question{.path = "stats.sock", .query = PageQuery{.limit = 10}};
//   Result<void> done = ask_cache(question, {*sink, STDOUT_FILENO}, waiter, diagnostics);
#pragma once

#include <string>

#include "base/diagnostics.h"
#include "base/result.h"
#include "io/sink.h"
#include "io/wait.h"
#include "protocol/query.h"

namespace paystats::cache {

struct CacheQuestion {
  std::string path;
  protocol::Query query;
};

// Where answers are printed. A terminal gets tables, as high as it is; all else gets lines.
struct CacheDisplay {
  io::Sink& sink;
  int terminal_fd = -1;  // of the terminal that the sink writes to, or -1
};

// One answer: stats lines, or a table. A user that the cache does not know is an error.
base::Result<void> ask_cache(const CacheQuestion& question, const CacheDisplay& display,
                             const io::Waiter& waiter, base::Diagnostics& diagnostics);

// An answer now and after each change: as the line of JSON that it is, or as a table that is drawn
// anew. Ends when the cache closes the connection (said in a note), with kInterrupted on a stop
// signal, and with kClosedOutput when nobody reads the sink any more.
base::Result<void> watch_cache(const CacheQuestion& question, const CacheDisplay& display,
                               const io::Waiter& waiter, base::Diagnostics& diagnostics);

}  // namespace paystats::cache
