#include "io/line_splitter.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/utf8.h"
#include "record/payment.h"

namespace paystats::io {
namespace {

// A line that may still turn out to be short enough, behind what aligns its end, and one read.
constexpr size_t kBufferBytes =
    LineSplitter::kPageBytes + record::kLineBytesMax + LineSplitter::kReadBytes;
// So there is room for a mark as well: see space().
static_assert(record::kLineBytesMax % LineSplitter::kPageBytes == 0);
// So that a line that lies within one read is never too long.
static_assert(LineSplitter::kReadBytes <= record::kLineBytesMax);

}  // namespace

LineSplitter::LineSplitter(std::string source)
    : source_(std::move(source)),
      pages_(std::make_unique_for_overwrite<Page[]>(kBufferBytes / sizeof(Page))) {}

void LineSplitter::restart(std::string source) {
  source_ = std::move(source);
  begin_ = scanned_ = end_ = 0;
  begins_input_ = true;
  long_bytes_ = 0;
}

// Files come in pages, and a copy from the beginning of a page to a place just behind the beginning
// of another takes twice the time: the processor takes each load for one of what was stored last,
// since their addresses are alike in the bits that it compares. So what is left is moved in front
// of a page, and the next bytes go to its beginning.
char* LineSplitter::space() {
  if (begin_ >= kPageBytes || begin_ == end_) {
    const size_t left = end_ - begin_;
    const size_t end = (left + kPageBytes - 1) / kPageBytes * kPageBytes;
    std::memmove(buffer() + end - left, buffer() + begin_, left);
    scanned_ = scanned_ - begin_ + end - left;
    begin_ = end - left;
    end_ = end;
  }
  assert(end_ + kReadBytes <= kBufferBytes);
  return buffer() + end_;
}

void LineSplitter::add(size_t n, size_t skipped) {
  assert(n <= kReadBytes && end_ + n <= kBufferBytes);
  assert(skipped == 0 || begin_ == end_);
  begin_ += skipped;
  scanned_ += skipped;
  end_ += n;
}

bool LineSplitter::next(Block& out) {
  if (long_bytes_ != 0) return skip_long_line(out);
  if (scanned_ == end_) return false;
  const char* const buffer = this->buffer();

  const size_t bytes_max = record::kLineBytesMax + mark_bytes();
  if (end_ - begin_ > bytes_max) {  // only the line at begin_ can be the long one
    const void* newline = std::memchr(buffer + scanned_, '\n', end_ - scanned_);
    if (newline == nullptr) {
      long_bytes_ = end_ - begin_;
      end_ = scanned_ = begin_ + record::kRejectRecordBytesMax;
      return false;
    }
    const auto at = static_cast<size_t>(static_cast<const char*>(newline) - buffer);
    if (at - begin_ > bytes_max) return yield_long_line(at - begin_, at + 1, out);
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

// The mark in front of an input is no part of its first line, which may be as long as any other.
size_t LineSplitter::mark_bytes() const {
  const std::string_view line(buffer() + begin_, end_ - begin_);
  return begins_input_ && line.starts_with(base::kByteOrderMark) ? base::kByteOrderMark.size() : 0;
}

bool LineSplitter::yield_lines(size_t end, Block& out) {
  out = Block{{buffer() + begin_, end - begin_}, source_, std::exchange(begins_input_, false), 0};
  begin_ = end;
  return true;
}

bool LineSplitter::yield_long_line(size_t bytes, size_t next_begin, Block& out) {
  out = Block{{buffer() + begin_, record::kRejectRecordBytesMax},
              source_,
              std::exchange(begins_input_, false),
              bytes};
  long_bytes_ = 0;
  begin_ = scanned_ = next_begin;
  return true;
}

bool LineSplitter::skip_long_line(Block& out) {
  const char* const buffer = this->buffer();
  const void* newline = std::memchr(buffer + scanned_, '\n', end_ - scanned_);
  if (newline == nullptr) {
    long_bytes_ += end_ - scanned_;
    end_ = scanned_;
    return false;
  }
  const auto at = static_cast<size_t>(static_cast<const char*>(newline) - buffer);
  return yield_long_line(long_bytes_ + (at - scanned_), at + 1, out);
}

}  // namespace paystats::io
