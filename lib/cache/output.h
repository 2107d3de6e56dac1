// Where the lists of paystats-cache go: a file, a pipe, or a person's terminal.
//
//   Result<CacheOutput> output = open_cache_output(endpoint);
//   Result<void> done = print_top(view, 10, *output);
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "io/endpoint.h"
#include "io/sink.h"
#include "view/view.h"

namespace paystats::cache {

struct CacheOutput {
  std::unique_ptr<io::Sink> sink;
  int terminal_fd = -1;  // where it is one
};

base::Result<CacheOutput> open_cache_output(const io::Endpoint& endpoint);

// The first `top` users: a table for a terminal, else lines, a page at a time, however many they
// are. Closes the sink.
base::Result<void> print_top(const view::View& view, uint64_t top, const CacheOutput& output);

}  // namespace paystats::cache
