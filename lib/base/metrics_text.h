// Figures for a monitor, in Prometheus' text format 0.0.4:
// https://prometheus.io/docs/instrumenting/exposition_formats/
//
//   MetricsText text("payagg_");
//   text.gauge("users", "Users in the table of totals.", 3);
//   text.family("rows_total", "counter", "Rows by kind.");    // several samples of one name
//   text.sample("rows_total", "kind", "good", 7);
//   return text.take();
//
//   # HELP payagg_users Users in the table of totals.
//   # TYPE payagg_users gauge
//   payagg_users 3
//
// Names and help are the caller's own words: names are [a-z0-9_]+, help has no line break and no
// backslash. A label's value may be any UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace paystats::base {

class MetricsText {
 public:
  // `prefix` goes before each name, and is borrowed. A text that is often made says how long it
  // will be.
  explicit MetricsText(std::string_view prefix, size_t expected_bytes = 0) : prefix_(prefix) {
    text_.reserve(expected_bytes);
  }

  // A name with one sample.
  void counter(std::string_view name, std::string_view help, uint64_t value);
  void gauge(std::string_view name, std::string_view help, uint64_t value);

  // build_info{version="0.1.0"} 1: the version of this program.
  void build_info();

  // A name with several: its samples follow it.
  void family(std::string_view name, std::string_view type, std::string_view help);
  void sample(std::string_view name, std::string_view label, std::string_view label_value,
              uint64_t value);

  std::string take();  // leaves nothing

 private:
  void append(std::initializer_list<std::string_view> parts);
  void end_sample(uint64_t value);

  const std::string_view prefix_;
  std::string text_;
};

}  // namespace paystats::base
