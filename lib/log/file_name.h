// The names of open files. A log is the file of its name, and an open file may have lost that.
#pragma once

#include <optional>
#include <string>

namespace paystats::log {

// Whether `path` leads to the file that is open as `fd`.
bool has_name(int fd, const std::string& path);

// Where the file lies, whatever links led to it; nothing where it has no name any more.
std::optional<std::string> name_of(int fd);

}  // namespace paystats::log
