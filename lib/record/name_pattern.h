// The names of the fields that are read, made ready to be found without looking at each byte.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "record/scan.h"

namespace paystats::record {

// A field's name with its closing quote, made ready to be compared as two words.
class NamePattern {
 public:
  NamePattern() = default;  // matches nothing

  explicit NamePattern(std::string_view name) {
    // A name that JSON must escape never stands in a line as it is; nor does one that is not UTF-8.
    const bool plain = std::none_of(name.begin(), name.end(), [](char c) {
      return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
    });
    if (!plain || !base::is_valid_utf8(name)) return;
    quoted_ = std::string(name) + '"';
    first_ = word_of(quoted_, 0);
    first_mask_ = word_of(std::string(quoted_.size(), '\xFF'), 0);
    second_ = word_of(quoted_, 8);
    second_mask_ = word_of(std::string(quoted_.size(), '\xFF'), 8);
  }

  size_t size() const { return quoted_.size(); }

  // Whether it stands at `p`, of which `word` holds the first eight bytes.
  bool matches(uint64_t word, const char* p, const char* end) const {
    if ((word & first_mask_) != first_) return false;
    if (quoted_.size() <= 8) return true;
    // Eight bytes that are not zero have matched, so they all lie before the end.
    if ((scan::load_eight(p + 8, end) & second_mask_) != second_) return false;
    if (quoted_.size() <= 16) return true;
    return static_cast<size_t>(end - p) >= quoted_.size() &&
           std::memcmp(p, quoted_.data(), quoted_.size()) == 0;
  }

 private:
  static uint64_t word_of(const std::string& bytes, size_t from) {
    if (from >= bytes.size()) return 0;
    return scan::load_eight(bytes.data() + from, bytes.data() + bytes.size());
  }

  std::string quoted_;
  uint64_t first_ = 1;
  uint64_t first_mask_ = 0;
  uint64_t second_ = 0;
  uint64_t second_mask_ = 0;
};

}  // namespace paystats::record
