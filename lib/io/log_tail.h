// The end of a file of payments, read backwards: where its last whole group ends (see
// payment_log.h for the marks).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/payment_log.h"

namespace paystats::io {

// Looks into a file from its end. `fd` is borrowed; positions are of the file.
class BackwardReader {
 public:
  BackwardReader(int fd, uint64_t size, std::string_view name);

  // REQUIRES: position < size.
  base::Result<char> at(uint64_t position);
  // The last newline before `end` and not before `from`.
  base::Result<std::optional<uint64_t>> newline_before(uint64_t end, uint64_t from = 0);

 private:
  base::Result<void> load(uint64_t end);

  const int fd_;
  const uint64_t size_;
  const std::string name_;
  std::string chunk_;
  uint64_t chunk_begin_ = 0;
  size_t chunk_bytes_next_;
};

// Up to where a follower may apply: behind the last unmarked line, looked for down to `from`, which
// is such a place itself.
base::Result<uint64_t> end_of_unmarked_lines(int fd, uint64_t from, uint64_t size,
                                             std::string_view name);

// For a reader that reads a file once, whatever its lines are: the end of what is to be read, and
// how many lines of an unfinished group lie beyond it. Only lines that are certainly of one are
// left out: whole ones that begin and end in a space, and a torn one that begins with a space or
// stands behind such lines.
struct PlainEnd {
  uint64_t bytes = 0;
  uint64_t lines_left_out = 0;
};
base::Result<PlainEnd> find_plain_end(int fd, uint64_t size, std::string_view name);

}  // namespace paystats::io
