#include "record/decoder.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include "record/flat_scanner.h"
#include "record/json_scanner.h"
#include "record/payment_layouts.h"
#include "record/record_fields.h"

namespace paystats::record {
namespace {

// Records whose lines have no layout to be learned.
struct NoLayout {};

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// Of several fields of one name (a user's own choice of names) the first is the one that is read.
template <size_t kCount>
std::array<bool, kCount> first_of_its_name(const std::array<std::string, kCount>& names) {
  std::array<bool, kCount> first{};
  for (size_t i = 0; i < kCount; ++i) {
    first[i] = std::find(names.begin(), names.begin() + i, names[i]) == names.begin() + i;
  }
  return first;
}

}  // namespace

template <class Record>
struct LineDecoder<Record>::Plan {
  using Fields = RecordFields<Record>;
  using Tokens = std::array<JsonToken, Fields::kCount>;

  Plan(const FieldNames& fields, DecodePath decode_path)
      : path(decode_path), names(Fields::names(fields)), flat(names, first_of_its_name(names)) {
    for (const std::string& name : names) name_bytes_max = std::max(name_bytes_max, name.size());
  }

  // kCount where the name is that of no field that is read.
  size_t field_named(const JsonToken& name, TextArena& arena) const {
    std::string_view text = name.text;
    if (name.escaped) {
      // No escape is longer than six bytes for each byte that it stands for.
      if (text.size() > 6 * name_bytes_max) return Fields::kCount;
      char* const space = arena.reserve(text.size());  // not kept
      text = {space, decode_escapes(text, space)};
    }
    return static_cast<size_t>(std::find(names.begin(), names.end(), text) - names.begin());
  }

  // The members of the top-level object, from behind its opening brace to behind the closing one.
  // A duplicate is told only where the text is right as JSON.
  bool read_members(JsonScanner& scanner, TextArena& arena, Tokens& tokens, Flaw& duplicate) const {
    scanner.skip_white();
    if (scanner.peek() == '}') return scanner.expect('}');
    for (;;) {
      JsonToken name;
      if (!scanner.read_string(name)) return false;
      scanner.skip_white();
      if (!scanner.expect(':')) return false;
      scanner.skip_white();
      JsonToken value;
      if (!scanner.read_value(value, 1)) return false;
      if (const size_t field = field_named(name, arena); field < Fields::kCount) {
        const bool seen = tokens[field].kind != JsonToken::Kind::kMissing;
        if (seen && duplicate == Flaw::kNone) duplicate = Fields::kDuplicate[field];
        tokens[field] = value;
      }
      scanner.skip_white();
      if (scanner.peek() != ',') return scanner.expect('}');
      if (!scanner.expect(',')) return false;
      scanner.skip_white();
    }
  }

  Flaw read_general(std::string_view text, TextArena& arena, Record& out) const {
    if (text.size() > kLineBytesMax) return Flaw::kLineTooLong;
    if (text.starts_with(kByteOrderMark)) return Flaw::kByteOrderMark;
    JsonScanner scanner(text);
    scanner.skip_white();
    const bool is_object = scanner.peek() == '{';
    Tokens tokens;
    Flaw duplicate = Flaw::kNone;
    if (is_object) {
      if (!scanner.expect('{') || !read_members(scanner, arena, tokens, duplicate)) {
        return scanner.flaw();
      }
    } else {
      JsonToken other;
      if (!scanner.read_value(other, 0)) return scanner.flaw();
    }
    scanner.skip_white();
    if (!scanner.at_end()) {
      scanner.fail();
      return scanner.flaw();
    }
    if (!is_object) return Flaw::kNotAnObject;
    return duplicate != Flaw::kNone ? duplicate : Fields::build(tokens, arena, out);
  }

  // Lines that look like the one before, up to one that does not.
  const char* read_alike(const char* p, const char* end, DecodedLines<Record>& out) {
    if constexpr (kHasLayout) {
      if (path == DecodePath::kFastFirst) return layouts.read_lines(p, end, out);
    }
    return p;
  }

  // The next line by the flat path, which teaches the layout where that has failed too often.
  const char* read_line(const char* p, const char* end, TextArena& arena, Record& out) {
    Tokens tokens;
    const char* const next = read_flat(p, end, arena, tokens, out);
    if constexpr (kHasLayout) {
      if (next != nullptr) layouts.missed(p, next, end, tokens);
    }
    return next;
  }

  // The place behind the line that begins at `p`, or nullptr where it is for the general path.
  const char* read_flat(const char* p, const char* end, TextArena& arena, Tokens& tokens,
                        Record& out) const {
    if (path == DecodePath::kGeneral) return nullptr;
    const char* const next = flat.scan(p, end, tokens);
    if (next == nullptr || static_cast<size_t>(next - p) > kLineBytesMax) return nullptr;
    return Fields::build(tokens, arena, out) == Flaw::kNone ? next : nullptr;
  }

  static constexpr bool kHasLayout = std::is_same_v<Record, Payment>;

  DecodePath path;
  std::array<std::string, Fields::kCount> names;
  size_t name_bytes_max = 0;
  FlatScanner<Fields::kCount> flat;
  std::conditional_t<kHasLayout, PaymentLayouts, NoLayout> layouts;
  TextArena one;  // texts of decode_one()
};

template <class Record>
LineDecoder<Record>::LineDecoder(FieldNames fields, DecodePath path)
    : plan_(std::make_unique<Plan>(fields, path)) {}

template <class Record>
LineDecoder<Record>::LineDecoder(LineDecoder&&) noexcept = default;

template <class Record>
LineDecoder<Record>& LineDecoder<Record>::operator=(LineDecoder&&) noexcept = default;

template <class Record>
LineDecoder<Record>::~LineDecoder() = default;

template <class Record>
size_t LineDecoder<Record>::decode(std::string_view block, DecodedLines<Record>& out) {
  using Lines = DecodedLines<Record>;
  out.rows.clear();
  out.rows.reserve(Lines::kRowsMax);
  out.rejected.clear();
  out.decoded.clear();
  out.lines = 0;
  if constexpr (Plan::kHasLayout) plan_->layouts.forget_block();
  const char* p = block.data();
  const char* const end = p + block.size();
  Record record;
  while (p < end && out.rows.size() < Lines::kRowsMax && out.rejected.size() < Lines::kRowsMax) {
    if (const char* next = plan_->read_alike(p, end, out); next != p) {
      p = next;
      continue;
    }
    if (const char* next = plan_->read_line(p, end, out.decoded, record); next != nullptr) {
      out.rows.push_back({record, out.lines++});
      p = next;
      continue;
    }
    const auto* newline =
        static_cast<const char*>(std::memchr(p, '\n', static_cast<size_t>(end - p)));
    const std::string_view line(p, static_cast<size_t>((newline == nullptr ? end : newline) - p));
    p = newline == nullptr ? end : newline + 1;
    const uint32_t number = out.lines++;
    if (line.size() <= kLineBytesMax && is_blank(line)) continue;
    const Flaw flaw = plan_->read_general(line, out.decoded, record);
    if (flaw == Flaw::kNone) {
      out.rows.push_back({record, number});
    } else {
      out.rejected.push_back({line, number, flaw});
    }
  }
  out.records = static_cast<uint32_t>(out.rows.size() + out.rejected.size());
  return block.size() - static_cast<size_t>(end - p);
}

template <class Record>
Flaw LineDecoder<Record>::decode_one(std::string_view json, Record& out) {
  plan_->one.clear();
  return decode_text(json, plan_->one, out);
}

template <class Record>
Flaw LineDecoder<Record>::decode_text(std::string_view json, TextArena& arena, Record& out) const {
  const char* const end = json.data() + json.size();
  typename Plan::Tokens tokens;
  const char* const next = plan_->read_flat(json.data(), end, arena, tokens, out);
  if (next == end && !json.empty()) return Flaw::kNone;
  return plan_->read_general(json, arena, out);
}

template class LineDecoder<Payment>;
template class LineDecoder<Batch>;
template class LineDecoder<Stats>;

}  // namespace paystats::record
