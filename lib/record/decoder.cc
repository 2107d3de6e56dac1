#include "record/decoder.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include "base/utf8.h"
#include "record/flat_scanner.h"
#include "record/json_scanner.h"
#include "record/payment_layouts.h"
#include "record/record_fields.h"

namespace paystats::record {
namespace {

// Records whose lines have no layout to be learned.
struct NoLayout {};

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// The fields that are found by name: of several of one name (a user's own choice of names) the
// first, and none that has no name.
template <size_t kCount>
struct NamedFields {
  explicit NamedFields(const std::array<FieldName, kCount>& all) {
    for (size_t i = 0; i < kCount; ++i) {
      used[i] = all[i] && std::find(all.begin(), all.begin() + i, all[i]) == all.begin() + i;
      names[i] = all[i].value_or("");
      if (used[i]) name_bytes_max = std::max(name_bytes_max, names[i].size());
    }
  }
  bool has(std::string_view name) const { return find(name) < kCount; }
  // kCount where there is none.
  size_t find(std::string_view name) const {
    size_t i = 0;
    while (i < kCount && !(used[i] && names[i] == name)) ++i;
    return i;
  }

  std::array<std::string, kCount> names;
  std::array<bool, kCount> used{};
  size_t name_bytes_max = std::strlen(kGroupField);
};

}  // namespace

template <class Record>
struct LineDecoder<Record>::Plan {
  using Fields = RecordFields<Record>;
  using Tokens = std::array<JsonToken, Fields::kCount>;
  static constexpr bool kIsPayment = std::is_same_v<Record, Payment>;
  static constexpr bool kHasVolume = !std::is_same_v<Record, Stats>;
  static constexpr size_t kVolume = 2;  // of a record that has one

  // The elements of a group, which may yet turn out to be a field that nobody reads.
  struct Group {
    Group(DecodedLines<Record>& lines, uint32_t number)
        : out(lines), line(number), rows_before(lines.rows.size()) {}

    DecodedLines<Record>& out;
    const uint32_t line;
    const size_t rows_before;
    uint32_t found = 0;  // so many arrays of that name
    uint32_t elements = 0;
    Flaw flaw = Flaw::kNone;  // of the first bad element
    uint32_t bad_element = 0;
  };

  Plan(const FieldNames& given, DecodePath decode_path)
      : path(decode_path),
        volume_is_foreign(kHasVolume && given.volume.empty() && !given.foreign_volume.empty()),
        fields(Fields::names(with_foreign_volume(given))),
        has_group_field(kIsPayment && !fields.has(kGroupField)),
        flat(fields.names, fields.used, has_group_field ? kGroupField : "") {}

  // A foreign volume is looked for as a volume is, and then not read.
  static FieldNames with_foreign_volume(FieldNames names) {
    if (names.volume.empty()) names.volume = names.foreign_volume;
    return names;
  }

  // The name of a field, as far as it may be one that is looked for. One that is decoded is valid
  // until the next text goes into `arena`.
  std::string_view name_of(const JsonToken& name, TextArena& arena) const {
    if (!name.escaped) return name.text;
    // No escape is longer than six bytes for each byte that it stands for.
    if (name.text.size() > 6 * fields.name_bytes_max) return name.text;
    char* const space = arena.reserve(name.text.size());  // not kept
    return {space, decode_escapes(name.text, space)};
  }

  // The members of an object at this depth (1: it is in none), from behind its opening brace to
  // behind the closing one. A duplicate is told only where the text is right as JSON. With `group`
  // the object may be one.
  bool read_members(JsonScanner& scanner, TextArena& arena, int depth, Tokens& tokens,
                    Flaw& duplicate, Group* group) {
    scanner.skip_white();
    if (scanner.peek() == '}') return scanner.expect('}');
    for (;;) {
      JsonToken name;
      if (!scanner.read_string(name)) return false;
      scanner.skip_white();
      if (!scanner.expect(':')) return false;
      scanner.skip_white();
      const std::string_view text = name_of(name, arena);
      if (group != nullptr && scanner.peek() == '[' && text == kGroupField) {
        if (!read_group_field(scanner, tokens, *group)) return false;
      } else {
        const size_t field = fields.find(text);
        JsonToken value;
        if (!scanner.read_value(value, depth)) return false;
        if (field < Fields::kCount) {
          const bool seen = tokens[field].kind != JsonToken::Kind::kMissing;
          const bool is_read = !(volume_is_foreign && field == kVolume);
          if (seen && is_read && duplicate == Flaw::kNone) duplicate = Fields::kDuplicate[field];
          tokens[field] = value;
        }
      }
      scanner.skip_white();
      if (scanner.peek() != ',') return scanner.expect('}');
      if (!scanner.expect(',')) return false;
      scanner.skip_white();
    }
  }

  static bool is_payment(const Tokens& tokens) {
    using Kind = JsonToken::Kind;
    return tokens[0].kind != Kind::kMissing || tokens[1].kind != Kind::kMissing;
  }

  // Beside a user or an amount, or a second time, the array is passed over.
  bool read_group_field(JsonScanner& scanner, const Tokens& tokens, Group& group) {
    JsonToken ignored;
    if (group.found++ > 0 || is_payment(tokens)) return scanner.read_value(ignored, 1);
    return read_elements(scanner, 2, group);
  }

  // The elements of an array at this depth, from its opening bracket on. What is wrong with one of
  // them is told only where the text is right as JSON.
  bool read_elements(JsonScanner& scanner, int depth, Group& group) {
    if (!scanner.expect('[')) return false;
    scanner.skip_white();
    if (scanner.peek() == ']') return scanner.expect(']');
    for (;;) {
      Record record;
      Flaw flaw = Flaw::kNone;
      if (!read_element(scanner, group.out.decoded, depth, record, flaw)) return false;
      if (flaw == Flaw::kNone && group.flaw == Flaw::kNone) {
        group.out.rows.make_room();
        group.out.rows.push_back({record, group.line});
      } else if (group.flaw == Flaw::kNone) {
        group.flaw = flaw;
        group.bad_element = group.elements;
      }
      ++group.elements;
      scanner.skip_white();
      if (scanner.peek() != ',') return scanner.expect(']');
      if (!scanner.expect(',')) return false;
      scanner.skip_white();
    }
  }

  bool read_element(JsonScanner& scanner, TextArena& arena, int depth, Record& out, Flaw& flaw) {
    Tokens tokens;
    if (scanner.peek() != '{') {
      flaw = Flaw::kNotAnObject;
      return scanner.read_value(tokens[0], depth);
    }
    if (path == DecodePath::kFastFirst) {
      const char* const next = flat.scan_object(scanner.place(), scanner.end(), depth + 1, tokens);
      if (next != nullptr && build_flat(tokens, arena, out)) {
        scanner.skip_to(next);
        return true;
      }
      tokens = {};
    }
    Flaw duplicate = Flaw::kNone;
    if (!scanner.expect('{')) return false;
    if (!read_members(scanner, arena, depth + 1, tokens, duplicate, nullptr)) return false;
    flaw = duplicate != Flaw::kNone ? duplicate : build(tokens, arena, out);
    return true;
  }

  // What the tokens are, once a foreign volume has been looked at.
  Flaw build(Tokens& tokens, TextArena& arena, Record& out) {
    if (volume_is_foreign) {
      uint64_t volume = 0;
      const bool there = tokens[kVolume].kind != JsonToken::Kind::kMissing;
      if (there && read_volume(tokens[kVolume], arena, volume) == Flaw::kNone) {
        foreign_volume_met = true;
      }
      tokens[kVolume] = {};
    }
    return Fields::build(tokens, arena, out);
  }

  // The same for what the flat path has found, which may not even be JSON.
  bool build_flat(Tokens& tokens, TextArena& arena, Record& out) {
    if (volume_is_foreign && tokens[kVolume].kind == JsonToken::Kind::kNumber) {
      JsonScanner scanner(tokens[kVolume].text);
      JsonToken number;
      if (!scanner.read_value(number, 1) || !scanner.at_end()) return false;
      tokens[kVolume] = number;
    }
    return build(tokens, arena, out) == Flaw::kNone;
  }

  // One record or, where `group` is set, maybe a group: then its rows are appended, `is_group` is
  // set and `out` means nothing.
  Flaw read_general(std::string_view text, TextArena& arena, Record& out, Group* group,
                    bool& is_group) {
    is_group = false;
    if (text.size() > kLineBytesMax) return Flaw::kLineTooLong;
    if (text.starts_with(base::kByteOrderMark)) return Flaw::kByteOrderMark;
    JsonScanner scanner(text);
    scanner.skip_white();
    const bool is_object = scanner.peek() == '{';
    is_group = group != nullptr && scanner.peek() == '[';
    Tokens tokens;
    Flaw duplicate = Flaw::kNone;
    JsonToken other;
    const bool right =
        is_object  ? scanner.expect('{') && read_members(scanner, arena, 1, tokens, duplicate,
                                                        has_group_field ? group : nullptr)
        : is_group ? read_elements(scanner, 1, *group)
                   : scanner.read_value(other, 0);
    if (!right) return scanner.flaw();
    scanner.skip_white();
    if (!scanner.at_end()) {
      scanner.fail();
      return scanner.flaw();
    }
    if (is_object && group != nullptr) is_group = group->found > 0 && !is_payment(tokens);
    if (is_group) return flaw_of(*group);
    if (!is_object) return Flaw::kNotAnObject;
    return duplicate != Flaw::kNone ? duplicate : build(tokens, arena, out);
  }

  static Flaw flaw_of(const Group& group) {
    if (group.found > 1) return Flaw::kGroupDuplicate;
    return group.elements == 0 ? Flaw::kGroupEmpty : group.flaw;
  }

  // Appends what a text is, by the general path.
  void append_general(std::string_view text, uint32_t line, DecodedLines<Record>& out) {
    Record record;
    Group group(out, line);
    bool is_group = false;
    const Flaw flaw =
        read_general(text, out.decoded, record, kIsPayment ? &group : nullptr, is_group);
    if (flaw == Flaw::kNone && is_group) {
      ++out.groups;
      return;
    }
    out.rows.shorten(group.rows_before);
    if (flaw == Flaw::kNone) {
      out.rows.make_room();
      out.rows.push_back({record, line});
      return;
    }
    out.rejected.push_back({text, line, flaw, {}});
    const bool of_element = is_group && flaw == group.flaw && group.elements > 0;
    if (of_element && flaw != Flaw::kGroupDuplicate) {
      out.rejected.back().element = GroupElement{group.bad_element, group.found == 0};
    }
  }

  // Lines that look like the one before, up to one that does not.
  const char* read_alike(const char* p, const char* end, DecodedLines<Record>& out) {
    if constexpr (kIsPayment) {
      if (path == DecodePath::kFastFirst) return layouts.read_lines(p, end, out);
    }
    return p;
  }

  // The next line by the flat path, which teaches the layout where that has failed too often.
  const char* read_line(const char* p, const char* end, TextArena& arena, Record& out) {
    Tokens tokens;
    const char* const next = read_flat(p, end, arena, tokens, out);
    if constexpr (kIsPayment) {
      // Until a foreign volume has been told each line is looked at for one.
      const bool may_learn = !volume_is_foreign || foreign_volume_met;
      if (next != nullptr && may_learn) layouts.missed(p, next, end, tokens);
    }
    return next;
  }

  // The place behind the line that begins at `p`, or nullptr where it is for the general path.
  const char* read_flat(const char* p, const char* end, TextArena& arena, Tokens& tokens,
                        Record& out) {
    if (path == DecodePath::kGeneral) return nullptr;
    const char* const next = flat.scan(p, end, tokens);
    if (next == nullptr || static_cast<size_t>(next - p) > kLineBytesMax) return nullptr;
    return build_flat(tokens, arena, out) ? next : nullptr;
  }

  // The same for a text that is one record, and nothing else.
  bool read_whole(std::string_view json, TextArena& arena, Record& out) {
    const char* const end = json.data() + json.size();
    Tokens tokens;
    return !json.empty() && read_flat(json.data(), end, arena, tokens, out) == end;
  }

  const DecodePath path;
  const bool volume_is_foreign;
  const NamedFields<Fields::kCount> fields;
  const bool has_group_field;
  const FlatScanner<Fields::kCount> flat;
  std::conditional_t<kIsPayment, PaymentLayouts, NoLayout> layouts;
  TextArena one;  // texts of decode_one()
  bool foreign_volume_met = false;
  bool foreign_volume_told = false;
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
  out.groups = 0;
  if constexpr (Plan::kIsPayment) plan_->layouts.forget_block();
  const char* p = block.data();
  const char* const end = p + block.size();
  size_t group_rows = 0;  // beyond the first of each group
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
    const size_t rows = out.rows.size();
    plan_->append_general(line, number, out);
    if (out.rows.size() > rows) group_rows += out.rows.size() - rows - 1;
  }
  out.records = static_cast<uint32_t>(out.rows.size() - group_rows + out.rejected.size());
  return block.size() - static_cast<size_t>(end - p);
}

template <class Record>
Flaw LineDecoder<Record>::decode_one(std::string_view json, Record& out) {
  plan_->one.clear();
  return decode_text(json, plan_->one, out);
}

template <class Record>
Flaw LineDecoder<Record>::decode_text(std::string_view json, TextArena& arena, Record& out) const {
  if (plan_->read_whole(json, arena, out)) return Flaw::kNone;
  bool is_group = false;
  return plan_->read_general(json, arena, out, nullptr, is_group);
}

template <class Record>
void LineDecoder<Record>::append_text(std::string_view json, uint32_t line,
                                      DecodedLines<Record>& out) const {
  Record record;
  if (plan_->read_whole(json, out.decoded, record)) {
    out.rows.make_room();
    out.rows.push_back({record, line});
  } else {
    plan_->append_general(json, line, out);
  }
}

template <class Record>
bool LineDecoder<Record>::take_foreign_volume() {
  return plan_->foreign_volume_met && !std::exchange(plan_->foreign_volume_told, true);
}

template class LineDecoder<Payment>;
template class LineDecoder<Batch>;
template class LineDecoder<Stats>;

}  // namespace paystats::record
