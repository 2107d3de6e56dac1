#include "record/payment_layout.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/utf8.h"
#include "money/decimal.h"
#include "money/short_amount.h"
#include "record/json_scanner.h"
#include "record/scan.h"

namespace paystats {
namespace {

uint64_t load(const char* p) {
  uint64_t word = 0;
  std::memcpy(&word, p, sizeof word);
  return word;
}

// Behind the text that begins at `p` and that nobody reads (at its closing quote), where the plain
// path has met something other than a quote at `stop`; nullptr where it is not right or does not
// end before `limit`.
const char* odd_text(const char* p, const char* stop, const char* limit) {
  bool beyond_ascii = false;
  stop = scan::find_string_stop(stop, limit, beyond_ascii);
  if (stop >= limit) return nullptr;
  if (*stop == '"') return is_valid_utf8({p, static_cast<size_t>(stop - p)}) ? stop : nullptr;
  if (*stop != '\\') return nullptr;
  JsonToken token;
  JsonScanner scanner({p - 1, static_cast<size_t>(limit - p) + 1});
  return scanner.read_string(token) ? scanner.place() - 1 : nullptr;
}

// Of a byte that is no hexadecimal digit all bits are set.
constexpr std::array<uint32_t, 256> kHexValues = [] {
  std::array<uint32_t, 256> values{};
  values.fill(~uint32_t{0});
  for (uint32_t i = 0; i < 10; ++i) values['0' + i] = i;
  for (uint32_t i = 0; i < 6; ++i) values['a' + i] = values['A' + i] = 10 + i;
  return values;
}();

// What a letter behind a backslash stands for; 0 where it is none of these.
constexpr std::array<char, 256> kSimpleEscapes = [] {
  std::array<char, 256> values{};
  values['"'] = '"';
  values['\\'] = '\\';
  values['/'] = '/';
  values['b'] = '\b';
  values['f'] = '\f';
  values['n'] = '\n';
  values['r'] = '\r';
  values['t'] = '\t';
  return values;
}();

// Four hexadecimal digits, or more than 16 bits where they are none.
uint32_t hex_four(const char* p) {
  const auto value = [p](size_t i) { return kHexValues[static_cast<unsigned char>(p[i])]; };
  return (value(0) << 12U) | (value(1) << 8U) | (value(2) << 4U) | value(3);
}

// Behind the escape that begins at `p`, of which 12 bytes can be read, or nullptr; what it stands
// for, up to four bytes, goes to `out`.
const char* decode_escape(const char* p, char* out, size_t& size) {
  if (const char simple = kSimpleEscapes[static_cast<unsigned char>(p[1])]; simple != 0) {
    *out = simple;
    size = 1;
    return p + 2;
  }
  if (p[1] != 'u') return nullptr;
  uint32_t unit = hex_four(p + 2);
  p += 6;
  if (unit > 0xFFFF || (unit & 0xFC00U) == 0xDC00) return nullptr;
  if ((unit & 0xFC00U) == 0xD800) {
    const uint32_t low = p[0] == '\\' && p[1] == 'u' ? hex_four(p + 2) : 0;
    if (low > 0xFFFF || (low & 0xFC00U) != 0xDC00) return nullptr;
    unit = 0x10000 + ((unit - 0xD800) << 10U) + (low - 0xDC00);
    p += 6;
  }
  size = encode_utf8(unit, out);
  return p;
}

// Behind the name that begins at `begin` (at its closing quote), of which `stop` is the first byte
// that is not plain; nullptr where it is not right or does not end before `limit`. One walk from
// stop to stop both checks and decodes; a name without escapes stays where it is. REQUIRES: as
// scan() does; stop < limit.
const char* odd_name(const char* begin, const char* stop, const char* limit,
                     const StringStops& stops, TextArena& arena, std::string_view& user) {
  constexpr size_t kAtOnce = 16;
  char* out = nullptr;      // what has been decoded, once there is an escape
  size_t used = 0;          // of it
  const char* run = begin;  // has not been taken into it
  const auto take_run = [&] {
    const auto size = static_cast<size_t>(stop - run);
    if (size > kUserBytesMax - used) return false;
    for (size_t at = 0; at < size; at += kAtOnce) std::memcpy(out + used + at, run + at, kAtOnce);
    used += size;
    return true;
  };
  while (stop < limit && *stop != '"') {
    const auto byte = static_cast<unsigned char>(*stop);
    if (byte >= 0x80) {
      const size_t size = utf8_bytes(stop, static_cast<size_t>(limit - stop));
      if (size == 0) return nullptr;
      stop += size;
    } else if (byte == '\\') {
      if (out == nullptr) out = arena.reserve(kUserBytesMax + kAtOnce);
      size_t size = 0;
      if (!take_run()) return nullptr;
      stop = decode_escape(stop, out + used, size);
      if (stop == nullptr) return nullptr;
      used += size;
      if (used > kUserBytesMax) return nullptr;
      run = stop;
    } else {
      return nullptr;
    }
    if (stop >= limit) return nullptr;
    stop = stops.next(stop);
  }
  if (stop >= limit) return nullptr;
  if (out == nullptr) {
    user = {begin, static_cast<size_t>(stop - begin)};
  } else {
    if (!take_run()) return nullptr;
    user = {out, used};
    arena.keep(used);
  }
  return user.size() <= kUserBytesMax ? stop : nullptr;
}

// Behind the amount that begins at `p`, or nullptr.
const char* long_amount(const char* p, const char* limit, Decimal& amount) {
  const char* end = p;
  while (end != limit && *end > ' ' && *end != ',' && *end != '}' && *end != '"') ++end;
  return parse_amount({p, static_cast<size_t>(end - p)}, amount) == AmountFlaw::kNone ? end
                                                                                      : nullptr;
}

// Behind the value that begins at `p`, which is no string and which nobody reads, or nullptr.
const char* other_end(const char* p, const char* newline) {
  Decimal ignored;
  // Of a number with an exponent that is the part before it; no literal that follows begins so.
  if (const char* end = read_short_amount(p, ignored); end != nullptr) return end;
  if (*p == '"') return nullptr;
  JsonScanner scanner({p, static_cast<size_t>(newline - p)});
  JsonToken token;
  return scanner.read_value(token, 1) ? scanner.place() : nullptr;
}

}  // namespace

// REQUIRES: no more than 32 bytes.
void PaymentLayout::Literal::set(const char* begin, const char* end) {
  size = static_cast<size_t>(end - begin);
  words = {};
  std::memcpy(words.data(), begin, std::min<size_t>(size, 8));
  mask = size >= 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * size)) - 1;
  if (size >= 8) words[1] = load(end - 8);
  if (size > 16) {
    words[2] = load(begin + 8);
    words[3] = load(end - 16);
  }
}

// Of 8 to 32 bytes as words that overlap, which need no masks.
inline bool PaymentLayout::Literal::matches(const char* p) const {
  if (size < 8) return ((load(p) ^ words[0]) & mask) == 0;
  const char* const tail = p + size - 8;
  if (((load(p) ^ words[0]) | (load(tail) ^ words[1])) != 0) return false;
  return size <= 16 || ((load(p + 8) ^ words[2]) | (load(tail - 8) ^ words[3])) == 0;
}

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
  parts_used_ = 0;
  plain_ = {};
  const bool fit = next[-1] == '\n' && tokens[2].kind == JsonToken::Kind::kMissing;
  if (!fit || !add_parts(line, next, tokens)) {
    parts_[0] = {};
  } else {
    learn_plain(line, next, tokens);
  }
}

// REQUIRES: the parts have been added.
void PaymentLayout::learn_plain(const char* line, const char* next, const Tokens& tokens) {
  if (parts_used_ != 3 || parts_[0].value != Value::kUser || parts_[1].value != Value::kAmount) {
    return;
  }
  const char* const name = tokens[0].text.data();
  const char* const name_end = name + tokens[0].text.size();
  const char* const amount = tokens[1].text.data();
  const char* const amount_end = amount + tokens[1].text.size();
  const auto before = static_cast<size_t>(name - line);
  const auto between = static_cast<size_t>(amount - name_end);
  const auto after = static_cast<size_t>(next - amount_end);
  if (before < 8 || before > 16 || between < 8 || between > 24 || after > 8) return;
  const size_t middle = std::min<size_t>(8, between - 8);
  plain_ = {.before_size = before,
            .before = {load(line), load(name - 8)},
            .between_size = between,
            .between_middle = middle,
            .between = {load(name_end), load(name_end + middle), load(amount - 8)},
            .after_size = after,
            .after = load(next - 8),
            .after_mask = ~uint64_t{0} << (64 - 8 * after)};
}

// The line is right, so it is enough to find its values.
bool PaymentLayout::add_parts(const char* line, const char* next, const Tokens& tokens) {
  const auto after_string = [](const char* quote) {
    do quote += *quote == '\\' ? 2 : 1;
    while (*quote != '"');
    return quote + 1;
  };
  const auto after_spaces = [](const char* p) {
    while (*p == ' ') ++p;
    return p;
  };
  const char* done = line;  // up to here it has been taken into parts
  const char* p = after_spaces(line);
  while (*p != '}') {
    const char* const name = after_spaces(p + 1);  // behind a brace or a comma
    const char* const value = after_spaces(after_spaces(after_string(name)) + 1);
    const bool is_string = *value == '"';
    const char* const text = value + (is_string ? 1 : 0);
    const Value kind = text == tokens[0].text.data()   ? Value::kUser
                       : text == tokens[1].text.data() ? Value::kAmount
                       : is_string                     ? Value::kString
                                                       : Value::kOther;
    if (!add(done, text, kind)) return false;
    if (is_string) {
      done = after_string(value) - 1;
    } else {
      JsonScanner scanner({value, static_cast<size_t>(next - value)});
      JsonToken ignored;
      if (!scanner.read_value(ignored, 1)) return false;
      done = scanner.place();
    }
    p = after_spaces(done + (is_string ? 1 : 0));
  }
  return add(done, next, Value::kEnd);
}

bool PaymentLayout::scan(const char* p, const char* newline, const StringStops& stops,
                         TextArena& arena, Payment& out) const {
  const char* const limit = newline + 1;
  for (const Part* part = parts_.data();; ++part) {
    if (p >= limit || !part->before.matches(p)) return false;
    p += part->before.size;
    if (part->value == Value::kEnd) return true;  // its literal ends in the newline
    if (part->value == Value::kNothing) continue;
    if (p >= limit || part->value == Value::kNever) return false;
    const char* const text = p;
    if (part->value == Value::kAmount) {
      p = read_short_amount(text, out.amount);
      if (p == nullptr) [[unlikely]] {
        p = long_amount(text, limit, out.amount);
      }
    } else if (part->value == Value::kOther) {
      p = other_end(text, newline);
    } else {
      p = stops.next(text);
      const bool is_user = part->value == Value::kUser;
      if (*p == '"') [[likely]] {
        const auto size = static_cast<size_t>(p - text);
        if (is_user && size - 1 >= kUserBytesMax) return false;  // empty or too long
        if (is_user) out.user = {text, size};
      } else {
        p = is_user ? odd_name(text, p, limit, stops, arena, out.user) : odd_text(text, p, limit);
      }
    }
    if (p == nullptr) return false;
  }
}

// No literal but the last one holds a newline, so as far as one matches, the line goes on: that is
// what makes the next load one within the margin.
[[gnu::always_inline]] inline bool PaymentLayout::Plain::begins(const char* p) const {
  return ((load(p) ^ before[0]) | (load(p + before_size - 8) ^ before[1])) == 0;
}

[[gnu::always_inline]] inline bool PaymentLayout::Plain::goes_on(const char* quote,
                                                                 const char* newline) const {
  return ((load(quote) ^ between[0]) | (load(quote + between_middle) ^ between[1]) |
          (load(quote + between_size - 8) ^ between[2]) |
          ((load(newline - 7) ^ after) & after_mask)) == 0;
}

[[gnu::always_inline]] inline const char* PaymentLayout::Plain::scan(const char* p,
                                                                     const char* newline,
                                                                     const StringStops& stops,
                                                                     Payment& out) const {
  if (!begins(p)) return nullptr;
  const char* const name = p + before_size;
  const char* const quote = stops.next(name);
  if (!goes_on(quote, newline)) return nullptr;
  const auto size = static_cast<size_t>(quote - name);
  if (size - 1 >= kUserBytesMax) return nullptr;  // empty or too long
  out.user = {name, size};
  return quote + between_size;
}

const char* PaymentLayout::Plain::scan_odd(const char* p, const char* newline,
                                           const StringStops& stops, TextArena& arena,
                                           Payment& out) const {
  if (!begins(p)) return nullptr;
  const char* const name = p + before_size;
  const char* const stop = stops.next(name);
  if (stop >= newline || *stop == '"') return nullptr;
  const char* const quote = odd_name(name, stop, newline, stops, arena, out.user);
  return quote != nullptr && goes_on(quote, newline) ? quote + between_size : nullptr;
}

void PaymentLayouts::missed(const char* line, const char* next, const char* end,
                            const PaymentLayout::Tokens& tokens) {
  if (end - next < PaymentLayout::kMargin) return;  // too near the end to have been tried
  if (learned_ == kLayouts && ++misses_ < kMissesMost) return;
  misses_ = 0;
  current_ = oldest_;
  layouts_[current_].learn(line, next, tokens);
  oldest_ = (oldest_ + 1) % kLayouts;
  learned_ = std::min(learned_ + 1, kLayouts);
}

// The current one is tried first.
bool PaymentLayouts::scan_by_any(const char* p, const char* newline, TextArena& arena,
                                 Payment& out) {
  for (size_t i = 0; i < learned_; ++i) {
    const size_t at = (current_ + i) % learned_;
    if (layouts_[at].scan(p, newline, stops_, arena, out)) {
      current_ = at;
      return true;
    }
  }
  return false;
}

// As much as the rows that there is room for are likely to take.
void PaymentLayouts::mark(const char* p, const char* end, const DecodedLines<Payment>& out) {
  const size_t rows = DecodedLines<Payment>::kRowsMax - out.rows.size();
  const bool cut = stops_.begin() == p;  // that was too little
  stops_.mark(p, end, cut ? StringStops::kBytes : std::max(kMarkLeast, (rows + 2) * line_bytes_));
}

// Where a line begins depends on the newline in front of it and on nothing else that is found in
// the line before, so that the processor is at several lines at once.
const char* PaymentLayouts::read_plain_lines(const char* p, const char* limit,
                                             DecodedLines<Payment>& out) {
  const PaymentLayout::Plain plain = layouts_[current_].plain();  // ours: no row overlaps it
  LineEnds ends;
  for (size_t room = 0; (room = DecodedLines<Payment>::kRowsMax - out.rows.size()) > 0;) {
    auto* const rows = &out.rows.next();
    const char* const begin = p;
    const size_t most = std::min(room, ShortAmounts::kMost);
    size_t scanned = 0;
    for (; scanned < most; ++scanned) {
      const char* const newline = stops_.next_newline(p);
      if (newline >= limit) break;
      Payment& payment = rows[scanned].record;
      const char* amount = plain.scan(p, newline, stops_, payment);
      if (amount == nullptr) [[unlikely]] {
        amount = plain.scan_odd(p, newline, stops_, out.decoded, payment);
        if (amount == nullptr) break;
      }
      amounts_.set(scanned, amount, plain.amount_end(newline));
      rows[scanned].line = out.lines + static_cast<uint32_t>(scanned);
      ends[scanned] = newline;
      p = newline + 1;
    }
    const size_t read = read_amounts(plain, rows, ends, scanned);
    out.rows.keep(read);
    out.lines += static_cast<uint32_t>(read);
    if (read < scanned) return read == 0 ? begin : ends[read - 1] + 1;
    if (scanned < most) return p;
  }
  return p;
}

// The amounts of so many rows, up to one that is wrong; returns how many that were.
size_t PaymentLayouts::read_amounts(const PaymentLayout::Plain& plain,
                                    DecodedLines<Payment>::Row* rows, const LineEnds& ends,
                                    size_t scanned) {
  const uint32_t right = amounts_.read(scanned);
  for (size_t i = 0; i < scanned; ++i) {
    Payment& payment = rows[i].record;
    if ((right >> i & 1U) != 0) [[likely]] {
      payment.amount = amounts_.at(i);
      continue;
    }
    const int64_t size = amounts_.size(i);
    if (size <= 0) return i;
    const std::string_view text(plain.amount_end(ends[i]) - size, static_cast<size_t>(size));
    if (parse_amount(text, payment.amount) != AmountFlaw::kNone) return i;
  }
  return scanned;
}

const char* PaymentLayouts::read_lines(const char* p, const char* end, DecodedLines<Payment>& out) {
  if (learned_ == 0) return p;
  constexpr size_t kRowsMax = DecodedLines<Payment>::kRowsMax;
  const char* const begin = p;
  const size_t rows_before = out.rows.size();
  while (end - p > PaymentLayout::kMargin) {
    if (!stops_.covers(p)) mark(p, end, out);
    const char* const limit = std::min(stops_.end(), end - PaymentLayout::kMargin);
    if (layouts_[current_].plain().before_size != 0) p = read_plain_lines(p, limit, out);
    if (out.rows.size() == kRowsMax) break;
    const char* const newline = stops_.next_newline(p);
    if (newline >= limit) {
      const bool most = stops_.begin() == p && stops_.end() == p + StringStops::kBytes;
      if (most || stops_.end() == end) break;
      mark(p, end, out);  // the line is cut in two by the end of what is marked
      continue;
    }
    // Into its row at once: a copy of what has just been stored word by word would wait for it.
    auto& row = out.rows.next();
    if (!scan_by_any(p, newline, out.decoded, row.record)) break;
    row.line = out.lines++;
    out.rows.keep();
    p = newline + 1;
    if (out.rows.size() == kRowsMax) break;
  }
  const size_t rows = out.rows.size() - rows_before;
  if (rows > 0) line_bytes_ = static_cast<size_t>(p - begin) / rows + 1;
  return p;
}

}  // namespace paystats
