#include "log/append.h"

#include <unistd.h>

#include <cerrno>

#include "base/fd.h"

namespace paystats::log {

base::Result<void> append(int fd, std::string_view lines, std::string_view name, Appended& done) {
  while (done.bytes < lines.size()) {
    const std::string_view rest = lines.substr(done.bytes);
    const ssize_t n = ::write(fd, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      done.reason = errno;
      return base::fail(base::system_error(name, done.reason));
    }
    done.bytes += static_cast<size_t>(n);
    ++done.pieces;
  }
  return {};
}

std::string foreign_part(std::string_view found, std::string_view lines, Appended done) {
  const std::string_view ours = lines.substr(0, done.bytes);
  if (found == ours) return {};
  if (done.pieces != 1) return std::string(found);
  const size_t begin = found.find(ours);
  if (begin == found.npos || found.find(ours, begin + 1) != found.npos) return std::string(found);
  return std::string(found.substr(0, begin)) + std::string(found.substr(begin + ours.size()));
}

bool begins_a_line(std::string_view found, std::string_view lines) {
  for (size_t at = found.find(lines); at != found.npos; at = found.find(lines, at + 1)) {
    if (at == 0 || found[at - 1] == '\n') return true;
  }
  return false;
}

}  // namespace paystats::log
