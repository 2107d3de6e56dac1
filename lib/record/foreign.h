// What bytes are that are no record but plainly something else: another encoding, a compressed
// file, CSV, pretty-printed JSON. The words for these (see describe()) name the program that
// converts them. For the rejects' path alone: nothing here looks at a record that is good.
#pragma once

#include <string_view>

#include "record/flaw.h"

namespace paystats::record {

// The flaw of a record that a decoder refused with `flaw`, in the plainest words that its bytes
// allow: `flaw` itself where they say nothing. `record` is whole, without its newline.
Flaw plain_flaw(std::string_view record, Flaw flaw);

// What an input is in which no line can be a record, seen from how it begins: UTF-16, UTF-32,
// compressed, or one JSON text over several lines. Else kNone. `begin` has its first line that is
// not empty, with its newline where it has one, and may have more.
//
// Of the last kind are those whose first line begins with a bracket, is not finished, and ends with
// an opening one or a comma, such as `[`, `{"payments": [` or `[{"user":"a","paymentAmt":1},`.
// Single lines of such a text may well be records: to count those few and to reject the others is
// what nobody wants.
Flaw foreign_input(std::string_view begin);

}  // namespace paystats::record
