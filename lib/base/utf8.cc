#include "base/utf8.h"

#include <bit>
#include <cassert>
#include <cstring>

namespace paystats::base {
namespace {

static_assert(std::endian::native == std::endian::little, "a word holds its first byte lowest");

struct Form {
  size_t bytes;
  uint32_t least;  // anything below this is an overlong form
  uint32_t first_bits;
};

Form form_of(unsigned char lead) {
  if (lead < 0x80) return {1, 0, lead};
  if (lead >= 0xC2 && lead <= 0xDF) return {2, 0x80, lead & 0x1FU};
  if (lead >= 0xE0 && lead <= 0xEF) return {3, 0x800, lead & 0x0FU};
  if (lead >= 0xF0 && lead <= 0xF4) return {4, 0x10000, lead & 0x07U};
  return {0, 0, 0};
}

bool is_tail(unsigned char byte) {
  return (byte & 0xC0U) == 0x80U;
}

// How many bytes the sequence at `p` has, of which `left` are there; 0 where it is not valid. The
// table of RFC 3629, section 4: what may follow a lead is narrowed for its second byte alone.
size_t sequence_bytes(const unsigned char* p, size_t left) {
  const unsigned char lead = p[0];
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4 || left < 2 || !is_tail(p[1])) return 0;
  if (lead < 0xE0) return 2;
  if (left < 3 || !is_tail(p[2])) return 0;
  if (lead < 0xF0) {
    const bool overlong = lead == 0xE0 && p[1] < 0xA0;
    const bool surrogate = lead == 0xED && p[1] > 0x9F;
    return overlong || surrogate ? 0 : 3;
  }
  if (left < 4 || !is_tail(p[3])) return 0;
  const bool overlong = lead == 0xF0 && p[1] < 0x90;
  const bool beyond = lead == 0xF4 && p[1] > 0x8F;
  return overlong || beyond ? 0 : 4;
}

}  // namespace

Utf8Char decode_utf8(std::string_view text) {
  assert(!text.empty());
  const Form form = form_of(static_cast<unsigned char>(text[0]));
  if (form.bytes == 0 || form.bytes > text.size()) return {};
  uint32_t code_point = form.first_bits;
  for (size_t i = 1; i < form.bytes; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0U) != 0x80U) return {};
    code_point = (code_point << 6U) | (byte & 0x3FU);
  }
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (code_point < form.least || surrogate || code_point > 0x10FFFF) return {};
  return {code_point, form.bytes};
}

bool is_valid_utf8(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = p + text.size();
  while (p < end) {
    // ASCII eight bytes at a time, up to the first one that is not: almost all text is.
    if (uint64_t word = 0; end - p >= 8) {
      std::memcpy(&word, p, sizeof word);
      word &= 0x8080808080808080U;
      if (word == 0) {
        p += 8;
        continue;
      }
      p += std::countr_zero(word) / 8;
    }
    do {
      const size_t bytes = sequence_bytes(p, static_cast<size_t>(end - p));
      if (bytes == 0) return false;
      p += bytes;
    } while (p < end && *p >= 0x80);
  }
  return true;
}

size_t utf8_bytes(const char* p, size_t left) {
  return sequence_bytes(reinterpret_cast<const unsigned char*>(p), left);
}

size_t encode_utf8(uint32_t code_point, char* out) {
  const auto tail = [&](unsigned shift) {
    return static_cast<char>(0x80U | ((code_point >> shift) & 0x3FU));
  };
  if (code_point < 0x80) {
    out[0] = static_cast<char>(code_point);
    return 1;
  }
  if (code_point < 0x800) {
    out[0] = static_cast<char>(0xC0U | (code_point >> 6U));
    out[1] = tail(0);
    return 2;
  }
  if (code_point < 0x10000) {
    out[0] = static_cast<char>(0xE0U | (code_point >> 12U));
    out[1] = tail(6);
    out[2] = tail(0);
    return 3;
  }
  out[0] = static_cast<char>(0xF0U | (code_point >> 18U));
  out[1] = tail(12);
  out[2] = tail(6);
  out[3] = tail(0);
  return 4;
}

}  // namespace paystats::base
