// What the clients of the HTTP server may take: places, time and memory. Tested through
// http/server.h.
//
// Memory is bounded whatever clients do: by connections_max for what each connection has of its own
// (about 2 KiB), and by one budget each for heads and small bodies that are not whole, for larger
// bodies, for answers that are not read, and (see PaymentWriterLimits, AnswerFeedOptions) for what
// waits to be written and for what is prepared. A budget has room for one large thing, whatever its
// size.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/clock.h"

namespace paystats::http {

struct HttpLimits {
  size_t connections_max = 1024;
  // Of these, so many (or an eighth) are never held by streams, large bodies, clients that do not
  // read and questions for large pages, half of them not by posts that wait for the output, and a
  // quarter not by other questions. So requests that come and go find room.
  size_t connections_kept_max = 64;

  base::Duration head_timeout =
      std::chrono::seconds(10);  // from its first byte, or from the connection
  base::Duration body_timeout = std::chrono::seconds(30);
  base::Duration idle_timeout = std::chrono::seconds(60);  // between two requests
  base::Duration write_timeout = std::chrono::seconds(30);
  base::Duration linger_timeout = std::chrono::seconds(1);  // for a refused body that still comes
  base::Duration stop_timeout = std::chrono::seconds(5);
  // A client that is waited for, and that has taken nothing for so long, or sent less than 1 KiB,
  // gives way to others.
  base::Duration quiet_timeout = std::chrono::seconds(1);
  // A connection that has just come has so long to say what it wants before it gives way.
  base::Duration newcomer_time = std::chrono::milliseconds(20);
  base::Duration check_interval = std::chrono::seconds(1);     // of the deadlines
  base::Duration comment_interval = std::chrono::seconds(15);  // on a stream where nothing happens

  // Of all requests that are not whole: their heads, and bodies as small as a head.
  size_t arriving_bytes_max = 2 << 20;
  // Of all bodies that are being read and are larger.
  size_t body_bytes_max = 4 << 20;
  // Of all answers and events whose clients have not taken them, each counted once.
  size_t unread_bytes_max = 4 << 20;
  // Of events that are kept for clients that come later.
  size_t event_bytes_max = 1 << 20;

  int send_buffer_bytes = 0;  // of the kernel; 0: as it is. For tests

  size_t places_kept() const { return std::min(connections_kept_max, connections_max / 8); }
};

}  // namespace paystats::http
