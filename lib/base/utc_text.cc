#include "base/utc_text.h"

#include <algorithm>
#include <chrono>

namespace paystats::base {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;
using std::chrono::year;

constexpr TimeOfDay kFirst{std::chrono::sys_days(year(0) / 1 / 1)};
constexpr TimeOfDay kLast{std::chrono::sys_days(year(10'000) / 1 / 1) - milliseconds(1)};

char* put(char* out, unsigned value, int digits) {
  for (int i = digits - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return out + digits;
}

char* put(char* out, char letter) {
  *out = letter;
  return out + 1;
}

}  // namespace

UtcText::UtcText(TimeOfDay time) {
  time = std::clamp(time, kFirst, kLast);
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<milliseconds> of_day(time - day);
  char* out = text_.data();
  out = put(put(out, static_cast<unsigned>(static_cast<int>(date.year())), 4), '-');
  out = put(put(out, static_cast<unsigned>(date.month()), 2), '-');
  out = put(put(out, static_cast<unsigned>(date.day()), 2), 'T');
  out = put(put(out, static_cast<unsigned>(of_day.hours().count()), 2), ':');
  out = put(put(out, static_cast<unsigned>(of_day.minutes().count()), 2), ':');
  out = put(put(out, static_cast<unsigned>(of_day.seconds().count()), 2), '.');
  put(put(out, static_cast<unsigned>(of_day.subseconds().count()), 3), 'Z');
}

}  // namespace paystats::base
