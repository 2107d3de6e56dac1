#include "stream/segments.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <string_view>
#include <utility>

#include "io/fd_io.h"

namespace paystats::stream {
namespace {

// How much is read at once to find the end of a line that goes on behind its segment.
constexpr uint64_t kTailReadBytes = 16 << 10;

std::string_view shown_name(std::string_view source) {
  return source == "-" ? "stdin" : source;
}

}  // namespace

SegmentQueue::SegmentQueue(std::vector<io::Endpoint> inputs, uint64_t segment_bytes,
                           const io::Waiter& waiter, base::Diagnostics& diagnostics)
    : inputs_(std::move(inputs)),
      segment_bytes_(segment_bytes),
      waiter_(waiter),
      diagnostics_(diagnostics) {
  assert(segment_bytes > 0);
}

base::Result<std::optional<Segment>> SegmentQueue::claim() {
  const base::MutexLock lock(mutex_);
  while (!closed_) {
    const bool more_of_file = file_ && offset_ < file_->extent.end;
    if (!more_of_file && next_input_ == inputs_.size()) break;
    if (waiter_.stop().requested()) {
      cut_short_ = closed_ = true;
      break;
    }
    if (more_of_file) {
      const uint64_t begin = offset_;
      offset_ = std::min(begin + segment_bytes_, file_->extent.end);
      return Segment{.file = file_,
                     .number = number_++,
                     .begin = begin,
                     .end = offset_,
                     .begins_file = begin == file_->extent.begin};
    }
    const base::Result<void> opened = open_next();
    if (!opened) return base::fail(opened.error());
  }
  return std::optional<Segment>();
}

base::Result<void> SegmentQueue::open_next() {
  const io::Endpoint& input = inputs_[next_input_];
  auto file = std::make_shared<SegmentFile>();
  file->source = input.kind == io::Endpoint::Kind::kStdio ? "-" : input.name;
  const std::string_view name = shown_name(file->source);
  if (input.kind == io::Endpoint::Kind::kStdio) {
    file->fd = STDIN_FILENO;
  } else {
    base::Result<base::UniqueFd> opened =
        base::open_file(input.name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!opened) return base::fail(opened.error());
    file->owner = std::move(*opened);
    file->fd = file->owner.get();
  }
  if (base::fd_type(file->fd) != base::FdType::kRegular)
    return base::fail(fmt::format("{}: was replaced", name));
  const base::Result<io::Wake> wake =
      io::measure_file(file->fd, name, waiter_, io::kForever, diagnostics_, file->extent);
  if (!wake) return base::fail(wake.error());
  if (*wake != io::Wake::kReady) return {};  // a stop signal, which claim() sees
  // Another process that shares this descriptor finds it where a reader would have left it.
  const uint64_t left_at = std::max(file->extent.begin, file->extent.end);
  if (file->fd == STDIN_FILENO) {
    stdin_began_ = file->extent.begin;
    ::lseek(file->fd, static_cast<off_t>(left_at), SEEK_SET);
  }
  ++next_input_;
  offset_ = file->extent.begin;
  file_ = std::move(file);
  return {};
}

void SegmentQueue::close() {
  const base::MutexLock lock(mutex_);
  closed_ = true;
}

void SegmentQueue::rewind_stdin() {
  const base::MutexLock lock(mutex_);
  if (stdin_began_) ::lseek(STDIN_FILENO, static_cast<off_t>(*stdin_began_), SEEK_SET);
}

bool SegmentQueue::cut_short() const {
  const base::MutexLock lock(mutex_);
  return cut_short_;
}

std::optional<SegmentFigures> SegmentOrder::wait_turn(const Segment& segment) {
  base::MutexLock lock(mutex_);
  while (!closed_ && turn_ != segment.number) changed_.wait(lock);
  if (closed_) return std::nullopt;
  return SegmentFigures{segment.begins_file ? 0 : before_.lines, before_.bound};
}

bool SegmentOrder::post(const Segment& segment, const SegmentFigures& figures) {
  const base::MutexLock lock(mutex_);
  ahead_[segment.number] = {figures, segment.begins_file};
  for (auto it = ahead_.begin(); it != ahead_.end() && it->first == turn_; it = ahead_.erase(it)) {
    const auto& [figures_of_turn, begins_file] = it->second;
    before_.lines = (begins_file ? 0 : before_.lines) + figures_of_turn.lines;
    before_.bound.add(figures_of_turn.bound);
    ++turn_;
  }
  if (!before_.bound.fits()) closed_ = true;
  changed_.notify_all();
  return before_.bound.fits();
}

void SegmentOrder::close() {
  const base::MutexLock lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

void SegmentReader::begin(const Segment& segment) {
  segment_ = segment;
  lines_.restart(segment.file->source);
  // From the byte before on: if that is a newline, the first line begins with the segment. It is
  // read with all of its page: see LineSplitter::space().
  in_first_ = !segment.begins_file;
  offset_ = segment.begin;
  if (in_first_) offset_ -= 1 + (offset_ - 1) % io::LineSplitter::kPageBytes;
  done_ = false;
}

base::Result<bool> SegmentReader::next(io::Block& out) {
  for (;;) {
    if (lines_.next(out)) return true;
    if (done_) return lines_.last(out);
    if (base::Result<void> filled = fill(); !filled) return base::fail(filled.error());
  }
}

base::Result<void> SegmentReader::fill() {
  const SegmentFile& file = *segment_.file;
  const bool in_tail = offset_ >= segment_.end;
  // Up to the end of a page: see LineSplitter::space().
  const uint64_t most = io::LineSplitter::kReadBytes - offset_ % io::LineSplitter::kPageBytes;
  const uint64_t wanted = in_tail ? std::min(kTailReadBytes, file.extent.end - offset_)
                                  : std::min(most, segment_.end - offset_);
  if (wanted == 0) {  // the end of the file
    done_ = true;
    return {};
  }
  char* const space = lines_.space();
  const std::string_view name = shown_name(file.source);
  const base::Result<size_t> n = io::read_at(file.fd, offset_, space, wanted, name);
  if (!n) return base::fail(n.error());
  if (*n != wanted) return base::fail(fmt::format("{}: shrank while it was read", name));
  offset_ += wanted;

  size_t begin = 0;
  size_t end = wanted;
  if (in_first_) {
    const uint64_t first = offset_ - wanted;  // of what has been read
    const size_t from = std::max(segment_.begin - 1, first) - first;
    const void* newline = std::memchr(space + from, '\n', wanted - from);
    if (newline == nullptr) {
      done_ = offset_ == segment_.end;  // no line begins here
      return {};
    }
    in_first_ = false;
    begin = static_cast<size_t>(static_cast<const char*>(newline) - space) + 1;
  }
  if (in_tail) {
    const void* newline = std::memchr(space, '\n', wanted);
    done_ = newline != nullptr;
    if (done_) end = static_cast<size_t>(static_cast<const char*>(newline) - space) + 1;
  } else {
    done_ = offset_ == segment_.end && space[wanted - 1] == '\n';
  }
  lines_.add(end, begin);
  return {};
}

}  // namespace paystats::stream
