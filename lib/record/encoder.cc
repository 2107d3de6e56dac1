#include "record/encoder.h"

#include <algorithm>
#include <charconv>

#include "base/utf8.h"
#include "record/scan.h"

namespace paystats {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

template <class Integer>
void append_integer(std::string& out, Integer value) {
  char buffer[24];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value);
  out.append(buffer, static_cast<size_t>(result.ptr - buffer));
}

void append_decimal(std::string& out, Decimal value) {
  char buffer[kDecimalCharsMax];
  out.append(buffer, format_decimal(value, buffer));
}

// What is not under our control, such as a file's name, need not be UTF-8; a JSON line must be.
void append_any_string(std::string& out, std::string_view text) {
  if (is_valid_utf8(text)) {
    append_json_string(out, text);
    return;
  }
  std::string mended;
  while (!text.empty()) {
    const size_t bytes = decode_utf8(text).bytes;
    mended += bytes == 0 ? kReplacement : text.substr(0, bytes);
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  append_json_string(out, mended);
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
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p < end) {
    bool beyond_ascii = false;
    const char* const stop = scan::find_string_stop(p, end, beyond_ascii);
    out.append(p, static_cast<size_t>(stop - p));
    if (stop == end) break;
    const auto byte = static_cast<unsigned char>(*stop);
    if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4U];
      out += kHex[byte & 0xFU];
    } else {
      out += '\\';
      out += *stop;
    }
    p = stop + 1;
  }
  out += '"';
}

void append_payment(std::string& out, std::string_view user, std::string_view amount_text) {
  out += "{\"user\":";
  append_json_string(out, user);
  out += ",\"paymentAmt\":";
  out += amount_text;
  out += "}\n";
}

void append_stats(std::string& out, const Stats& stats) {
  out += "{\"user\":";
  append_json_string(out, stats.user);
  out += ",\"sum\":";
  append_decimal(out, stats.sum);
  out += ",\"count\":";
  append_integer(out, stats.count);
  if (stats.at) {
    out += ",\"partition\":";
    append_integer(out, stats.at->partition);
    out += ",\"offset\":";
    append_integer(out, stats.at->offset);
  }
  out += "}\n";
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
  if (is_valid_utf8(text)) {
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

}  // namespace paystats
