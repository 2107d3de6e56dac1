#include "io/file_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "io/fd_io.h"
#include "io/line_splitter.h"

namespace paystats::io {
namespace {

base::Result<void> measure_locked(int fd, std::string_view name, FileExtent& out) {
  const base::Result<uint64_t> size = file_size(fd, name);
  if (!size) return base::fail(size.error());
  const off_t at = ::lseek(fd, 0, SEEK_CUR);
  out = {.begin = at < 0 ? 0 : static_cast<uint64_t>(at), .end = *size};
  return {};
}

// `lock_fd` is of another file description than `fd`: that of stdin is shared with other processes,
// and so would be a lock on it. -1 where there can be none: then it goes without.
base::Result<Wake> measure_under(SharedLock& lock, int lock_fd, int fd, std::string_view name,
                                 const Waiter& waiter, base::Instant deadline, FileExtent& out) {
  if (lock_fd >= 0) {
    base::Result<Wake> wake = lock.acquire(lock_fd, waiter, deadline);
    if (!wake || *wake != Wake::kReady) return wake;
  }
  const base::Result<void> measured = measure_locked(fd, name, out);
  lock.release();
  if (!measured) return base::fail(measured.error());
  return Wake::kReady;
}

class FileSource final : public Source {
 public:
  FileSource(int fd, base::UniqueFd owner, std::string name, const Waiter& waiter,
             base::Diagnostics& diagnostics)
      : fd_(fd),
        owner_(std::move(owner)),
        waiter_(waiter),
        lines_(std::move(name)),
        lock_(std::string(shown_name()), diagnostics) {}

  base::Result<ReadStatus> read(Block& out, base::Instant deadline) override {
    if (!measured_) {
      base::Result<Wake> wake = measure(deadline);
      if (!wake) return base::fail(wake.error());
      if (*wake == Wake::kDeadline) return ReadStatus::kIdle;
      if (*wake == Wake::kStop) return cut();
    }
    for (;;) {
      if (lines_.next(out)) return ReadStatus::kBlock;
      if (cut_short_ || offset_ >= extent_.end)
        return lines_.last(out) ? ReadStatus::kBlock : ReadStatus::kEnd;
      if (waiter_.stop().requested()) return cut();
      const base::Result<void> filled = fill();
      if (!filled) return base::fail(filled.error());
    }
  }

  bool cut_short() const override { return cut_short_; }
  uint64_t bytes_read() const override { return offset_ - extent_.begin; }
  uint64_t bytes_all() const override {
    return std::max(extent_.end, extent_.begin) - extent_.begin;
  }

 private:
  std::string_view shown_name() const {
    return lines_.source() == "-" ? std::string_view("stdin") : std::string_view(lines_.source());
  }

  // A line of which we have only read the first part is no record.
  ReadStatus cut() {
    cut_short_ = true;
    measured_ = true;
    lines_.drop_rest();
    return ReadStatus::kEnd;
  }

  base::Result<Wake> measure(base::Instant deadline) {
    if (!lock_fd_) {
      base::Result<base::UniqueFd> opened = reopen_for_reading(fd_, shown_name());
      if (opened) lock_fd_ = std::move(*opened);
    }
    base::Result<Wake> wake =
        measure_under(lock_, lock_fd_.get(), fd_, shown_name(), waiter_, deadline, extent_);
    if (!wake || *wake != Wake::kReady) return wake;
    lock_fd_.reset();
    offset_ = extent_.begin;
    measured_ = true;
    ::posix_fadvise(fd_, 0, 0, POSIX_FADV_SEQUENTIAL);
    return Wake::kReady;
  }

  base::Result<void> fill() {
    // Up to the end of a page, wherever the descriptor stood at first: see LineSplitter::space().
    const size_t most = LineSplitter::kReadBytes - offset_ % LineSplitter::kPageBytes;
    const size_t wanted = std::min<uint64_t>(most, extent_.end - offset_);
    const base::Result<size_t> n = base::read_some(fd_, lines_.space(), wanted, shown_name());
    if (!n) return base::fail(n.error());
    if (*n == 0) return base::fail(fmt::format("{}: shrank while it was read", shown_name()));
    lines_.add(*n);
    offset_ += *n;
    return {};
  }

  const int fd_;
  const base::UniqueFd owner_;
  const Waiter& waiter_;
  LineSplitter lines_;
  SharedLock lock_;
  base::UniqueFd lock_fd_;
  bool measured_ = false;
  bool cut_short_ = false;
  FileExtent extent_;
  uint64_t offset_ = 0;  // where the descriptor stands
};

}  // namespace

base::Result<Wake> measure_file(int fd, std::string_view name, const Waiter& waiter,
                                base::Instant deadline, base::Diagnostics& diagnostics,
                                FileExtent& out) {
  const base::Result<base::UniqueFd> lock_fd = reopen_for_reading(fd, name);
  SharedLock lock(std::string(name), diagnostics);
  return measure_under(lock, lock_fd ? lock_fd->get() : -1, fd, name, waiter, deadline, out);
}

std::unique_ptr<Source> file_source(int fd, base::UniqueFd owner, std::string name,
                                    const Waiter& waiter, base::Diagnostics& diagnostics) {
  return std::make_unique<FileSource>(fd, std::move(owner), std::move(name), waiter, diagnostics);
}

}  // namespace paystats::io
