// From bytes to records: strict RFC 8259, exact amounts, no allocation per record.
//
//   LineDecoder<Payment> decoder(FieldNames{});
//   DecodedLines<Payment> lines;
//   while (!block.empty()) {
//     block.remove_prefix(decoder.decode(block, lines));
//     for (const auto& row : lines.rows) ...   // row.record.user points into the block
//     for (const auto& line : lines.rejected) ...    // describe(line.flaw, fields)
//   }
//
// A text without escapes is a view into the block; one with escapes is decoded into memory of the
// `DecodedLines`, valid until it is next filled or destroyed. Further fields of an object are
// checked as JSON and then ignored. A duplicate counts only for fields that are read. Not
// thread-safe; use a decoder per thread. Source of the grammar: RFC 8259, RFC 3629.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "record/flaw.h"
#include "record/payment.h"
#include "record/row_buffer.h"
#include "record/text_arena.h"

namespace paystats::record {

template <class Record>
struct DecodedLines {
  // Payments: with their bytes, and what is made of them, they stay in the first-level cache until
  // they have been added. Others pass from thread to thread, which pays for many at once.
  static constexpr size_t kRowsMax = std::is_same_v<Record, Payment> ? 128 : 512;

  // The line lies where a record has no bytes of its own: a row of a payment is one cache line.
  struct Row {
    [[no_unique_address]] Record record;
    uint32_t line = 0;  // counted from 0 within this call
  };
  struct RejectedLine {
    std::string_view text;  // points into the block; without its newline
    uint32_t line = 0;
    Flaw flaw = Flaw::kNone;
    std::optional<GroupElement> element = {};  // of a group, that the flaw is about
  };

  RowBuffer<Row> rows;                 // in input order, at most kRowsMax, unless a group has more
  std::vector<RejectedLine> rejected;  // in input order
  uint32_t lines = 0;                  // consumed, empty ones included
  uint32_t records = 0;                // lines that are not empty
  uint32_t groups = 0;                 // of those, groups that are right: each has rows of one line

  TextArena decoded;  // texts that had escapes, which rows point into
};

// The front of some rows, which is so many records: the rows of a line are one.
struct RowSpan {
  size_t rows = 0;
  uint64_t records = 0;
};

// At most so many records of rows that are a record each, or of any rows.
inline RowSpan first_rows(size_t rows, uint64_t records_max) {
  const size_t n = std::min<uint64_t>(rows, records_max);
  return {n, n};
}
template <class Row>
RowSpan first_records(std::span<const Row> rows, uint64_t records_max) {
  RowSpan front;
  for (; front.rows < rows.size(); ++front.rows) {
    const bool begins = front.rows == 0 || rows[front.rows].line != rows[front.rows - 1].line;
    if (!begins) continue;
    if (front.records == records_max) break;
    ++front.records;
  }
  return front;
}

// Most lines take a fast path, which may refuse valid input (the general path judges it then) and
// never accepts invalid input. kGeneral takes the general path alone: for tests, which hold the two
// against each other.
enum class DecodePath { kFastFirst, kGeneral };

// Record is Payment, Batch or Stats. A line of payments may be a group, which is as many rows of
// one line as it has elements, or one bad line: it counts as a whole.
template <class Record>
class LineDecoder {
 public:
  explicit LineDecoder(FieldNames fields, DecodePath path = DecodePath::kFastFirst);
  LineDecoder(LineDecoder&&) noexcept;
  LineDecoder& operator=(LineDecoder&&) noexcept;
  ~LineDecoder();

  // Decodes lines from the front of `block` until kRowsMax rows or as many bad lines are full or
  // the block ends; a group is never cut. Returns how many bytes that was (whole lines with their
  // newlines). The last line of the block may lack its newline. A line of nothing but white space
  // is empty: skipped.
  size_t decode(std::string_view block, DecodedLines<Record>& out);

  // Decodes one JSON text that is a whole record (it may hold newlines between its tokens, as a
  // Kafka value may). A text that had to be decoded lives in this decoder until the next call.
  // Here nothing but white space is not a record, but a flaw, and so is a group.
  Flaw decode_one(std::string_view json, Record& out);

  // The same for many: a text that had to be decoded is kept in `arena`.
  Flaw decode_text(std::string_view json, TextArena& arena, Record& out) const;

  // The same for one that may be a group: appends what it is to `out`, as rows or as a bad line of
  // this number.
  void append_text(std::string_view json, uint32_t line, DecodedLines<Record>& out) const;

  // True once: a field has been met that would be a volume if it were not foreign.
  bool take_foreign_volume();

 private:
  struct Plan;
  std::unique_ptr<Plan> plan_;
};

static_assert(sizeof(DecodedLines<Payment>::Row) == 64);

extern template class LineDecoder<Payment>;
extern template class LineDecoder<Batch>;
extern template class LineDecoder<Stats>;

}  // namespace paystats::record
