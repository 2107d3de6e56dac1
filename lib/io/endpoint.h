// Where data comes from or goes to, as the command line says it: `-`, a file path, or
// `kafka:TOPIC`. A file whose name begins with "kafka:" is written ./kafka:name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paystats::io {

struct Endpoint {
  enum class Kind { kStdio, kFile, kTopic };

  Kind kind = Kind::kStdio;
  std::string name = "-";  // "-", the path, or the topic (1 to 249 of [A-Za-z0-9._-], not "." "..")

  static base::Result<Endpoint> parse(std::string_view text);
};

// Of an option that may not have been given.
base::Result<std::optional<Endpoint>> parse_endpoint(const std::optional<std::string>& text);

// No INPUT means stdin. At most one topic, never mixed with others; stdin at most once.
base::Result<std::vector<Endpoint>> parse_inputs(const std::vector<std::string>& texts);

}  // namespace paystats::io
