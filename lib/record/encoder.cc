#include "record/encoder.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>

#include "base/utf8.h"
#include "record/scan.h"

namespace paystats::record {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

template <class Integer>
void append_integer(std::string& out, Integer value) {
  char buffer[24];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value);
  out.append(buffer, static_cast<size_t>(result.ptr - buffer));
}

// The literal without the zero at its end.
template <size_t kSize>
char* write_literal(const char (&text)[kSize], char* out) {
  std::memcpy(out, text, kSize - 1);
  return out + kSize - 1;
}

template <class Integer>
char* write_integer(Integer value, char* out) {
  constexpr size_t kDigitsMax = 20;
  return std::to_chars(out, out + kDigitsMax, value).ptr;
}

constexpr size_t kEscapeBytes = 6;  // for a byte
constexpr size_t kWordBytes = 8;

// The eight bytes at `p`; zeros in place of those behind the end of `text`, which `p` is in.
uint64_t load_from(const char* p, std::string_view text) {
  const char* const end = text.data() + text.size();
  uint64_t word = 0;
  const auto left = static_cast<size_t>(end - p);
  if (left >= kWordBytes || text.size() < kWordBytes) return scan::load_eight(p, end);
  std::memcpy(&word, end - kWordBytes, kWordBytes);
  return word >> (8 * (kWordBytes - left));
}

// What stands between the quotes. Words are written whole, so that up to kWordBytes behind what is
// returned are spoilt.
char* write_escaped(std::string_view text, char* out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p < end) {
    const uint64_t word = load_from(p, text);
    std::memcpy(out, &word, kWordBytes);
    const uint64_t stops = scan::string_stops(word);  // the zeros behind the end are some
    const size_t plain = stops == 0 ? kWordBytes : scan::first_byte(stops);
    p += plain;
    out += plain;
    if (stops == 0 || p >= end) continue;
    const auto byte = static_cast<unsigned char>(*p++);
    if (byte < 0x20) {
      out = write_literal("\\u00", out);
      *out++ = kHex[byte >> 4U];
      *out++ = kHex[byte & 0xFU];
    } else {
      *out++ = '\\';
      *out++ = static_cast<char>(byte);
    }
  }
  return out;
}

// RFC 4648, section 4.
void append_base64(std::string& out, std::string_view bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const std::string_view group = bytes.substr(i, 3);
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; ++k) {
      bits = (bits << 8U) | (k < group.size() ? static_cast<unsigned char>(group[k]) : 0U);
    }
    for (size_t k = 0; k < 4; ++k) {
      out += k <= group.size() ? kAlphabet[(bits >> (18U - 6U * k)) & 0x3FU] : '=';
    }
  }
}

// `text` without the character at its end of which a cut has left only the beginning.
std::string_view without_cut_character(std::string_view text) {
  for (size_t tail = 1; tail <= std::min<size_t>(3, text.size()); ++tail) {
    const auto byte = static_cast<unsigned char>(text[text.size() - tail]);
    if ((byte & 0xC0U) == 0x80U) continue;  // not its first byte
    const size_t whole = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    if (tail < whole) text.remove_suffix(tail);
    break;
  }
  return text;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  constexpr size_t kAtOnce = 512;
  char buffer[kEscapeBytes * kAtOnce + kWordBytes];
  out += '"';
  for (; !text.empty(); text.remove_prefix(std::min(kAtOnce, text.size()))) {
    const char* const end = write_escaped(text.substr(0, kAtOnce), buffer);
    out.append(buffer, static_cast<size_t>(end - buffer));
  }
  out += '"';
}

// What is not under our control, such as a file's name, need not be UTF-8; a JSON line must be.
void append_any_string(std::string& out, std::string_view text) {
  if (base::is_valid_utf8(text)) {
    append_json_string(out, text);
    return;
  }
  std::string mended;
  while (!text.empty()) {
    const size_t bytes = base::decode_utf8(text).bytes;
    mended += bytes == 0 ? kReplacement : text.substr(0, bytes);
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  append_json_string(out, mended);
}

namespace {

// Either appends to a string, or counts what that would append.
class Appender {
 public:
  explicit Appender(std::string& out) : out_(out) {}
  void text(std::string_view text) { out_ += text; }
  void quoted(std::string_view text) { append_json_string(out_, text); }

 private:
  std::string& out_;
};

class Counter {
 public:
  void text(std::string_view text) { bytes_ += text.size(); }
  void quoted(std::string_view text) { bytes_ += json_string_bytes(text); }
  size_t bytes() const { return bytes_; }

 private:
  static size_t json_string_bytes(std::string_view text) {
    size_t bytes = text.size() + 2;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x20) {
        bytes += kEscapeBytes - 1;
      } else if (c == '"' || c == '\\') {
        ++bytes;
      }
    }
    return bytes;
  }

  size_t bytes_ = 0;
};

template <class Writer>
void write_payment_fields(Writer& out, std::string_view user, std::string_view amount_text) {
  out.text(R"("user":)");
  out.quoted(user);
  out.text(R"(,"paymentAmt":)");
  out.text(amount_text);
}

template <class Writer>
void write_batch_fields(Writer& out, const Batch& batch) {
  write_payment_fields(out, batch.user, batch.amount_text);
  if (batch.volume == 1) return;
  char digits[24];
  const char* const end = write_integer(batch.volume, digits);
  out.text(R"(,"volume":)");
  out.text({digits, static_cast<size_t>(end - digits)});
}

template <class Writer>
void write_time(Writer& out, std::string_view time) {
  out.text(R"("time":)");
  out.quoted(time);
}

template <class Writer>
void write_stamp(Writer& out, const Request& request, std::string_view time) {
  write_time(out, time);
  if (request.idempotency_key.empty()) return;
  out.text(R"(,"idempotencyKey":)");
  out.quoted(request.idempotency_key);
}

template <class Writer>
void write_request(Writer& out, const Request& request, std::string_view time) {
  assert(!request.batches.empty());
  out.text("{");
  if (request.batches.size() == 1) {
    write_batch_fields(out, request.batches.front());
    out.text(",");
    write_stamp(out, request, time);
    out.text("}");
    return;
  }
  write_stamp(out, request, time);
  std::string_view before = R"(,"payments":[{)";
  for (const Batch& batch : request.batches) {
    out.text(before);
    write_batch_fields(out, batch);
    before = "},{";
  }
  out.text("}]}");
}

}  // namespace

void append_payment(std::string& out, std::string_view user, std::string_view amount_text) {
  Appender appender(out);
  out += '{';
  write_payment_fields(appender, user, amount_text);
  out += "}\n";
}

void append_request(std::string& out, const Request& request, std::string_view time) {
  Appender appender(out);
  write_request(appender, request, time);
  out += '\n';
}

size_t request_line_bytes(const Request& request, std::string_view time) {
  Counter counter;
  write_request(counter, request, time);
  return counter.bytes();
}

void append_payment_end(std::string& out, std::string_view time) {
  Appender appender(out);
  out += ',';
  write_time(appender, time);
  out += "}\n";
}

char* write_stats(const Stats& stats, char* out) {
  out = write_escaped(stats.user, write_literal("{\"user\":\"", out));
  out = write_literal("\",\"sum\":", out);
  out += money::format_decimal(stats.sum, out);
  out = write_integer(stats.count, write_literal(",\"count\":", out));
  if (stats.at) {
    out = write_integer(stats.at->partition, write_literal(",\"partition\":", out));
    out = write_integer(stats.at->offset, write_literal(",\"offset\":", out));
  }
  return write_literal("}\n", out);
}

void append_stats(std::string& out, const Stats& stats) {
  const size_t before = out.size();
  out.resize(before + stats_bytes_max(stats));
  const char* const end = write_stats(stats, out.data() + before);
  out.resize(static_cast<size_t>(end - out.data()));
}

void append_reject(std::string& out, const Reject& reject) {
  out += "{\"source\":";
  append_any_string(out, reject.source);
  if (reject.at) {
    out += ",\"partition\":";
    append_integer(out, reject.at->partition);
    out += ",\"offset\":";
    append_integer(out, reject.at->offset);
  } else {
    out += ",\"line\":";
    append_integer(out, reject.line);
  }
  out += ",\"error\":";
  append_any_string(out, reject.error);

  const uint64_t whole_bytes = std::max<uint64_t>(reject.record_bytes, reject.record.size());
  const bool truncated = whole_bytes > kRejectRecordBytesMax;
  const std::string_view shown = reject.record.substr(0, kRejectRecordBytesMax);
  const std::string_view text = truncated ? without_cut_character(shown) : shown;
  if (base::is_valid_utf8(text)) {
    out += ",\"record\":";
    append_json_string(out, text);
  } else {
    out += ",\"recordBase64\":\"";
    append_base64(out, shown);
    out += '"';
  }
  if (truncated) {
    out += ",\"bytes\":";
    append_integer(out, whole_bytes);
    out += ",\"truncated\":true";
  }
  out += "}\n";
}

}  // namespace paystats::record
