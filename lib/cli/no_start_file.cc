#include "cli/no_start_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/fd.h"
#include "base/shell_word.h"
#include "base/terminal_text.h"
#include "base/utc_text.h"
#include "io/fd_io.h"
#include "io/sink.h"

namespace paystats::cli {
namespace {

constexpr size_t kShownBytesMax = 16'384;

std::string no_start_while(const std::string& path) {
  return fmt::format("no start while {} is there; once a person has looked: rm -- {}", path,
                     base::shell_operand(path));
}

// What it begins with. A file that cannot be read says nothing, and is there.
std::string begin_of(const std::string& path) {
  const base::Result<base::UniqueFd> fd = base::open_file(path, O_RDONLY | O_NONBLOCK);
  if (!fd) return {};
  std::string text(kShownBytesMax, '\0');
  text.resize(io::read_at(fd->get(), 0, text.data(), text.size(), path).value_or(0));
  return text;
}

void show_lines(std::string_view text, base::Diagnostics& diagnostics) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (!line.empty()) diagnostics.error(line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

}  // namespace

base::Result<void> NoStartFile::check() const {
  if (!path_) return {};
  struct stat there = {};
  if (::lstat(path_->c_str(), &there) == 0) {
    show_lines(begin_of(*path_), diagnostics_);
    return base::fail(no_start_while(*path_), base::ErrorKind::kMustNotGoOn);
  }
  if (errno != ENOENT) return base::fail(base::system_error(*path_, errno));
  const std::filesystem::path folder = std::filesystem::path(*path_).parent_path();
  if (::access(folder.empty() ? "." : folder.c_str(), W_OK | X_OK) != 0) {
    return base::fail(
        base::system_error(fmt::format("{}: could not be written after status 3", *path_), errno));
  }
  return {};
}

void NoStartFile::keep(std::string_view message) const {
  if (!path_) return;
  const base::UtcText now(clock_.time_of_day());
  const base::Result<void> written =
      io::replace_file(*path_, fmt::format("{} {}\n", now.view(), base::printable(message)));
  if (written) {
    diagnostics_.error(no_start_while(*path_));
  } else {
    diagnostics_.error(
        fmt::format("{}, so the next start knows nothing of this", written.error().message));
  }
}

}  // namespace paystats::cli
