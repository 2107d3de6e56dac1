#include "record/foreign.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "record/json_scanner.h"
#include "record/schema_frame.h"

namespace paystats::record {
namespace {

constexpr std::string_view kWhite = " \t\r\n";
constexpr std::string_view kBehindElement = ",]}";
constexpr size_t kLinesChecked = 4;        // each, as they come
constexpr char kRecordSeparator = '\x1E';  // RFC 7464

struct Magic {
  std::string_view bytes;
  Flaw flaw;
};

template <size_t kSize>
constexpr std::string_view with_nuls(const char (&bytes)[kSize]) {
  return {bytes, kSize - 1};
}

// The longer of two that begin alike comes first.
constexpr std::array<Magic, 8> kMagics = {{
    {with_nuls("\xFF\xFE\0\0"), Flaw::kUtf32},
    {with_nuls("\0\0\xFE\xFF"), Flaw::kUtf32},
    {"\xFF\xFE", Flaw::kUtf16},
    {"\xFE\xFF", Flaw::kUtf16},
    {"\x1F\x8B\x08", Flaw::kGzip},                     // RFC 1952
    {"\x28\xB5\x2F\xFD", Flaw::kZstd},                 // RFC 8878
    {with_nuls("\xFD\x37\x7A\x58\x5A\0"), Flaw::kXz},  // the .xz file format, 2.1.1.1
    {"BZh91AY&SY", Flaw::kBzip2},
}};

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kWhite);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kWhite) - begin + 1);
}

// Of each `unit` bytes of the first eight one is not NUL, at the same place in all: so are
// characters of ASCII, with which every JSON text begins, in an encoding of that many bytes.
bool is_wide_ascii(std::string_view bytes, size_t unit) {
  constexpr size_t kLooked = 8;
  if (bytes.size() < kLooked) return false;
  const auto place = static_cast<size_t>(
      std::find_if(bytes.begin(), bytes.end(), [](char c) { return c != '\0'; }) - bytes.begin());
  if (place >= unit) return false;
  for (size_t i = 0; i < kLooked; ++i) {
    if ((bytes[i] != '\0') != (i % unit == place)) return false;
  }
  return true;
}

Flaw encoding_or_compression(std::string_view bytes) {
  for (const Magic& magic : kMagics) {
    if (bytes.starts_with(magic.bytes)) return magic.flaw;
  }
  if (is_wide_ascii(bytes, 2)) return Flaw::kUtf16;
  if (is_wide_ascii(bytes, 4)) return Flaw::kUtf32;
  return Flaw::kNone;
}

// A magic byte 0 and the four bytes of a schema's number, as Confluent's serializers write them.
bool has_schema_frame(std::string_view record) {
  const std::string_view text = without_schema_frame(record);
  if (text.size() == record.size() || text.size() < 2 || text[0] != '{') return false;
  const char next = text[1];
  return next == '"' || next == '}' || kWhite.find(next) != std::string_view::npos;
}

// Behind a whole value: what is there, if anything.
Flaw behind_value(std::string_view rest) {
  if (rest.empty()) return Flaw::kNotJson;
  if (rest.find_first_not_of(",]} \t\r\n") == std::string_view::npos) return Flaw::kSeveralLines;
  const char first = trimmed(rest.substr(rest.front() == ',' ? 1 : 0)).front();
  return first == '{' || first == '[' ? Flaw::kSeveralObjects : Flaw::kTrailingBytes;
}

Flaw bracketed(std::string_view text) {
  JsonScanner scanner(text);
  JsonToken value;
  if (!scanner.read_value(value, 0)) {
    return scanner.at_end() ? Flaw::kUnfinished : Flaw::kNotJson;
  }
  return behind_value(
      trimmed({scanner.place(), static_cast<size_t>(&text.back() + 1 - scanner.place())}));
}

// `"user": "edgar",`, or nothing but closing brackets.
bool is_inner_line(std::string_view text) {
  if (text.find_first_not_of("]}, \t\r") == std::string_view::npos) return text != ",";
  if (text.front() == ',') {
    text = trimmed(text.substr(1));
    if (text.empty()) return false;
    if (text.front() == '{' || text.front() == '[') return true;
  }
  if (text.front() != '"') return false;
  JsonScanner scanner(text);
  JsonToken name;
  if (!scanner.read_string(name)) return false;
  scanner.skip_white();
  return scanner.peek() == ':';
}

// `processor\t: 0`, `Name:\tcat`: a name and its value, as in files of /proc.
bool is_name_and_value(std::string_view text) {
  return text.find("\t:") != std::string_view::npos || text.find(":\t") != std::string_view::npos;
}

// Text with separators, none of which has a space behind it as in a sentence.
bool is_csv(std::string_view text) {
  if (is_name_and_value(text)) return false;
  bool separated = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '{' || c == '[') return false;
    if (static_cast<unsigned char>(c) < ' ' && c != '\t') return false;
    if (c != ',' && c != ';' && c != '\t') continue;
    if (i + 1 < text.size() && text[i + 1] == ' ') return false;
    separated = true;
  }
  return separated;
}

bool may_begin_text(std::string_view text) {
  return (text.front() == '{' || text.front() == '[') &&
         (text.back() == '{' || text.back() == '[' || text.back() == ',');
}

enum class Front { kWhole, kUnfinished, kNotJson };

// What the front of an input is as one JSON text.
Front front_of_text(std::string_view text) {
  JsonScanner scanner(text);
  JsonToken value;
  if (!scanner.read_value(value, 0)) {
    return scanner.at_end() ? Front::kUnfinished : Front::kNotJson;
  }
  scanner.skip_white();
  return scanner.at_end() ? Front::kWhole : Front::kNotJson;
}

// Likewise as JSON texts behind each other.
Front front_of_texts(std::string_view texts) {
  JsonScanner scanner(texts);
  JsonToken value;
  for (scanner.skip_white(); !scanner.at_end(); scanner.skip_white()) {
    if (!scanner.read_value(value, 0)) {
      return scanner.at_end() ? Front::kUnfinished : Front::kNotJson;
    }
  }
  return Front::kWhole;
}

bool is_whole_text(std::string_view text) {
  return (text.front() == '{' || text.front() == '[') && front_of_text(text) == Front::kWhole;
}

bool is_array_of_objects(std::string_view text) {
  if (text.empty() || text.front() != '[') return false;
  const size_t first = text.find_first_not_of(kWhite, 1);
  return first != std::string_view::npos && text[first] == '{' && is_whole_text(text);
}

// An object with an array of that name in it.
bool has_array(std::string_view text, std::string_view name) {
  if (text.empty() || text.front() != '{' || !is_whole_text(text)) return false;
  JsonScanner scanner(text);
  JsonToken token;
  scanner.expect('{');
  for (;;) {
    scanner.skip_white();
    if (!scanner.read_string(token)) return false;
    const bool is_named = token.text == name;
    scanner.skip_white();
    scanner.expect(':');
    scanner.skip_white();
    if (is_named) return scanner.peek() == '[';
    if (!scanner.read_value(token, 1)) return false;
    scanner.skip_white();
    if (!scanner.expect(',')) return false;
  }
}

}  // namespace

Flaw plain_flaw(std::string_view record, Flaw flaw, bool reads_groups,
                const std::optional<GroupElement>& element) {
  const bool may_be_group = !reads_groups && !element;
  if (may_be_group && flaw == Flaw::kNotAnObject && is_array_of_objects(trimmed(record))) {
    return Flaw::kGroup;
  }
  if (may_be_group && flaw == Flaw::kUserMissing && has_array(trimmed(record), kGroupField)) {
    return Flaw::kGroup;
  }
  const bool is_syntax = flaw == Flaw::kNotJson;
  if (!is_syntax && flaw != Flaw::kNulByte && flaw != Flaw::kInvalidUtf8) return flaw;
  if (has_schema_frame(record)) return Flaw::kSchemaFrame;
  if (const Flaw form = encoding_or_compression(record); form != Flaw::kNone) return form;
  const std::string_view text = trimmed(record);
  if (!is_syntax || text.empty()) return flaw;
  if (text.front() == kRecordSeparator) return Flaw::kJsonSequence;
  if (text.front() == '{' || text.front() == '[') return bracketed(text);
  if (is_inner_line(text)) return Flaw::kSeveralLines;
  return is_csv(text) ? Flaw::kCsv : flaw;
}

Flaw foreign_encoding(std::string_view begin) {
  return encoding_or_compression(begin);
}

std::optional<Flaw> ForeignStart::take(std::string_view line, bool whole) {
  bytes_ += line.size();
  const bool is_last = bytes_ >= kBytesMax || !whole;
  const std::string_view text = trimmed(line);
  if (text.empty()) {
    return is_last && !may_be_element_ ? std::optional(end()) : std::nullopt;
  }
  ++lines_;
  if (lines_ == 1 &&
      !(whole && may_begin_text(text) && front_of_text(text) == Front::kUnfinished)) {
    return Flaw::kNone;
  }
  if (may_be_element_ && kBehindElement.find(text.front()) == std::string_view::npos) {
    return Flaw::kNone;
  }
  text_ += text;
  if (whole) text_ += '\n';  // never right within a string: such a line was cut short
  may_be_element_ = lines_ > 1 && whole && is_whole_text(text);
  // What is no JSON stays so, however it goes on. To look at each doubling keeps the work linear.
  if (text_.size() >= next_check_) {
    if (front_of_texts(text_) == Front::kNotJson) return Flaw::kNone;
    next_check_ = lines_ > kLinesChecked ? 2 * text_.size() : 0;
  }
  return is_last && !may_be_element_ ? std::optional(end()) : std::nullopt;
}

Flaw ForeignStart::end() const {
  if (lines_ < 2 || may_be_element_) return Flaw::kNone;
  return front_of_texts(text_) == Front::kNotJson ? Flaw::kNone : Flaw::kSeveralLines;
}

}  // namespace paystats::record
