// The loop that every reading tool needs: a block of lines becomes rows for the tool and rejects
// for the log, each with the number of its line in the input.
//
//   BlockDecoder<Payment> decoder(FieldNames{}, rejects);
//   Result<void> done = decoder.decode(block, [&](const DecodedChunk<Payment>& chunk) {
//     for (const auto& row : chunk.lines.rows) {
//       if (!take(row.record)) return decoder.reject(chunk, row.line, Flaw::kSumOverflow);
//     }
//     return Result<void>();
//   });
//
// Lines are numbered from the block on that begins an input, so all blocks of it go to one decoder.
// Rejects are logged in the order of lines, whether the decoder or the tool refuses them: in front
// of a row that is rejected come the bad lines before it.
#pragma once

#include <cassert>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "io/record_notices.h"
#include "io/reject_log.h"
#include "io/reject_order.h"
#include "io/source.h"
#include "record/decoder.h"
#include "record/foreign.h"

namespace paystats::io {

// What one call of the decoder made of the front of a block. All are non-owning views.
template <class Record>
struct DecodedChunk {
  const record::DecodedLines<Record>& lines;
  std::string_view bytes;   // the lines that it was made of
  std::string_view source;  // of the block
  uint64_t first_line;      // number in the input of the line that `lines` calls 0
};

// The line with this number (from 0) of `bytes`, without its newline. It walks: for rare use.
inline std::string_view nth_line(std::string_view bytes, uint32_t number) {
  for (; number > 0; --number) {
    const size_t newline = bytes.find('\n');
    if (newline == std::string_view::npos) return {};
    bytes.remove_prefix(newline + 1);
  }
  return bytes.substr(0, bytes.find('\n'));
}

template <class Record>
class BlockDecoder {
 public:
  // `rejects` is borrowed.
  BlockDecoder(record::FieldNames names, RejectLog& rejects)
      : names_(std::move(names)), decoder_(names_), rejects_(rejects) {}

  // Calls `on_chunk(const DecodedChunk<Record>&)`, which returns Result<void>, until the block is
  // used up or an error ends it. It may reject() any of its rows, in their order.
  template <class OnChunk>
  base::Result<void> decode(const Block& block, OnChunk&& on_chunk) {
    if (block.begins_input) line_ = 1;
    if (block.long_line_bytes != 0) {
      ++records_;
      return log(block.source, line_++, record::Flaw::kLineTooLong, block.bytes,
                 block.long_line_bytes);
    }
    std::string_view rest = block.bytes;
    while (!rest.empty()) {
      const size_t used = decoder_.decode(rest, lines_);
      assert(used > 0);  // else this loop would not end
      if (decoder_.take_foreign_volume()) notice_foreign_volume(rejects_, names_, block.source);
      records_ += lines_.records;
      const DecodedChunk<Record> chunk{lines_, rest.substr(0, used), block.source, line_};
      order_.begin();
      if (base::Result<void> taken = on_chunk(chunk); !taken) return taken;
      if (base::Result<void> logged = log_bad_before(RejectOrder::kEnd, block.source); !logged) {
        return logged;
      }
      line_ += lines_.lines;
      rest.remove_prefix(used);
    }
    return {};
  }

  // Puts aside a row that was well formed. `line` is the row's, counted from 0 in the chunk.
  base::Result<void> reject(const DecodedChunk<Record>& chunk, uint32_t line, record::Flaw flaw) {
    if (base::Result<void> logged = log_bad_before(line, chunk.source); !logged) return logged;
    const std::string_view text = nth_line(chunk.bytes, line);
    return log(chunk.source, chunk.first_line + line, flaw, text, text.size());
  }

  // Accepted and rejected together: lines that were not empty.
  uint64_t records() const { return records_; }

 private:
  // The bad lines of the chunk in front of this one that have not been logged.
  base::Result<void> log_bad_before(uint32_t line, std::string_view source) {
    return order_.log_before(line, lines_.rejected, [&](const auto& bad) {
      return log(source, line_ + bad.line,
                 record::plain_flaw(bad.text, bad.flaw, kReadsGroups<Record>, bad.element),
                 bad.text, bad.text.size(), bad.element);
    });
  }

  base::Result<void> log(std::string_view source, uint64_t line, record::Flaw flaw,
                         std::string_view text, uint64_t record_bytes,
                         const std::optional<record::GroupElement>& element = {}) {
    const std::string error = record::describe(flaw, names_, element);
    return rejects_.add({.source = source,
                         .line = line,
                         .at = {},
                         .error = error,
                         .record = text,
                         .record_bytes = record_bytes});
  }

  const record::FieldNames names_;
  record::LineDecoder<Record> decoder_;
  record::DecodedLines<Record> lines_;
  RejectLog& rejects_;
  RejectOrder order_;
  uint64_t line_ = 1;  // number of the next line in its input
  uint64_t records_ = 0;
};

}  // namespace paystats::io
