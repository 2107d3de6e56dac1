#include "log/file_name.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>

namespace paystats::log {

bool has_name(int fd, const std::string& path) {
  struct stat ours = {};
  struct stat named = {};
  return ::fstat(fd, &ours) == 0 && ::stat(path.c_str(), &named) == 0 &&
         ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

std::optional<std::string> name_of(int fd) {
  std::error_code error;
  std::string name =
      std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", fd), error).string();
  // Of a file that is removed the kernel says "... (deleted)".
  if (error || !has_name(fd, name)) return std::nullopt;
  return name;
}

}  // namespace paystats::log
