#include "io/line_splitter.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "record/newlines.h"
#include "record/payment.h"

namespace paystats {
namespace {

// A line that may still turn out to be short enough, and one read behind it.
constexpr size_t kBufferBytes = kLineBytesMax + LineSplitter::kReadBytes;
// So that a line that lies within one read is never too long.
static_assert(LineSplitter::kReadBytes <= kLineBytesMax);

}  // namespace

LineSplitter::LineSplitter(std::string source)
    : source_(std::move(source)), buffer_(std::make_unique_for_overwrite<char[]>(kBufferBytes)) {}

char* LineSplitter::space() {
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    scanned_ -= begin_;
    begin_ = 0;
  }
  assert(end_ + kReadBytes <= kBufferBytes);
  return buffer_.get() + end_;
}

void LineSplitter::add(size_t n) {
  assert(n <= kReadBytes && end_ + n <= kBufferBytes);
  end_ += n;
}

bool LineSplitter::next(Block& out) {
  if (long_bytes_ != 0) return skip_long_line(out);
  if (scanned_ == end_) return false;
  const char* const buffer = buffer_.get();

  if (end_ - begin_ > kLineBytesMax) {  // only the line at begin_ can be the long one
    const void* newline = std::memchr(buffer + scanned_, '\n', end_ - scanned_);
    if (newline == nullptr) {
      long_bytes_ = end_ - begin_;
      end_ = scanned_ = begin_ + kRejectRecordBytesMax;
      return false;
    }
    const auto at = static_cast<size_t>(static_cast<const char*>(newline) - buffer);
    if (at - begin_ > kLineBytesMax) return yield_long_line(at - begin_, at + 1, out);
  }

  const void* newline = ::memrchr(buffer + scanned_, '\n', end_ - scanned_);
  scanned_ = end_;
  if (newline == nullptr) return false;
  return yield_lines(static_cast<size_t>(static_cast<const char*>(newline) - buffer) + 1, out);
}

bool LineSplitter::last(Block& out) {
  if (long_bytes_ != 0) return yield_long_line(long_bytes_, end_, out);
  if (begin_ == end_) return false;
  scanned_ = end_;
  return yield_lines(end_, out);
}

void LineSplitter::drop_rest() {
  begin_ = scanned_ = end_;
  long_bytes_ = 0;
}

bool LineSplitter::yield_lines(size_t end, Block& out) {
  out = Block{{buffer_.get() + begin_, end - begin_}, source_, line_, 0};
  line_ += count_newlines(out.bytes);
  begin_ = end;
  return true;
}

bool LineSplitter::yield_long_line(size_t bytes, size_t next_begin, Block& out) {
  out = Block{{buffer_.get() + begin_, kRejectRecordBytesMax}, source_, line_, bytes};
  ++line_;
  long_bytes_ = 0;
  begin_ = scanned_ = next_begin;
  return true;
}

bool LineSplitter::skip_long_line(Block& out) {
  const char* const buffer = buffer_.get();
  const void* newline = std::memchr(buffer + scanned_, '\n', end_ - scanned_);
  if (newline == nullptr) {
    long_bytes_ += end_ - scanned_;
    end_ = scanned_;
    return false;
  }
  const auto at = static_cast<size_t>(static_cast<const char*>(newline) - buffer);
  return yield_long_line(long_bytes_ + (at - scanned_), at + 1, out);
}

}  // namespace paystats
