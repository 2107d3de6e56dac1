// What bytes are that are no record but plainly something else: another encoding, a compressed
// file, CSV, pretty-printed JSON. The words for these (see describe()) name the program that
// converts them. For the rejects' path alone: nothing here looks at a record that is good.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "record/flaw.h"

namespace paystats::record {

// The flaw of a record that a decoder refused with `flaw`, in the plainest words that its bytes
// allow: `flaw` itself where they say nothing. `record` is whole, without its newline; `element` is
// what the flaw is about where the record is read as a group. A group is told to be one where one
// record is wanted: not by who `reads_groups`, to whom it is bad for a reason of its own.
Flaw plain_flaw(std::string_view record, Flaw flaw, bool reads_groups = false,
                const std::optional<GroupElement>& element = {});

// The flaw of an input that is in another encoding (UTF-16, UTF-32) or compressed, seen from its
// first bytes; else kNone.
Flaw foreign_encoding(std::string_view begin);

// Whether an input is JSON over several lines, in which no line is meant to be a record:
//
//   ForeignStart start;
//   while (!(verdict = start.take(line))) ...       // kSeveralLines, or kNone: lines are lines
//   if (!verdict) verdict = start.end();            // where no more lines come
//
// So it is where its first line begins with a bracket, is not finished, and ends with an opening
// bracket or a comma; where the lines behind it go on from there as JSON would, be it one text or
// several; and where none of those is a whole object or array. Only an element of an array may be
// one: the line behind it begins with a comma or a closing bracket.
//
// Single lines of such a text may well be records: to count those few and to reject the others is
// what nobody wants. But where whole lines stand behind each other it is a log, and what somebody
// wrote at its beginning must not cost them.
class ForeignStart {
 public:
  // So many bytes are looked at, in lines: the last one may go beyond, and so may one behind it.
  static constexpr size_t kBytesMax = 64 << 10;

  // The next line of the input, from the first one on, empty ones too; `whole` is false for one
  // that is over kLineBytesMax, and of which this is the beginning. Returns nothing where the next
  // line is needed.
  std::optional<Flaw> take(std::string_view line, bool whole = true);
  // What is there decides.
  Flaw end() const;
  bool begun() const { return lines_ > 0; }  // a line has come that is not empty
  // Of JSON over several lines: it begins with an array, and no object.
  bool is_array() const { return text_.starts_with('['); }

 private:
  std::string text_;             // of the lines so far that are not empty
  size_t lines_ = 0;             // so many
  size_t bytes_ = 0;             // of all
  size_t next_check_ = 0;        // of `text_`, at that size
  bool may_be_element_ = false;  // the last of them was a whole object or array
};

}  // namespace paystats::record
