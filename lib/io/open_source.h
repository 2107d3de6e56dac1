// Makes the source that the command line asks for.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "io/endpoint.h"
#include "io/source.h"
#include "io/wait.h"

namespace paystats::io {

// Opens the file that is followed: see log/follow_source.h.
using FollowOpener = std::function<base::Result<std::unique_ptr<Source>>(
    const std::string& path, const Waiter& waiter, base::Diagnostics& diagnostics)>;

struct SourceOptions {
  FollowOpener follow;  // where set, the last input is followed; those before it are read once
};

// What is known of inputs before any of them is read.
struct InputSizes {
  uint64_t bytes = 0;  // of the regular files, stdin among them
  // Nothing else, nothing that is followed, and no file of /proc: those say 0 and have bytes.
  bool all_regular = true;
  bool known = true;  // `bytes` is all there will be
};

// Checks that all files exist and are readable: one stat(2) and one access(2) each, and nothing is
// opened but regular files of size 0. A topic is an error here: see kafka/.
base::Result<InputSizes> check_inputs(const std::vector<Endpoint>& inputs,
                                      const SourceOptions& options);

// Opens each input in turn as the one before it ends. stdin that is a pipe is read on after a stop
// signal until its end or 500 ms of silence, at most 5 s; the others stop at once. While the last
// one is followed, growth of a regular file before it, seen once a second, is the end, and ending()
// is of kind kMustNotGoOn: of the 64 such files that were read last. `sizes` are those that
// check_inputs() gave. `waiter` and `diagnostics` are borrowed.
std::unique_ptr<Source> open_checked(const std::vector<Endpoint>& inputs,
                                     const SourceOptions& options, const InputSizes& sizes,
                                     const Waiter& waiter, base::Diagnostics& diagnostics);

// Both.
base::Result<std::unique_ptr<Source>> open_source(const std::vector<Endpoint>& inputs,
                                                  const SourceOptions& options,
                                                  const Waiter& waiter,
                                                  base::Diagnostics& diagnostics);

}  // namespace paystats::io
