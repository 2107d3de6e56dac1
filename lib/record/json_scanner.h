// The general path through a record: one JSON text, read once from front to back by the grammar of
// RFC 8259, every byte checked, nothing kept. It does not recurse, so depth costs no stack.
//
//   JsonScanner scanner(text);
//   scanner.skip_white();
//   JsonToken token;
//   if (!scanner.read_value(token, 1)) return scanner.flaw();
//
// Each call that returns false has set flaw(), and the scanner is of no more use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "record/flaw.h"

namespace paystats::record {

struct JsonToken {
  enum class Kind : uint8_t { kMissing, kString, kNumber, kOther };

  std::string_view text;  // a string without its quotes, escapes as they are; or a number
  Kind kind = Kind::kMissing;
  bool escaped = false;  // the string holds at least one escape
};

class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  Flaw flaw() const { return flaw_; }
  bool at_end() const { return at_ == end_; }
  const char* place() const { return at_; }
  const char* end() const { return end_; }
  // Passes over what has been read by other means. REQUIRES: between place() and end().
  void skip_to(const char* place) { at_ = place; }

  // The next byte; 0 at the end (a NUL is never right, so the two need not be told apart).
  char peek() const { return at_ < end_ ? *at_ : '\0'; }

  void skip_white();
  bool expect(char c);  // steps over `c`, or fails

  bool read_string(JsonToken& token);  // from its opening quote
  // Any value; what is inside an object or an array is checked and passed over. `depth` is that of
  // the object around it: 1 for the top-level one.
  bool read_value(JsonToken& token, int depth);

  bool fail();  // with what is wrong at this place

 private:
  bool fail(Flaw flaw) {
    flaw_ = flaw;
    return false;
  }
  bool skip_escape();
  bool skip_unicode_escape();
  bool read_hex_four(uint32_t& unit);
  bool skip_character();
  bool skip_number();
  bool skip_word(std::string_view word);
  bool read_scalar(JsonToken& token);
  bool skip_nested(int depth);

  const char* at_;
  const char* end_;
  Flaw flaw_ = Flaw::kNone;
};

// Writes the text that an escaped string stands for; `out` has room for raw.size() bytes, which it
// never exceeds. Returns how many it was. REQUIRES: read_string() accepted it.
size_t decode_escapes(std::string_view raw, char* out);

}  // namespace paystats::record
