#include "io/open_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <utility>

#include "io/fd_io.h"
#include "io/file_source.h"
#include "io/started_source.h"
#include "io/stream_source.h"

namespace paystats::io {
namespace {

using io::has_another_size;

constexpr base::Duration kLookEach = std::chrono::seconds(1);
// So many of the files that were read last are watched: each costs a descriptor, and what still
// grows is what was written to last.
constexpr size_t kWatchedMax = 64;

bool has_another_size(const std::string& path) {
  const base::Result<base::UniqueFd> fd = base::open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  return fd && has_another_size(fd->get());
}

// Where the size of the file counts: what else is read like a pipe, to its end.
bool is_plain_file(int fd) {
  return base::fd_type(fd) == base::FdType::kRegular && !has_another_size(fd);
}

// `place` is a path or a descriptor.
template <class Place>
void add(InputSizes& sizes, const struct stat& status, const Place& place) {
  const bool is_regular = S_ISREG(status.st_mode) && !has_another_size(place);
  sizes.all_regular = sizes.all_regular && is_regular;
  sizes.known = sizes.known && is_regular && status.st_size > 0;
  if (is_regular) sizes.bytes += static_cast<uint64_t>(status.st_size);
}

// A FIFO that is opened and closed again would cost its writer a SIGPIPE, so it is left alone.
base::Result<void> check_readable(const std::string& path, InputSizes& sizes) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) return base::fail(base::system_error(path, errno));
  if (S_ISDIR(status.st_mode)) return base::fail(base::system_error(path, EISDIR));
  if (::access(path.c_str(), R_OK) != 0) return base::fail(base::system_error(path, errno));
  add(sizes, status, path);
  return {};
}

void add_stdin(InputSizes& sizes) {
  struct stat status = {};
  const bool is_open = ::fstat(STDIN_FILENO, &status) == 0;  // else reading it will tell
  if (!is_open) status = {};
  add(sizes, status, STDIN_FILENO);
}

// Files that have been read once, up to where their descriptors stand. What comes behind that while
// a later one is followed would be missing in the totals.
class ReadFiles {
 public:
  base::Result<void> add(base::UniqueFd fd, std::string name) {
    const off_t end = ::lseek(fd.get(), 0, SEEK_CUR);
    if (end < 0) return base::fail(base::system_error(name, errno));
    if (files_.size() == kWatchedMax) files_.pop_front();
    files_.push_back({std::move(fd), std::move(name), static_cast<uint64_t>(end)});
    return {};
  }
  bool empty() const { return files_.empty(); }

  base::Result<void> check(const base::Invocation& run) const {
    for (const File& file : files_) {
      const base::Result<uint64_t> size = file_size(file.fd.get(), file.name);
      if (!size) return base::fail(size.error());
      if (*size <= file.end) continue;
      return base::fail(
          fmt::format(
              "{}: grew from {} to {} bytes after it was read, so the totals lack what came "
              "then; for the totals of all: {}",
              file.name == "-" ? "stdin" : file.name, file.end, *size,
              run.with_input(file.name, {file.name})),
          base::ErrorKind::kMustNotGoOn);
    }
    return {};
  }

 private:
  struct File {
    base::UniqueFd fd;
    std::string name;
    uint64_t end = 0;
  };
  std::deque<File> files_;
};

// One input after the other, each opened as the one before it ends.
class InputsInTurn final : public Source {
 public:
  InputsInTurn(std::vector<Endpoint> inputs, const SourceOptions& options, uint64_t bytes_all,
               const Waiter& waiter, base::Diagnostics& diagnostics)
      : inputs_(std::move(inputs)),
        options_(options),
        bytes_all_(bytes_all),
        waiter_(waiter),
        diagnostics_(diagnostics) {}

  base::Result<ReadStatus> read(Block& out, base::Instant deadline) override {
    for (;;) {
      if (!current_) {
        if (next_ == inputs_.size()) return ReadStatus::kEnd;
        if (skip_after_stop()) continue;
        base::Result<std::unique_ptr<Source>> opened = open_next();
        if (!opened) return base::fail(opened.error());
        current_ = started_source(std::move(*opened), is_followed(), diagnostics_);
      }
      const bool watches = is_followed() && !read_files_.empty();
      if (watches && look_is_bad()) return ReadStatus::kEnd;
      base::Result<ReadStatus> status =
          current_->read(out, watches ? std::min(deadline, next_look_) : deadline);
      if (status && *status == ReadStatus::kIdle && watches && next_look_ < deadline) continue;
      if (!status || *status != ReadStatus::kEnd) return status;
      if (base::Result<void> ended = end_current(); !ended) return base::fail(ended.error());
    }
  }

  bool cut_short() const override { return cut_short_; }
  base::Result<void> ending() const override { return ending_; }
  bool caught_up() const override {
    if (!options_.follow) return true;
    if (next_ == inputs_.size()) return true;  // its end has come
    return current_ && next_ + 1 == inputs_.size() && current_->caught_up();
  }
  uint64_t bytes_read() const override {
    return bytes_of_earlier_ + (current_ ? current_->bytes_read() : 0);
  }
  uint64_t bytes_all() const override { return bytes_all_; }

 private:
  // The one that is read now, or is to be opened next.
  bool is_followed() const { return options_.follow && next_ + 1 == inputs_.size(); }

  // Looks once a second whether a file has grown that was read. Then this is the end, as ending_
  // says.
  bool look_is_bad() {
    if (!ending_) return true;
    const base::Instant now = waiter_.clock().now();
    if (now < next_look_) return false;
    next_look_ = now + kLookEach;
    ending_ = read_files_.check(diagnostics_.invocation());
    return !ending_;
  }

  base::Result<void> end_current() {
    const bool cut = current_->cut_short();
    cut_short_ = cut_short_ || cut;
    if (ending_) ending_ = current_->ending();
    bytes_of_earlier_ += current_->bytes_read();
    current_.reset();
    ++next_;
    if (!read_fd_ || cut) return {};
    return read_files_.add(std::move(read_fd_), inputs_[next_ - 1].name);
  }

  // Of a file in front of one that is followed a descriptor is kept.
  base::Result<void> keep(int fd, std::string_view name) {
    read_fd_.reset();
    if (!options_.follow) return {};
    read_fd_ = base::UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    return read_fd_ ? base::Result<void>() : base::fail(base::system_error(name, errno));
  }

  // After a stop signal nothing more is begun, but what others have put into stdin is read.
  bool skip_after_stop() {
    const bool skipped =
        waiter_.stop().requested() && inputs_[next_].kind != Endpoint::Kind::kStdio;
    if (skipped) {
      cut_short_ = true;
      ++next_;
    }
    return skipped;
  }

  base::Result<std::unique_ptr<Source>> open_next() {
    const Endpoint& input = inputs_[next_];
    if (input.kind == Endpoint::Kind::kStdio) return open_stdin();
    if (is_followed()) {
      return options_.follow(input.name, waiter_, diagnostics_);
    }
    // O_NONBLOCK: the open of a FIFO does not wait for its writer; reading it does, and can be
    // interrupted.
    base::Result<base::UniqueFd> opened =
        base::open_file(input.name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!opened) return base::fail(opened.error());
    const int fd = opened->get();
    if (is_plain_file(fd)) {
      if (base::Result<void> kept = keep(fd, input.name); !kept) return base::fail(kept.error());
      return file_source(fd, std::move(*opened), input.name, waiter_, diagnostics_);
    }
    return stream_source(fd, std::move(*opened), input.name, OnStop::kEndAtOnce, waiter_);
  }

  base::Result<std::unique_ptr<Source>> open_stdin() {
    const base::FdType type = base::fd_type(STDIN_FILENO);
    if (is_plain_file(STDIN_FILENO)) {
      if (base::Result<void> kept = keep(STDIN_FILENO, "stdin"); !kept) {
        return base::fail(kept.error());
      }
      return file_source(STDIN_FILENO, base::UniqueFd(), "-", waiter_, diagnostics_);
    }
    const OnStop on_stop =
        type == base::FdType::kPipe ? OnStop::kReadWhatIsUnderWay : OnStop::kEndAtOnce;
    return stream_source(STDIN_FILENO, base::UniqueFd(), "-", on_stop, waiter_);
  }

  const std::vector<Endpoint> inputs_;
  const SourceOptions options_;
  const uint64_t bytes_all_;
  const Waiter& waiter_;
  base::Diagnostics& diagnostics_;
  size_t next_ = 0;  // the input that is read now, or is to be opened next
  std::unique_ptr<Source> current_;
  base::UniqueFd read_fd_;  // a file that is read now
  ReadFiles read_files_;
  base::Instant next_look_{};
  bool cut_short_ = false;
  base::Result<void> ending_;
  uint64_t bytes_of_earlier_ = 0;
};

}  // namespace

base::Result<InputSizes> check_inputs(const std::vector<Endpoint>& inputs,
                                      const SourceOptions& options) {
  InputSizes sizes;
  sizes.all_regular = sizes.known = options.follow == nullptr;
  for (const Endpoint& input : inputs) {
    const bool followed = options.follow != nullptr && &input == &inputs.back();
    if (input.kind == Endpoint::Kind::kTopic) {
      return base::fail(fmt::format("kafka:{}: this build cannot read topics", input.name));
    }
    if (followed && input.kind == Endpoint::Kind::kStdio) {
      return base::fail("stdin cannot be followed: it is read until it ends");
    }
    if (followed && ::access(input.name.c_str(), F_OK) != 0 && errno == ENOENT) continue;
    if (input.kind == Endpoint::Kind::kStdio) {
      add_stdin(sizes);
    } else if (base::Result<void> checked = check_readable(input.name, sizes); !checked) {
      return base::fail(checked.error());
    }
  }
  return sizes;
}

std::unique_ptr<Source> open_checked(const std::vector<Endpoint>& inputs,
                                     const SourceOptions& options, const InputSizes& sizes,
                                     const Waiter& waiter, base::Diagnostics& diagnostics) {
  return std::make_unique<InputsInTurn>(inputs, options, sizes.known ? sizes.bytes : 0, waiter,
                                        diagnostics);
}

base::Result<std::unique_ptr<Source>> open_source(const std::vector<Endpoint>& inputs,
                                                  const SourceOptions& options,
                                                  const Waiter& waiter,
                                                  base::Diagnostics& diagnostics) {
  const base::Result<InputSizes> sizes = check_inputs(inputs, options);
  if (!sizes) return base::fail(sizes.error());
  return open_checked(inputs, options, *sizes, waiter, diagnostics);
}

}  // namespace paystats::io
