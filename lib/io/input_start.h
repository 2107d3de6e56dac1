// The first line of an input tells more than the others: a byte-order mark is skipped there, and an
// input that no line of can be a record (UTF-16, compressed, one JSON text over several lines) is
// refused as a whole, with the command that converts it.
//
//   if (block.begins_input) {
//     if (Result<void> begun = begin_input(block, diagnostics); !begun) return fail(begun.error());
//   }
#pragma once

#include "base/diagnostics.h"
#include "base/result.h"
#include "io/source.h"

namespace paystats::io {

// REQUIRES: the block begins an input of lines. The mark is told as a note, and taken off the
// block, which may be empty then.
base::Result<void> begin_input(Block& block, base::Diagnostics& diagnostics);

}  // namespace paystats::io
