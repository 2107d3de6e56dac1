// A request target, taken apart: "/api/stats/ed%67ar?limit=5&q=a+b" is the path segments "api",
// "stats", "edgar" and the parameters limit=5, q="a b".
//
// Strict: a bad escape, a NUL, bytes that are not UTF-8 once decoded, a control character, a
// backslash or a fragment is an error. A segment may hold a slash (%2F) or be "..": it is compared
// with names that we know and never becomes a path of the file system.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace paystats::api {

struct Target {
  std::vector<std::string> segments;                            // decoded; "/" is one empty segment
  std::vector<std::pair<std::string, std::string>> parameters;  // decoded, in order
};

// `text` is in origin form: it begins with a slash. The error is meant for the client.
base::Result<Target> parse_target(std::string_view text);

// The bytes of `text` but letters, digits and "._~-" as %XX.
std::string percent_encoded(std::string_view text);

}  // namespace paystats::api
