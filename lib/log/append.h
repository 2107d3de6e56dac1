// Appends to a file to which others may append at the same time, and tells its own bytes from
// theirs afterwards: for the undo of a commit that failed.
//
//   Appended ours;
//   Result<void> written = append(fd, lines, name, ours);
//   // `found` is what has come since then:
//   std::string theirs = foreign_part(found, lines, ours);
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace paystats::log {

// So many bytes are written, by so many calls of write(2). The bytes of one call are in one piece.
struct Appended {
  size_t bytes = 0;
  size_t pieces = 0;
  int reason = 0;  // why the rest could not be written, an errno value
};

// Of a regular file that is open for appending. `done` is right after an error as well.
base::Result<void> append(int fd, std::string_view lines, std::string_view name, Appended& done);

// Of what stands in the file since we began, all that is not ours. Where our bytes are in several
// pieces between those of others, or look like theirs, it is all: nothing of others is lost, and
// what of ours is kept with it does no harm.
std::string foreign_part(std::string_view found, std::string_view lines, Appended done);

// Whether our lines stand there in one piece, and not behind the beginning of a line of others.
bool begins_a_line(std::string_view found, std::string_view lines);

}  // namespace paystats::log
