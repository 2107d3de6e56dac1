#include "base/metrics_text.h"

#include <fmt/format.h>

#include <iterator>
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
  fmt::format_to(std::back_inserter(text_), "# HELP {0}{1} {2}\n# TYPE {0}{1} {3}\n", prefix_, name,
                 help, type);
}

void MetricsText::counter(std::string_view name, std::string_view help, uint64_t value) {
  family(name, "counter", help);
  fmt::format_to(std::back_inserter(text_), "{}{} {}\n", prefix_, name, value);
}

void MetricsText::gauge(std::string_view name, std::string_view help, uint64_t value) {
  family(name, "gauge", help);
  fmt::format_to(std::back_inserter(text_), "{}{} {}\n", prefix_, name, value);
}

void MetricsText::build_info() {
  family("build_info", "gauge", "1, with the version of the program.");
  sample("build_info", "version", PAYSTATS_VERSION, 1);
}

void MetricsText::sample(std::string_view name, std::string_view label,
                         std::string_view label_value, uint64_t value) {
  fmt::format_to(std::back_inserter(text_), "{}{}{{{}=\"", prefix_, name, label);
  append_escaped(text_, label_value);
  fmt::format_to(std::back_inserter(text_), "\"}} {}\n", value);
}

std::string MetricsText::take() {
  return std::exchange(text_, {});
}

}  // namespace paystats::base
