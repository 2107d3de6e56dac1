// Makes the source that the command line asks for.
#pragma once

#include <memory>
#include <vector>

#include "base/diagnostics.h"
#include "io/endpoint.h"
#include "io/source.h"
#include "io/wait.h"

namespace paystats::io {

struct SourceOptions {
  bool follow = false;  // the last input is followed; those before it are read once
};

// Opens each input in turn as the one before it ends; all regular files are checked to exist and
// to be readable before the first byte is read. stdin that is a pipe is read on after a stop signal
// until its end or 500 ms of silence, at most 5 s; the others stop at once. A topic is an error
// here: see kafka/. `waiter` and `diagnostics` are borrowed.
base::Result<std::unique_ptr<Source>> open_source(const std::vector<Endpoint>& inputs,
                                                  const SourceOptions& options,
                                                  const Waiter& waiter,
                                                  base::Diagnostics& diagnostics);

}  // namespace paystats::io
