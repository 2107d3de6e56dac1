// Where paygen reads and writes, as far as that can be checked without opening anything.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/endpoint.h"
#include "io/message_source.h"

namespace paystats::gen {

// As the command line gave them.
struct PlaceOptions {
  std::vector<std::string> inputs;
  std::string output = "-";
  std::optional<std::string> rejects;
  std::optional<std::string> expect;
  bool atomic = false;
  bool schema_registry_framing = false;
};

struct Places {
  std::vector<io::Endpoint> inputs;  // of batch lines; at least stdin
  io::Endpoint output;
  std::optional<io::Endpoint> rejects;
  std::optional<io::Endpoint> expect;
  bool atomic = false;                       // then `output` is a topic
  io::Framing framing = io::Framing::kNone;  // else the input is a topic
};

// The message of an error names the option that it is about.
base::Result<Places> parse_places(const PlaceOptions& options);

}  // namespace paystats::gen
