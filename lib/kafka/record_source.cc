#include "kafka/record_source.h"

#include <fmt/format.h>

#include <string_view>

#include "record/encoder.h"

namespace paystats::kafka {

std::string record_source_text(const RecordSource& source) {
  std::string text;
  const auto append = [&](std::string_view name, std::string_view value) {
    text += fmt::format(R"(,"{}":)", name);
    record::append_any_string(text, value);
  };
  if (!source.cluster.empty()) append("cluster", source.cluster);
  append("topic", source.topic);
  text += fmt::format(R"(,"partition":{})", source.partition);
  append("group", source.group);
  text.front() = '{';  // in place of a comma
  text += '}';
  return text;
}

}  // namespace paystats::kafka
