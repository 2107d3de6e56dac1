#include "cache/output.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/fd.h"
#include "cache/questions.h"
#include "cache/stats_list.h"

namespace paystats {

Result<CacheOutput> open_cache_output(const Endpoint& endpoint) {
  if (endpoint.kind == Endpoint::Kind::kTopic) {
    return fail("kafka:" + endpoint.name +
                ": a list has no order in a topic: -o takes - or a file");
  }
  Result<std::unique_ptr<Sink>> sink = open_sink(endpoint, FileMode::kReplace);
  if (!sink) return fail(sink.error());
  const bool terminal =
      endpoint.kind == Endpoint::Kind::kStdio && fd_type(STDOUT_FILENO) == FdType::kTerminal;
  return CacheOutput{std::move(*sink), terminal ? STDOUT_FILENO : -1};
}

Result<void> print_top(const View& view, uint64_t top, const CacheOutput& output) {
  if (output.terminal_fd >= 0) {
    Result<void> shown = output.sink->write(stats_table(view.page(0, top)));
    return shown ? output.sink->close() : shown;
  }
  const uint64_t rows = std::min(top, view.users());
  for (uint64_t offset = 0; offset < rows; offset += kPageRowsMax) {
    const uint64_t page = std::min<uint64_t>(kPageRowsMax, rows - offset);
    Result<void> written = output.sink->write(stats_lines(view.page(offset, page)));
    if (!written) return written;
  }
  return output.sink->close();
}

}  // namespace paystats
