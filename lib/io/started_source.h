// A source whose beginning has been looked at: see input_start.h.
#pragma once

#include <memory>

#include "base/diagnostics.h"
#include "io/source.h"

namespace paystats::io {

// Yields the blocks of `source`, which is one input of lines, without the mark in front. It holds
// back those of which it is not yet known whether they are lines, until more of them has come, its
// end, or, where it is followed, all that was there at the start. `diagnostics` is borrowed.
std::unique_ptr<Source> started_source(std::unique_ptr<Source> source, bool followed,
                                       base::Diagnostics& diagnostics);

}  // namespace paystats::io
