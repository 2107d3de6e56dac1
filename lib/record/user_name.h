// The name of a payment's user: a non-owning view of its bytes, and its head, which is the first 16
// of them, filled up with zeros, as two words. A table of users hashes and compares heads, with no
// branch that depends on the length of a name, which no processor could predict; and a
// decoder has the bytes at hand. It is used like the std::string_view that it holds.
//
//   UserName name(text);                                    // any text
//   UserName same = UserName::with_margin(begin, size);     // one with more bytes behind it
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "record/scan.h"

namespace paystats::record {

class UserName {
 public:
  static constexpr size_t kHeadBytes = 16;
  struct Head {
    uint64_t first = 0;
    uint64_t second = 0;
    friend bool operator==(const Head&, const Head&) = default;

    // Eight of the bytes as a number that compares as they do. REQUIRES: at <= 8.
    uint64_t ordered(size_t at = 0) const {
      __extension__ typedef unsigned __int128 Both;
      return __builtin_bswap64(static_cast<uint64_t>((Both{second} << 64U | first) >> (8 * at)));
    }
  };

  UserName() = default;
  // Implicit, as from one view to another. Nothing is read beyond the text.
  UserName(std::string_view text) : text_(text), head_(head_of(text)) {}   // NOLINT
  UserName(const std::string& text) : UserName(std::string_view(text)) {}  // NOLINT
  UserName(const char* text) : UserName(std::string_view(text)) {}         // NOLINT
  // REQUIRES: kHeadBytes can be read at `begin`, whatever `size` is.
  static UserName with_margin(const char* begin, size_t size) {
    UserName name;
    name.text_ = {begin, size};
    name.head_ = {scan::load_eight(begin), scan::load_eight(begin + 8)};
    if (size > kHeadBytes) return name;
    // All ones in front of its middle, zeros behind.
    static constexpr auto kMask = [] {
      std::array<char, 2 * kHeadBytes> mask{};
      for (size_t i = 0; i < kHeadBytes; ++i) mask[i] = '\xFF';
      return mask;
    }();
    const char* const mask = kMask.data() + kHeadBytes - size;
    name.head_.first &= scan::load_eight(mask);
    name.head_.second &= scan::load_eight(mask + 8);
    return name;
  }

  operator std::string_view() const { return text_; }  // NOLINT: see above
  const char* data() const { return text_.data(); }
  size_t size() const { return text_.size(); }
  bool empty() const { return text_.empty(); }
  const Head& head() const { return head_; }
  // Whether the head says it all, so that names are equal where their heads are. Of a name that
  // ends in NUL it does not tell the end.
  bool is_in_head() const {
    return size() - 1 < kHeadBytes && data()[size() - 1] != '\0';  // and not empty
  }

  friend bool operator==(const UserName& a, std::string_view b) { return a.text_ == b; }

 private:
  static Head head_of(std::string_view text) {
    const char* const p = text.data();
    const char* const end = p + text.size();
    if (text.size() <= 8) return {scan::load_eight(p, end), 0};
    return {scan::load_eight(p), scan::load_eight(p + 8, end)};
  }

  std::string_view text_;
  Head head_{};
};

}  // namespace paystats::record
