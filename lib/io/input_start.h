// The first lines of an input tell more than the others: a byte-order mark is skipped there, and an
// input that no line of can be a record (UTF-16, compressed, one JSON text over several lines) is
// refused as a whole, with the command that converts it.
//
//   InputStart start(followed, diagnostics);
//   if (block.begins_input || !start.known()) {
//     if (Result<void> begun = start.take(block); !begun) return fail(begun.error());
//   }
//   if (start.undecided()) ...             // nothing of these blocks is to be used before it is
//   if (Result<void> ended = start.end(); !ended) return fail(ended.error());   // no more comes
//
// What it says depends on the bytes of the input alone, however they were cut into blocks.
#pragma once

#include <string>
#include <string_view>

#include "base/diagnostics.h"
#include "base/result.h"
#include "io/source.h"
#include "record/foreign.h"

namespace paystats::io {

class InputStart {
 public:
  // `followed`: the input is, so a filter in a pipe is of no use to it. `diagnostics` is borrowed.
  InputStart(bool followed, base::Diagnostics& diagnostics)
      : followed_(followed), diagnostics_(diagnostics) {}

  // The first block of an input, or the next one of those that follow while known() is false. A
  // mark is told as a note, and taken off the block, which may be empty then.
  // `are_lines`: its lines are, whatever they look like.
  base::Result<void> take(Block& block, bool are_lines = false);
  // No more is to be looked at: what has come decides, where it is not known yet.
  base::Result<void> end();
  bool known() const { return known_; }
  // Not known, and a line that is not empty depends on it.
  bool undecided() const { return !known_ && lines_.begun(); }

 private:
  base::Result<void> begin(Block& block);
  base::Result<void> refuse_lines() const;

  const bool followed_;
  base::Diagnostics& diagnostics_;
  record::ForeignStart lines_;
  std::string source_;
  bool known_ = false;
};

// Refuses `source` where its first bytes are in another encoding, or compressed.
base::Result<void> check_encoding(std::string_view begin, std::string_view source, bool followed,
                                  const base::Diagnostics& diagnostics);

}  // namespace paystats::io
