// The time of day as RFC 3339 writes it, in UTC, with milliseconds: "2026-11-29T07:52:22.123Z".
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "base/clock.h"

namespace paystats::base {

inline constexpr size_t kUtcTextBytes = std::string_view("2026-11-29T07:52:22.123Z").size();

class UtcText {
 public:
  // Of a clock that is set to before the year 0 or past 9999 it is the nearest time that four
  // digits can say.
  explicit UtcText(TimeOfDay time);

  std::string_view view() const { return {text_.data(), text_.size()}; }

 private:
  std::array<char, kUtcTextBytes> text_;
};

}  // namespace paystats::base
