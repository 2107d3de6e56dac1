#include "io/follow_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <optional>

#include "io/fd_io.h"
#include "io/line_splitter.h"
#include "io/log_tail.h"

namespace paystats::io {
namespace {

constexpr base::Duration kLookEach = std::chrono::seconds(1);
// So much of the end of what has been read is kept to see whether it is still there.
constexpr size_t kProofBytesMax = 64;

// A descriptor that can be read when something may have changed; none where that is not available.
class ChangeSignal {
 public:
  ChangeSignal() : fd_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {}

  // What cannot be watched is left to the look each second.
  void watch_folder(const std::string& path) {
    std::filesystem::path folder = std::filesystem::path(path).parent_path();
    if (folder.empty()) folder = ".";
    watch(folder, IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE);
  }
  void watch_file(const std::string& path) { watch(path, IN_MODIFY); }

  int fd() const { return fd_.get(); }

  void clear() {
    alignas(inotify_event) std::array<char, 4096> events;
    while (fd_ && ::read(fd_.get(), events.data(), events.size()) > 0) {
    }
  }

 private:
  void watch(const std::string& path, uint32_t what) {
    if (fd_) ::inotify_add_watch(fd_.get(), path.c_str(), what);
  }

  base::UniqueFd fd_;
};

class FollowSource final : public Source {
 public:
  FollowSource(const std::string& path, const Waiter& waiter, base::Diagnostics& diagnostics)
      : path_(path),
        waiter_(waiter),
        diagnostics_(diagnostics),
        lines_(path),
        lock_(path, diagnostics) {
    change_.watch_folder(path_);
  }

  // Opens the file if it is there.
  base::Result<void> open() {
    if (::access(path_.c_str(), F_OK) != 0 && errno == ENOENT) {
      if (!said_missing_) diagnostics_.note(fmt::format("{}: waiting for it to be made", path_));
      said_missing_ = true;
      return {};
    }
    base::Result<base::UniqueFd> opened = base::open_file(path_, O_RDONLY | O_NONBLOCK);
    if (!opened) return base::fail(opened.error());
    if (base::fd_type(opened->get()) != base::FdType::kRegular) {
      return base::fail(fmt::format("{}: not a regular file, so it cannot be followed", path_));
    }
    fd_ = std::move(*opened);
    change_.watch_file(path_);
    return {};
  }

  base::Result<ReadStatus> read(Block& out, base::Instant deadline) override {
    for (;;) {
      if (waiter_.stop().requested()) {
        cut_short_ = true;
        return ReadStatus::kEnd;
      }
      if (lines_.next(out)) return ReadStatus::kBlock;
      if (offset_ < end_) {
        const base::Result<void> filled = fill();
        if (!filled) return base::fail(filled.error());
        continue;
      }
      base::Result<Wake> wake = look_due_ ? look(deadline) : wait(deadline);
      if (!wake) return base::fail(wake.error());
      if (*wake == Wake::kDeadline) return ReadStatus::kIdle;
    }
  }

  bool cut_short() const override { return cut_short_; }
  bool caught_up() const override { return start_end_ ? offset_ >= *start_end_ : said_missing_; }
  uint64_t bytes_read() const override { return offset_; }

 private:
  // kReady: a look is due.
  base::Result<Wake> wait(base::Instant deadline) {
    base::Result<Wake> wake = waiter_.wait_readable(change_.fd(), std::min(deadline, next_look_));
    if (!wake || *wake == Wake::kStop) return wake;
    look_due_ = *wake == Wake::kReady || next_look_ <= deadline;
    return look_due_ ? Wake::kReady : Wake::kDeadline;
  }

  // Sees how far the file may be read now. kDeadline: it was locked all the time.
  base::Result<Wake> look(base::Instant deadline) {
    change_.clear();
    if (!fd_) {
      const base::Result<void> opened = open();
      if (!opened) return base::fail(opened.error());
      if (!fd_) return looked();
    }
    const base::Result<void> same = check_name();
    if (!same) return base::fail(same.error());
    base::Result<Wake> wake = lock_.acquire(fd_.get(), waiter_, deadline);
    if (!wake || *wake != Wake::kReady) return wake;
    const base::Result<void> seen = look_locked();
    lock_.release();
    if (!seen) return base::fail(seen.error());
    return looked();
  }

  base::Result<void> look_locked() {
    const base::Result<uint64_t> size = file_size(fd_.get(), path_);
    if (!size) return base::fail(size.error());
    const base::Result<void> grown = check_what_was_read(*size);
    if (!grown) return base::fail(grown.error());
    const base::Result<uint64_t> end = end_of_unmarked_lines(fd_.get(), end_, *size, path_);
    if (!end) return base::fail(end.error());
    end_ = *end;
    if (!start_end_) start_end_ = said_missing_ ? 0 : end_;
    return {};
  }

  base::Result<Wake> looked() {
    look_due_ = false;
    next_look_ = waiter_.clock().now() + kLookEach;
    return Wake::kReady;
  }

  base::Result<void> check_name() const {
    struct stat ours = {};
    struct stat named = {};
    if (::fstat(fd_.get(), &ours) != 0) return base::fail(base::system_error(path_, errno));
    if (::stat(path_.c_str(), &named) != 0) {
      if (errno == ENOENT)
        return base::fail(path_ + ": was removed or renamed while it was followed");
      return base::fail(base::system_error(path_, errno));
    }
    if (ours.st_dev != named.st_dev || ours.st_ino != named.st_ino) {
      return base::fail(path_ + ": was replaced by another file while it was followed");
    }
    return {};
  }

  base::Result<void> check_what_was_read(uint64_t size) const {
    if (size < end_) {
      return base::fail(
          fmt::format("{}: shrank from {} to {} bytes while it was followed", path_, end_, size));
    }
    std::string now(proof_.size(), '\0');
    const base::Result<size_t> n =
        read_at(fd_.get(), offset_ - now.size(), now.data(), now.size(), path_);
    if (!n) return base::fail(n.error());
    if (now != proof_) return base::fail(path_ + ": was written anew while it was followed");
    return {};
  }

  base::Result<void> fill() {
    char* const space = lines_.space();
    const size_t wanted = std::min<uint64_t>(LineSplitter::kReadBytes, end_ - offset_);
    const base::Result<size_t> n = read_at(fd_.get(), offset_, space, wanted, path_);
    if (!n) return base::fail(n.error());
    if (*n < wanted) return base::fail(fmt::format("{}: shrank while it was read", path_));
    offset_ += *n;
    const size_t proof_bytes = std::min(*n, kProofBytesMax);
    proof_.append(space + *n - proof_bytes, proof_bytes);
    if (proof_.size() > kProofBytesMax) proof_.erase(0, proof_.size() - kProofBytesMax);
    lines_.add(*n);
    return {};
  }

  const std::string path_;
  const Waiter& waiter_;
  base::Diagnostics& diagnostics_;
  LineSplitter lines_;
  SharedLock lock_;
  ChangeSignal change_;
  base::UniqueFd fd_;
  bool said_missing_ = false;  // it was not there at the start
  bool look_due_ = true;
  bool cut_short_ = false;
  base::Instant next_look_{};
  uint64_t offset_ = 0;                // read up to here
  uint64_t end_ = 0;                   // may be read up to here
  std::optional<uint64_t> start_end_;  // end_ as it was at the start
  std::string proof_;                  // the last bytes before offset_
};

}  // namespace

base::Result<std::unique_ptr<Source>> follow_source(const std::string& path, const Waiter& waiter,
                                                    base::Diagnostics& diagnostics) {
  auto source = std::make_unique<FollowSource>(path, waiter, diagnostics);
  const base::Result<void> opened = source->open();
  if (!opened) return base::fail(opened.error());
  return source;
}

}  // namespace paystats::io
