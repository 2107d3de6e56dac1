#include "io/file_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "io/fd_io.h"
#include "io/line_splitter.h"
#include "io/log_tail.h"

namespace paystats {
namespace {

class FileSource final : public Source {
 public:
  FileSource(int fd, UniqueFd owner, std::string name, const Waiter& waiter,
             Diagnostics& diagnostics)
      : fd_(fd),
        owner_(std::move(owner)),
        waiter_(waiter),
        diagnostics_(diagnostics),
        lines_(std::move(name)) {}

  Result<ReadStatus> read(Block& out, Instant deadline) override {
    if (!measured_) {
      const Result<Wake> wake = measure(deadline);
      if (!wake) return fail(wake.error());
      if (*wake == Wake::kDeadline) return ReadStatus::kIdle;
      if (*wake == Wake::kStop) return cut();
    }
    for (;;) {
      if (lines_.next(out)) return ReadStatus::kBlock;
      if (offset_ >= end_) return lines_.last(out) ? ReadStatus::kBlock : ReadStatus::kEnd;
      if (waiter_.stop().requested()) return cut();
      const Result<void> filled = fill();
      if (!filled) return fail(filled.error());
    }
  }

  bool cut_short() const override { return cut_short_; }
  uint64_t bytes_read() const override { return offset_ - begin_; }
  uint64_t bytes_all() const override { return std::max(end_, begin_) - begin_; }

 private:
  std::string_view shown_name() const {
    return lines_.source() == "-" ? std::string_view("stdin") : std::string_view(lines_.source());
  }

  // A line of which we have only read the first part is no record.
  ReadStatus cut() {
    cut_short_ = true;
    measured_ = true;
    offset_ = end_;
    lines_.drop_rest();
    return ReadStatus::kEnd;
  }

  Result<Wake> measure(Instant deadline) {
    FileExtent extent;
    const Result<Wake> wake =
        measure_file(fd_, shown_name(), waiter_, deadline, diagnostics_, extent);
    if (!wake || *wake != Wake::kReady) return wake;
    begin_ = offset_ = extent.begin;
    end_ = extent.end;
    measured_ = true;
    ::posix_fadvise(fd_, 0, 0, POSIX_FADV_SEQUENTIAL);
    return Wake::kReady;
  }

  Result<void> fill() {
    const size_t wanted = std::min<uint64_t>(LineSplitter::kReadBytes, end_ - offset_);
    const Result<size_t> n = read_some(fd_, lines_.space(), wanted, shown_name());
    if (!n) return fail(n.error());
    if (*n == 0) return fail(fmt::format("{}: shrank while it was read", shown_name()));
    lines_.add(*n);
    offset_ += *n;
    return {};
  }

  const int fd_;
  const UniqueFd owner_;
  const Waiter& waiter_;
  Diagnostics& diagnostics_;
  LineSplitter lines_;
  bool measured_ = false;
  bool cut_short_ = false;
  uint64_t begin_ = 0;   // where the descriptor stood at first
  uint64_t offset_ = 0;  // where it stands
  uint64_t end_ = 0;     // of what is to be read
};

}  // namespace

Result<Wake> measure_file(int fd, std::string_view name, const Waiter& waiter, Instant deadline,
                          Diagnostics& diagnostics, FileExtent& out) {
  // stdin's file description is shared with others, and so would be a lock on it.
  const Result<UniqueFd> lock_fd = reopen_for_reading(fd, name);
  SharedLock lock;
  if (lock_fd) {
    Result<Wake> wake = lock.acquire(lock_fd->get(), waiter, deadline, name);
    if (!wake || *wake != Wake::kReady) return wake;
  }
  const Result<uint64_t> size = file_size(fd, name);
  if (!size) return fail(size.error());
  const Result<PlainEnd> end = find_plain_end(fd, *size, name);
  if (!end) return fail(end.error());
  if (end->lines_left_out > 0) {
    diagnostics.warning(fmt::format("{}: the last {} lines are left out: they are part of a "
                                    "batch whose writer was stopped in the middle",
                                    name, end->lines_left_out));
  }
  const off_t at = ::lseek(fd, 0, SEEK_CUR);
  out = {.begin = at < 0 ? 0 : static_cast<uint64_t>(at), .end = end->bytes};
  return Wake::kReady;
}

std::unique_ptr<Source> file_source(int fd, UniqueFd owner, std::string name, const Waiter& waiter,
                                    Diagnostics& diagnostics) {
  return std::make_unique<FileSource>(fd, std::move(owner), std::move(name), waiter, diagnostics);
}

}  // namespace paystats
