#include "io/replace_sink.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>

#include "io/fd_io.h"
#include "io/stream_sink.h"

namespace paystats::io {
namespace {

constexpr int kSymlinksMax = 40;            // as the kernel has it
constexpr size_t kShownNameBytesMax = 200;  // of 255 that a name may have

// Where `path` leads to in the end, even if nothing is there yet.
base::Result<std::string> follow_symlinks(const std::string& path) {
  std::filesystem::path target(path);
  for (int i = 0; i < kSymlinksMax; ++i) {
    std::error_code error;
    const std::filesystem::path next = std::filesystem::read_symlink(target, error);
    if (error) return target.string();  // not a symbolic link
    target = target.parent_path() / next;
  }
  return base::fail(base::system_error(path, ELOOP));
}

std::optional<struct stat> existing(const std::string& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return status;
}

std::filesystem::path folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? std::filesystem::path(".") : folder;
}

base::Result<void> sync(int fd, std::string_view name) {
  const int reason = sync_all(fd);
  return reason == 0 ? base::Result<void>() : base::fail(base::system_error(name, reason));
}

}  // namespace

TemporaryFile::TemporaryFile(base::UniqueFd fd, std::string path, std::string target,
                             std::string name)
    : fd_(std::move(fd)),
      path_(std::move(path)),
      target_(std::move(target)),
      name_(std::move(name)) {}

base::Result<TemporaryFile> TemporaryFile::create(const std::string& path) {
  const base::Result<std::string> target = follow_symlinks(path);
  if (!target) return base::fail(target.error());
  const auto old = existing(*target);
  if (old && ::access(target->c_str(), W_OK) != 0)
    return base::fail(base::system_error(path, errno));

  uint64_t random = 0;
  while (::getrandom(&random, sizeof random, 0) != sizeof random) {
    if (errno != EINTR) return base::fail(base::system_error("getrandom", errno));
  }
  const std::string shown =
      std::filesystem::path(*target).filename().string().substr(0, kShownNameBytesMax);
  const std::string temporary =
      folder_of(*target) / fmt::format(".{}.paystats-{:016x}", shown, random);
  // 0666 and not less, so that umask decides.
  base::UniqueFd fd;
  do {
    fd.reset(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  } while (!fd && errno == EINTR);
  if (!fd) return base::fail(base::system_error(path, errno));
  TemporaryFile file(std::move(fd), temporary, *target, path);
  if (old) {
    // Only root can give a file away; without that right it stays the writer's own.
    [[maybe_unused]] const int owned = ::fchown(file.fd(), old->st_uid, old->st_gid);
    if (::fchmod(file.fd(), old->st_mode & 0777) != 0)
      return base::fail(base::system_error(path, errno));
  }
  return file;
}

TemporaryFile::~TemporaryFile() {
  if (fd_) ::unlink(path_.c_str());
}

base::Result<void> TemporaryFile::take_place() {
  if (::rename(path_.c_str(), target_.c_str()) != 0)
    return base::fail(base::system_error(name_, errno));
  return close_checked(std::move(fd_), name_);
}

ReplaceSink::ReplaceSink(TemporaryFile file, std::string name)
    : file_(std::move(file)), name_(std::move(name)) {
  buffer_.reserve(StreamSink::kBufferBytes);
}

base::Result<void> ReplaceSink::write(std::string_view lines) {
  if (buffer_.size() + lines.size() > StreamSink::kBufferBytes) {
    base::Result<void> flushed = flush();
    if (!flushed) return flushed;
    if (lines.size() > StreamSink::kBufferBytes) return put_out(lines);
  }
  buffer_.append(lines);
  return {};
}

base::Result<void> ReplaceSink::flush() {
  base::Result<void> written = put_out(buffer_);
  buffer_.clear();
  return written;
}

base::Result<void> ReplaceSink::put_out(std::string_view bytes) {
  if (error_) return base::fail(*error_);
  base::Result<void> written = base::write_all(file_.fd(), bytes, name_);
  if (!written) error_ = written.error();
  return written;
}

base::Result<void> ReplaceSink::close() {
  base::Result<void> result = flush();
  if (result) result = sync(file_.fd(), name_);
  if (result) result = file_.take_place();
  if (!result) return result;
  // The new name is to outlive a power cut as well. Where the folder may not be read, it may not.
  const base::Result<base::UniqueFd> folder =
      base::open_file(folder_of(file_.target()), O_RDONLY | O_DIRECTORY);
  return folder ? sync(folder->get(), name_) : base::Result<void>();
}

base::Result<void> replace_file(const std::string& path, std::string_view bytes) {
  const base::Result<bool> special = is_special_file(path);
  if (!special) return base::fail(special.error());
  if (*special) {
    // A device or a pipe keeps its place, and a pipe without a reader is not waited for.
    const base::Result<base::UniqueFd> fd = base::open_file(path, O_WRONLY | O_NONBLOCK);
    return fd ? base::write_all(fd->get(), bytes, path) : base::fail(fd.error());
  }
  base::Result<TemporaryFile> file = TemporaryFile::create(path);
  if (!file) return base::fail(file.error());
  const base::Result<void> written = base::write_all(file->fd(), bytes, path);
  return written ? file->take_place() : written;
}

}  // namespace paystats::io
