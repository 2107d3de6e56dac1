#include "log/torn_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "io/fd_io.h"
#include "log/sync.h"

namespace paystats::log {
namespace {

constexpr size_t kChunkBytes = 64 << 10;
constexpr mode_t kPermissions = 0777;
constexpr int kAppend = O_WRONLY | O_APPEND | O_NONBLOCK;

// A new file belongs to the owner of the log, who else could not append later to what root has
// made. Only a new one: a name that is there already may lead anywhere.
base::Result<base::UniqueFd> open_or_create(const std::string& path, const struct stat& log) {
  const mode_t permissions = log.st_mode & kPermissions;
  base::Result<base::UniqueFd> made =
      base::open_file(path, kAppend | O_CREAT | O_EXCL, permissions);
  if (!made) return base::open_file(path, kAppend | O_CREAT, permissions);
  // Who is not root may be unable to: then the file is as private as the log is, and its maker's.
  if (::fchown(made->get(), log.st_uid, log.st_gid) == 0) {
    if (::fchmod(made->get(), permissions) != 0) return base::fail(base::system_error(path, errno));
  }
  return made;
}

}  // namespace

// As private as the log is, and not the log itself.
base::Result<void> TornFile::open() {
  if (fd_) return {};
  struct stat log = {};
  if (::fstat(log_fd_, &log) != 0) return base::fail(base::system_error(log_path_, errno));
  base::Result<base::UniqueFd> opened = open_or_create(path_, log);
  if (!opened) return base::fail(opened.error());
  struct stat ours = {};
  if (::fstat(opened->get(), &ours) != 0) return base::fail(base::system_error(path_, errno));
  if (!S_ISREG(ours.st_mode)) return base::fail(fmt::format("{}: not a regular file", path_));
  if (ours.st_dev == log.st_dev && ours.st_ino == log.st_ino) {
    return base::fail(fmt::format("{}: is the log itself", path_));
  }
  fd_ = std::move(*opened);
  bytes_before_ = static_cast<uint64_t>(ours.st_size);
  return {};
}

base::Result<void> TornFile::append(std::string_view bytes) {
  std::string shown;
  while (!bytes.empty()) {
    const size_t nuls = std::min(bytes.find_first_not_of('\0'), bytes.size());
    nuls_ += nuls;
    bytes.remove_prefix(nuls);
    if (bytes.empty()) break;
    show_nuls(shown);
    const size_t plain = std::min(bytes.find('\0'), bytes.size());
    shown += bytes.substr(0, plain);
    bytes.remove_prefix(plain);
  }
  return io::write_stream(fd_.get(), shown, path_);
}

void TornFile::show_nuls(std::string& shown) {
  if (nuls_ > 0) shown += fmt::format("[{} NUL byte{}]", nuls_, nuls_ == 1 ? "" : "s");
  nuls_ = 0;
}

base::Result<void> TornFile::append_range(uint64_t begin, uint64_t end) {
  std::string chunk(kChunkBytes, '\0');
  while (begin < end) {
    const size_t wanted = std::min<uint64_t>(chunk.size(), end - begin);
    const base::Result<size_t> n = io::read_at(log_fd_, begin, chunk.data(), wanted, log_path_);
    if (!n) return base::fail(n.error());
    if (*n == 0) break;
    base::Result<void> appended = append(std::string_view(chunk.data(), *n));
    if (!appended) return appended;
    begin += *n;
  }
  return {};
}

base::Result<void> TornFile::finish() {
  std::string shown;
  show_nuls(shown);
  shown += '\n';
  base::Result<void> written = io::write_stream(fd_.get(), shown, path_);
  if (!written) return written;
  if (const int reason = io::sync_all(fd_.get()); reason != 0) {
    return base::fail(base::system_error(path_, reason));
  }
  // Where the folder may not be read, who commits to the log tells.
  const base::Result<NameSync> synced = sync_name(fd_.get(), path_);
  return synced ? base::Result<void>() : base::fail(synced.error());
}

void TornFile::take_back() {
  nuls_ = 0;
  if (!fd_) return;
  [[maybe_unused]] const base::Result<void> undone = truncate_to(fd_.get(), bytes_before_, path_);
}

template <class Append>
base::Result<void> TornFile::keep_by(Append&& append) {
  base::Result<void> kept = open();
  if (kept) kept = append();
  if (kept) kept = finish();
  if (!kept) take_back();
  return kept;
}

base::Result<void> TornFile::keep(std::string_view bytes) {
  return keep_by([&] { return append(bytes); });
}

base::Result<void> TornFile::keep(uint64_t begin, uint64_t end) {
  return keep_by([&] { return append_range(begin, end); });
}

}  // namespace paystats::log
