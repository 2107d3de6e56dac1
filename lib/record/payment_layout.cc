#include "record/payment_layout.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "money/short_amount.h"
#include "record/field_values.h"
#include "record/json_scanner.h"
#include "record/layout_values.h"
#include "record/scan.h"

namespace paystats::record {
namespace {

// The next two are for text that is known to be right.

const char* after_string(const char* quote) {
  do quote += *quote == '\\' ? 2 : 1;
  while (*quote != '"');
  return quote + 1;
}

const char* after_spaces(const char* p) {
  while (*p == ' ') ++p;
  return p;
}

// The end of the value that begins at `p`, which is right.
const char* after_value(const char* p, const char* next) {
  if (*p == '"') return after_string(p);
  JsonScanner scanner({p, static_cast<size_t>(next - p)});
  JsonToken ignored;
  return scanner.read_value(ignored, 1) ? scanner.place() : nullptr;
}

bool is_nested(char c) {
  return c == '{' || c == '[';
}

}  // namespace

bool PaymentLayout::add(const char* begin, const char* end, Value value) {
  for (; end - begin > kMargin; begin += kMargin) {
    if (!add(begin, begin + kMargin, Value::kNothing)) return false;
  }
  if (parts_used_ == kPartsMax) return false;
  parts_[parts_used_].value = value;
  parts_[parts_used_++].before.set(begin, end);
  return true;
}

void PaymentLayout::learn(const char* line, const char* next, const Tokens& tokens) {
  plain_ = {};
  const bool fit = next[-1] == '\n';
  if (!fit || !(add_parts(line, next, tokens, true) || add_parts(line, next, tokens, false))) {
    parts_[0] = {};
    return;
  }
  if (parts_[0].value == Value::kUser && parts_[1].value == Value::kAmount) {
    learn_plain(line, next, tokens);
  }
}

// Behind the amount a plain layout has nothing but a volume and texts.
void PaymentLayout::learn_plain(const char* line, const char* next, const Tokens& tokens) {
  const size_t last = parts_used_ - 1;
  PlainTail tail;
  if (last > 2 && !learn_tail(tokens, last, tail)) return;
  plain_ = PlainLayout::of(line, next, tokens[0].text, tokens[1].text, parts_[last].before.size);
  plain_tail_ = tail;
}

bool PaymentLayout::learn_tail(const Tokens& tokens, size_t last, PlainTail& tail) const {
  // Where the first quote is behind the text of a number that part `i` has.
  const auto quote_behind = [&](const JsonToken& number, size_t i) {
    const char* const end = number.text.data() + number.text.size();
    return std::string_view(end, parts_[i + 1].before.size).find('"');
  };
  if (!tail.begin(quote_behind(tokens[1], 1))) return false;
  for (size_t i = 2; i <= last; ++i) {
    const LayoutLiteral& before = parts_[i].before;
    if (parts_[i].value == Value::kVolume) {
      // One that is a string has a quote in front.
      if (tokens[2].kind != JsonToken::Kind::kNumber) return false;
      const size_t quote = i + 1 == last ? 0 : quote_behind(tokens[2], i);
      if (!tail.add(before, PlainTail::Value::kVolume, quote)) return false;
    } else if (parts_[i].value == Value::kString) {
      if (!tail.add(before, PlainTail::Value::kText)) return false;
    } else if (i < last || !tail.add(before, PlainTail::Value::kEnd)) {
      return false;
    }
  }
  return true;
}

// The line is right, so it is enough to find its values; those that are nested as well, unless that
// makes too many.
bool PaymentLayout::add_parts(const char* line, const char* next, const Tokens& tokens,
                              bool with_nested) {
  parts_used_ = 0;
  const char* done = line;  // up to here it has been taken into parts
  const char* p = after_spaces(line);
  while (*p != '}') {
    const char* const name = after_spaces(p + 1);  // behind a brace or a comma
    const char* const value = after_spaces(after_spaces(after_string(name)) + 1);
    const bool is_string = *value == '"';
    const char* const text = value + (is_string ? 1 : 0);
    const char* const end = after_value(value, next);
    if (end == nullptr) return false;
    if (is_nested(*value)) {
      if (!add_nested(done, value, end, with_nested)) return false;
    } else {
      const Value kind = text == tokens[0].text.data()
                             ? (is_string ? Value::kUser : Value::kIntegerUser)
                         : text == tokens[1].text.data() ? Value::kAmount
                         : text == tokens[2].text.data() ? Value::kVolume
                         : is_string                     ? Value::kString
                                                         : Value::kScalar;
      if (!add(done, text, kind)) return false;
    }
    done = end - (is_string ? 1 : 0);
    p = after_spaces(end);
  }
  return add(done, next, Value::kEnd);
}

// From where the line has been taken up to, with the object or array from `begin` to `end`.
bool PaymentLayout::add_nested(const char* done, const char* begin, const char* end,
                               bool with_parts) {
  if (!add(done, begin, Value::kNested)) return false;
  const size_t nested = parts_used_ - 1;
  // Without parts it is read as a whole each time.
  if (!(with_parts ? add_nested_parts(begin, end) : add(begin, begin, Value::kNever))) return false;
  parts_[nested].behind = static_cast<uint8_t>(parts_used_);
  return true;
}

// Of what is nested deeper all but its values is literal as well.
bool PaymentLayout::add_nested_parts(const char* begin, const char* end) {
  const char* done = begin;
  for (const char* p = begin; p != end;) {
    if (*p == '"') {
      const char* const behind = after_string(p);
      if (*after_spaces(behind) != ':') {
        if (!add(done, p + 1, Value::kString)) return false;
        done = behind - 1;
      }
      p = behind;
    } else if (*p == '-' || (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z')) {
      if (!add(done, p, Value::kScalar)) return false;
      done = p = after_value(p, end);
      if (p == nullptr) return false;
    } else {
      ++p;
    }
  }
  return add(done, end, Value::kNothing);
}

// Behind the literal and the value of a part that begin at `p`, or nullptr.
[[gnu::always_inline]] inline const char* PaymentLayout::part_end(const Part& part, const char* p,
                                                                  const char* newline,
                                                                  const StringStops& stops,
                                                                  TextArena& arena,
                                                                  Payment& out) const {
  const char* const limit = newline + 1;
  if (p >= limit || !part.before.matches(p)) return nullptr;
  p += part.before.size;
  if (part.value == Value::kUser || part.value == Value::kString) {
    const bool is_user = part.value == Value::kUser;
    const char* const stop = stops.next(p);
    if (*stop != '"') [[unlikely]] {
      return is_user ? odd_name_end(p, stop, limit, stops, arena, out.user)
                     : odd_text_end(p, stop, limit);
    }
    if (!is_user) return stop;
    const auto size = static_cast<size_t>(stop - p);
    if (size - 1 >= kUserBytesMax) return nullptr;  // empty or too long
    out.user = UserName::with_margin(p, size);
    return stop;
  }
  if (part.value == Value::kScalar) return scalar_end(p, newline);
  if (part.value == Value::kAmount) {
    const char* const end = money::read_short_amount(p, out.sum);
    return end != nullptr ? end : long_amount_end(p, limit, out.sum);
  }
  if (part.value == Value::kVolume) return volume_end(p, out.count);
  if (part.value == Value::kIntegerUser) return integer_user_end(p, newline, out.user);
  return part.value == Value::kNever ? nullptr : p;
}

bool PaymentLayout::scan(const char* p, const char* newline, const StringStops& stops,
                         TextArena& arena, Payment& out) const {
  out.count = 1;
  const char* nested = nullptr;  // where the last object or array began
  const Part* behind = nullptr;  // and what follows it, if it has not been read as a whole
  for (const Part* part = parts_.data();; ++part) {
    if (const char* next = part_end(*part, p, newline, stops, arena, out); next != nullptr) {
      p = next;
      if (part->value == Value::kEnd) return sum_up(out);  // its literal ends in the newline
      if (part->value == Value::kNested) {
        nested = p;
        behind = parts_.data() + part->behind;
      }
      continue;
    }
    if (behind == nullptr) return false;
    p = other_end(nested, newline);
    if (p == nullptr) return false;
    part = std::exchange(behind, nullptr) - 1;
  }
}

}  // namespace paystats::record
