// Cuts a JSON text into the elements of its top-level array, as the bytes that they were written
// in, so that an amount reaches the record codec as its own text. The whole text is checked.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "record/flaw.h"
#include "record/json_scanner.h"

namespace paystats::record {

// The elements one after the other, so that a text of many takes no memory for them: that there is
// a flaw is known only behind those before it.
//
//   JsonElementReader reader(text);
//   for (std::string_view element; reader.next(element);) ...
//   if (reader.flaw() != Flaw::kNone) ...          // the whole text is not JSON
class JsonElementReader {
 public:
  explicit JsonElementReader(std::string_view text);

  bool is_array() const { return is_array_; }
  // False: there is no further one, or the text is not JSON.
  bool next(std::string_view& element);

  Flaw flaw() const { return flaw_; }
  size_t flaw_at() const { return flaw_at_; }

 private:
  bool read_next(std::string_view& element);
  bool end();
  bool fail();

  const char* const begin_;
  JsonScanner scanner_;
  bool is_array_ = false;
  bool begun_ = false;
  bool ended_ = false;
  Flaw flaw_ = Flaw::kNone;
  size_t flaw_at_ = 0;
};

// All at once.
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

// The same of a field that is there once.
std::optional<std::string_view> raw_value(std::string_view object, std::string_view name);

// Whether `text` is one JSON object.
bool is_json_object(std::string_view text);

// The text that a value stands for, if it is a string. REQUIRES: it is a value of JSON.
std::optional<std::string> json_string(std::string_view raw);

// The text of a field that is there once, and is a string. REQUIRES: `object` is one JSON object.
std::optional<std::string> text_field(std::string_view object, std::string_view name);

// "byte 17 (line 2, column 5)"
std::string describe_position(std::string_view text, size_t at);

}  // namespace paystats::record
