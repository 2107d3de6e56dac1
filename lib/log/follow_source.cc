#include "log/follow_source.h"

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
#include <vector>

#include "io/fd_io.h"
#include "io/input_start.h"
#include "io/line_splitter.h"
#include "log/file_name.h"
#include "log/log_tail.h"

namespace paystats::log {
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

// Of a file that still has a name.
std::optional<uint64_t> inode_of_linked(int fd) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0 || status.st_nlink == 0) return std::nullopt;
  return status.st_ino;
}

class FollowSource final : public io::Source {
 public:
  FollowSource(const std::string& path, const io::Waiter& waiter, base::Diagnostics& diagnostics)
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
    if (io::has_another_size(opened->get())) {
      return base::fail(fmt::format(
          "{}: has not the size that it says, as files of /proc and /sys, so it cannot be "
          "followed: read it without --follow",
          path_));
    }
    fd_ = std::move(*opened);
    change_.watch_file(path_);
    return {};
  }

  base::Result<io::ReadStatus> read(io::Block& out, base::Instant deadline) override {
    caught_up_ = caught_up();
    for (;;) {
      if (waiter_.stop().requested()) {
        cut_short_ = true;
        return io::ReadStatus::kEnd;
      }
      if (lines_.next(out)) return io::ReadStatus::kBlock;
      if (offset_ < end_) {
        const base::Result<void> filled = fill();
        if (!filled) return base::fail(filled.error());
        continue;
      }
      if (superseded_) return end_of_superseded();
      const bool is_first_look = !start_end_ && !said_missing_;
      base::Result<io::Wake> wake = look_due_ ? look(deadline) : wait(deadline);
      if (!wake) return base::fail(wake.error());
      if (*wake == io::Wake::kDeadline) return io::ReadStatus::kIdle;
      // Where nothing was there at the start, the reader knows so before something comes.
      if (is_first_look && start_end_ && *start_end_ == 0) return io::ReadStatus::kIdle;
    }
  }

  bool cut_short() const override { return cut_short_; }
  bool caught_up() const override {
    if (caught_up_ || !start_end_) return caught_up_ || said_missing_;
    return offset_ >= *start_end_ && lines_.empty();  // all that was read has been yielded
  }
  base::Result<void> ending() const override { return ending_; }
  uint64_t bytes_read() const override { return offset_; }

 private:
  // kReady: a look is due.
  base::Result<io::Wake> wait(base::Instant deadline) {
    base::Result<io::Wake> wake =
        waiter_.wait_readable(change_.fd(), std::min(deadline, next_look_));
    if (!wake || *wake == io::Wake::kStop) return wake;
    look_due_ = *wake == io::Wake::kReady || next_look_ <= deadline;
    return look_due_ ? io::Wake::kReady : io::Wake::kDeadline;
  }

  // Sees how far the file may be read now. kDeadline: it was locked all the time.
  base::Result<io::Wake> look(base::Instant deadline) {
    change_.clear();
    if (!fd_) {
      const base::Result<void> opened = open();
      if (!opened) return base::fail(opened.error());
      if (!fd_) return looked();
    }
    // First this, then the lock: so what the last writer of the old file has committed is seen.
    const base::Result<bool> superseded = another_has_its_name();
    if (!superseded) return base::fail(superseded.error());
    base::Result<io::Wake> wake = lock_.acquire(fd_.get(), waiter_, deadline);
    if (!wake || *wake != io::Wake::kReady) return wake;
    const base::Result<void> seen = look_locked();
    lock_.release();
    if (!seen) return base::fail(seen.error());
    superseded_ = *superseded;
    return looked();
  }

  base::Result<void> look_locked() {
    const base::Result<uint64_t> size = io::file_size(fd_.get(), path_);
    if (!size) return base::fail(size.error());
    const base::Result<void> there = check_what_was_read(*size);
    if (!there) return base::fail(there.error());
    const uint64_t from = known_part(*size);
    const base::Result<uint64_t> end = whole_lines_end(fd_.get(), from, *size, path_);
    if (!end) return base::fail(end.error());
    if (*end > from) end_ = *end;  // else there was no newline
    size_ = *size;
    if (end_ == 0) {
      base::Result<void> checked = check_first_bytes();
      if (!checked) return checked;
    }
    if (!start_end_) start_end_ = said_missing_ ? 0 : end_;
    return remember_part();
  }

  // Where there is no line yet, there is none that would be refused: not of a file that is
  // compressed, and may have no newline at all.
  base::Result<void> check_first_bytes() const {
    std::array<char, 16> begin;
    const base::Result<size_t> n =
        io::read_at(fd_.get(), 0, begin.data(), std::min<uint64_t>(begin.size(), size_), path_);
    if (!n) return base::fail(n.error());
    return io::check_encoding({begin.data(), *n}, path_, true, diagnostics_);
  }

  // Up to where an unfinished line is known to hold no newline, so that a long one is not searched
  // again and again. A repair may have cut it off, and others have written in its place since.
  uint64_t known_part(uint64_t size) {
    if (part_.empty() || size < size_) return end_;
    std::string now(part_.size(), '\0');
    const base::Result<size_t> n =
        io::read_at(fd_.get(), size_ - now.size(), now.data(), now.size(), path_);
    return n && now == part_ ? size_ : end_;
  }
  base::Result<void> remember_part() {
    part_.resize(std::min<uint64_t>(kProofBytesMax, size_ - end_));
    const base::Result<size_t> n =
        io::read_at(fd_.get(), size_ - part_.size(), part_.data(), part_.size(), path_);
    return n ? base::Result<void>() : base::fail(n.error());
  }

  base::Result<io::Wake> looked() {
    look_due_ = false;
    next_look_ = waiter_.clock().now() + kLookEach;
    return io::Wake::kReady;
  }

  // A file without a name, or with another one, is read on as long as nothing has taken its place.
  base::Result<bool> another_has_its_name() {
    struct stat ours = {};
    struct stat named = {};
    if (::fstat(fd_.get(), &ours) != 0) return base::fail(base::system_error(path_, errno));
    if (::stat(path_.c_str(), &named) != 0) {
      if (errno == ENOENT) return false_and_said();
      return base::fail(base::system_error(path_, errno));
    }
    return ours.st_dev != named.st_dev || ours.st_ino != named.st_ino;
  }

  bool false_and_said() {
    if (!said_nameless_) {
      diagnostics_.note(
          fmt::format("{}: has lost its name: reading on until another file has it", path_));
    }
    said_nameless_ = true;
    return false;
  }

  base::Result<void> check_what_was_read(uint64_t size) const {
    if (size < end_) {
      return must_not_go_on(
          fmt::format("shrank from {} to {} bytes while it was followed (a copy that logrotate's "
                      "copytruncate has made before has what is missing)",
                      end_, size));
    }
    std::string now(proof_.size(), '\0');
    const base::Result<size_t> n =
        io::read_at(fd_.get(), offset_ - now.size(), now.data(), now.size(), path_);
    if (!n) return base::fail(n.error());
    if (now != proof_) return must_not_go_on("was written anew while it was followed");
    return {};
  }

  base::Result<void> must_not_go_on(std::string_view what) const {
    return base::fail(
        fmt::format("{}: {}, so the totals are of payments that are not there any more; for the "
                    "totals of what is there now{}",
                    path_, what, run_again_with({path_})),
        base::ErrorKind::kMustNotGoOn);
  }

  // A name that is absolute, as `path_` is.
  std::string as_given(const std::string& name) const {
    if (std::filesystem::path(path_).is_absolute()) return name;
    std::error_code error;
    const std::filesystem::path nearest = std::filesystem::proximate(name, error);
    return error ? name : nearest.string();
  }

  // INPUTs and options are as they were given, which may be from here.
  std::string run_again_with(const std::vector<std::string>& files) const {
    std::error_code error;
    const std::string here = std::filesystem::current_path(error).string();
    return fmt::format("{}: {}", error ? "" : ", in the folder " + here,
                       diagnostics_.invocation().with_input(path_, files));
  }

  // All of the file before has been read; what ends there without a newline will stay so.
  io::ReadStatus end_of_superseded() {
    const std::optional<std::string> old = name_of(fd_.get());
    const std::string torn =
        size_ > end_ ? fmt::format(" (its last {} bytes are no whole line)", size_ - end_) : "";
    std::string message = fmt::format("{}: is another file now; the one that was followed ", path_);
    if (old) {
      message += fmt::format(
          "is {}, and has been read to its end{}; for the totals of both (files between them go "
          "between them){}",
          *old, torn, run_again_with({as_given(*old), path_}));
    } else if (const std::optional<uint64_t> inode = inode_of_linked(fd_.get()); inode) {
      message += fmt::format(
          "has another name (a hard link), which the system does not tell, and has been read to "
          "its end{}; to find it: find / -inum {}; for the totals of what is there now, without "
          "what is in that file{}",
          torn, *inode, run_again_with({path_}));
    } else {
      message += fmt::format(
          "was removed, and has been read to its end{}; for the totals of what is there now{}",
          torn, run_again_with({path_}));
    }
    ending_ = base::fail(std::move(message), base::ErrorKind::kMustNotGoOn);
    return io::ReadStatus::kEnd;
  }

  base::Result<void> fill() {
    char* const space = lines_.space();
    const size_t wanted = std::min<uint64_t>(io::LineSplitter::kReadBytes, end_ - offset_);
    const base::Result<size_t> n = io::read_at(fd_.get(), offset_, space, wanted, path_);
    if (!n) return base::fail(n.error());
    if (*n < wanted) return must_not_go_on("shrank while it was read");
    offset_ += *n;
    const size_t proof_bytes = std::min(*n, kProofBytesMax);
    proof_.append(space + *n - proof_bytes, proof_bytes);
    if (proof_.size() > kProofBytesMax) proof_.erase(0, proof_.size() - kProofBytesMax);
    lines_.add(*n);
    return {};
  }

  const std::string path_;
  const io::Waiter& waiter_;
  base::Diagnostics& diagnostics_;
  io::LineSplitter lines_;
  io::SharedLock lock_;
  ChangeSignal change_;
  base::UniqueFd fd_;
  bool said_missing_ = false;  // it was not there at the start
  bool said_nameless_ = false;
  bool look_due_ = true;
  bool superseded_ = false;  // another file has its name; what it had then is all there will be
  bool cut_short_ = false;
  bool caught_up_ = false;  // at the last read(): once is for ever
  base::Instant next_look_{};
  uint64_t offset_ = 0;                // read up to here
  uint64_t end_ = 0;                   // may be read up to here: whole lines
  uint64_t size_ = 0;                  // as of the last look
  std::optional<uint64_t> start_end_;  // end_ as it was at the start
  std::string proof_;                  // the last bytes before offset_
  std::string part_;                   // the last bytes of an unfinished line, before size_
  base::Result<void> ending_;
};

}  // namespace

base::Result<std::unique_ptr<io::Source>> follow_source(const std::string& path,
                                                        const io::Waiter& waiter,
                                                        base::Diagnostics& diagnostics) {
  auto source = std::make_unique<FollowSource>(path, waiter, diagnostics);
  const base::Result<void> opened = source->open();
  if (!opened) return base::fail(opened.error());
  return source;
}

}  // namespace paystats::log
