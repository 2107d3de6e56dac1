// The head of a request, from bytes: Beast's parser, which is strict, behind checks for the shapes
// that it lets pass (see flaw_of_raw_head). Private to this room.
//
//   HttpHead head;
//   size_t scanned = 0;
//   const HeadStatus status = parse_head(buffer, scanned, head);    // kIncomplete: read more
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "api/http.h"

namespace paystats::http {

inline constexpr size_t kHeadBytesMax = 8 << 10;

struct HttpHead {
  api::HttpRequest request;  // points into the buffer
  size_t bytes = 0;          // of the head; what follows is the body, or the next request
  bool keep_alive = false;
  std::string flaw;  // of kMalformed
};

enum class HeadStatus { kComplete, kIncomplete, kTooLarge, kMalformed };

// `scanned` is how much of `buffer` is known to hold no end of a head, from call to call; 0 at
// first.
HeadStatus parse_head(std::string_view buffer, size_t& scanned, HttpHead& head);

}  // namespace paystats::http
