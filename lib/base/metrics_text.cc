#include "base/metrics_text.h"

#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace paystats::base {
namespace {

void append_escaped(std::string& out, std::string_view value) {
  for (const char byte : value) {
    if (byte == '\\' || byte == '"') out += '\\';
    out += byte == '\n' ? "\\n" : std::string_view(&byte, 1);
  }
}

}  // namespace

void MetricsText::family(std::string_view name, std::string_view type, std::string_view help) {
  append({"# HELP ", prefix_, name, " ", help, "\n# TYPE ", prefix_, name, " ", type, "\n"});
}

void MetricsText::counter(std::string_view name, std::string_view help, uint64_t value) {
  family(name, "counter", help);
  append({prefix_, name});
  end_sample(value);
}

void MetricsText::gauge(std::string_view name, std::string_view help, uint64_t value) {
  family(name, "gauge", help);
  append({prefix_, name});
  end_sample(value);
}

void MetricsText::build_info() {
  family("build_info", "gauge", "1, with the version of the program.");
  sample("build_info", "version", PAYSTATS_VERSION, 1);
}

void MetricsText::sample(std::string_view name, std::string_view label,
                         std::string_view label_value, uint64_t value) {
  append({prefix_, name, "{", label, "=\""});
  append_escaped(text_, label_value);
  text_ += "\"}";
  end_sample(value);
}

void MetricsText::append(std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts) text_ += part;
}

void MetricsText::end_sample(uint64_t value) {
  std::array<char, std::numeric_limits<uint64_t>::digits10 + 1> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  append({" ", {digits.data(), static_cast<size_t>(end - digits.data())}, "\n"});
}

std::string MetricsText::take() {
  return std::exchange(text_, {});
}

}  // namespace paystats::base
