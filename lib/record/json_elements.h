// Cuts a JSON text into the elements of its top-level array, as the bytes that they were written
// in, so that an amount reaches the record codec as its own text. The whole text is checked.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "record/flaw.h"

namespace paystats::record {

struct JsonElements {
  bool is_array = false;
  std::vector<std::string_view> elements;  // of an array; else the one value that the text is

  // Where the text is not JSON: what is wrong, and at which byte of it.
  Flaw flaw = Flaw::kNone;
  size_t flaw_at = 0;
};

// An element may be nested as deep as a record may.
JsonElements split_json(std::string_view text);

// The value of one field of an object as it is written, once for each time that it is there.
// REQUIRES: `object` is one JSON object (see split_json).
std::vector<std::string_view> raw_values(std::string_view object, std::string_view name);

// "byte 17 (line 2, column 5)"
std::string describe_position(std::string_view text, size_t at);

}  // namespace paystats::record
