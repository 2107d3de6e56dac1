// What each stats message says of itself in its header `src`: which payments it was made of, and by
// which group. Pure; the format is in paystats(7).
#pragma once

#include <cstdint>
#include <string>

namespace paystats::kafka {

inline constexpr const char* kSourceHeader = "src";

struct RecordSource {
  std::string cluster;  // its id; empty: it has none
  std::string topic;
  int32_t partition = 0;
  std::string group;
};

// {"cluster":"…","topic":"payments","partition":0,"group":"…"}: without `cluster` where it has no
// id. What of a name is not UTF-8 becomes U+FFFD.
std::string record_source_text(const RecordSource& source);

}  // namespace paystats::kafka
