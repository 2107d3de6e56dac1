// The bad lines of one call of a decoder, logged in the order of lines among the rows that a tool
// rejects. Tested through io/decode_block.h and io/decode_messages.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/result.h"

namespace paystats::io {

class RejectOrder {
 public:
  static constexpr uint32_t kEnd = std::numeric_limits<uint32_t>::max();  // behind all lines

  void begin() { logged_ = 0; }

  // Those in front of this line that have not been logged since begin(): `log(bad)` returns
  // Result<void>. REQUIRES: they are in the order of lines, and no later line has been asked for.
  template <class BadLine, class Log>
  base::Result<void> log_before(uint32_t line, const std::vector<BadLine>& bad, Log&& log) {
    for (; logged_ < bad.size() && bad[logged_].line < line; ++logged_) {
      if (base::Result<void> done = log(bad[logged_]); !done) return done;
    }
    return {};
  }

 private:
  size_t logged_ = 0;
};

}  // namespace paystats::io
