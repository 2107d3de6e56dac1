#include "log/sync.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/fd.h"
#include "io/fd_io.h"

namespace paystats::log {

base::Result<NameSync> sync_name(int fd, std::string_view name) {
  std::error_code error;
  const std::filesystem::path path =
      std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", fd), error);
  const base::Result<base::UniqueFd> folder =
      base::open_file(path.parent_path(), O_RDONLY | O_DIRECTORY);
  const bool has_folder = folder && !error;
  const int reason = io::sync_all(has_folder ? folder->get() : fd);
  if (reason != 0) return base::fail(base::system_error(name, reason));
  return has_folder ? NameSync::kFolder : NameSync::kFileOnly;
}

base::Result<void> truncate_to(int fd, uint64_t size, std::string_view name) {
  while (::ftruncate(fd, static_cast<off_t>(size)) != 0) {
    if (errno != EINTR) return base::fail(base::system_error(name, errno));
  }
  return {};
}

base::Result<void> truncate_durably(int fd, uint64_t size, std::string_view name) {
  base::Result<void> cut = truncate_to(fd, size, name);
  if (!cut) return cut;
  const int reason = io::sync_data(fd);
  return reason == 0 ? base::Result<void>() : base::fail(base::system_error(name, reason));
}

}  // namespace paystats::log
