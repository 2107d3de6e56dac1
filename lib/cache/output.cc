#include "cache/output.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/fd.h"
#include "cache/questions.h"
#include "cache/stats_list.h"

namespace paystats::cache {

base::Result<CacheOutput> open_cache_output(const io::Endpoint& endpoint) {
  if (endpoint.kind == io::Endpoint::Kind::kTopic) {
    return base::fail("kafka:" + endpoint.name +
                      ": a list has no order in a topic: -o takes - or a file");
  }
  base::Result<std::unique_ptr<io::Sink>> sink = io::open_sink(endpoint, io::FileMode::kReplace);
  if (!sink) return base::fail(sink.error());
  const bool terminal = endpoint.kind == io::Endpoint::Kind::kStdio &&
                        base::fd_type(STDOUT_FILENO) == base::FdType::kTerminal;
  return CacheOutput{std::move(*sink), terminal ? STDOUT_FILENO : -1};
}

base::Result<void> print_top(const view::View& view, uint64_t top, const CacheOutput& output) {
  if (output.terminal_fd >= 0) {
    base::Result<void> shown = output.sink->write(stats_table(view.page(0, top)));
    return shown ? output.sink->close() : shown;
  }
  const uint64_t rows = std::min(top, view.users());
  for (uint64_t offset = 0; offset < rows; offset += protocol::kPageRowsMax) {
    const uint64_t page = std::min<uint64_t>(protocol::kPageRowsMax, rows - offset);
    base::Result<void> written = output.sink->write(stats_lines(view.page(offset, page)));
    if (!written) return written;
  }
  return output.sink->close();
}

}  // namespace paystats::cache
