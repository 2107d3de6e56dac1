#include "io/log_tail.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "io/fd_io.h"
#include "record/decoder.h"

namespace paystats::io {
namespace {

// Mostly the answer lies in the last few bytes; behind a killed writer of a large batch it does
// not.
constexpr size_t kFirstChunkBytes = 4 << 10;
constexpr size_t kLargestChunkBytes = 256 << 10;

// The line that ends in the newline at `newline` and begins at `begin`.
struct Marks {
  bool front = false;  // it begins with a space
  bool back = false;   // it ends in one: it is marked
  bool both() const { return front && back; }
};

base::Result<Marks> marks_of(BackwardReader& reader, uint64_t begin, uint64_t newline) {
  if (newline == begin) return Marks{};
  const base::Result<char> first = reader.at(begin);
  if (!first) return base::fail(first.error());
  const base::Result<char> last = reader.at(newline - 1);
  if (!last) return base::fail(last.error());
  return Marks{*first == ' ' && newline - begin > 1, *last == ' '};
}

// The beginning of the line whose newline is at `newline`.
base::Result<uint64_t> line_begin(BackwardReader& reader, uint64_t newline) {
  const auto before = reader.newline_before(newline);
  if (!before) return base::fail(before.error());
  return before->has_value() ? **before + 1 : 0;
}

// `end` lies behind a newline, or is 0. Walks back over the lines that are marked: by the space at
// their end alone, or by both.
base::Result<uint64_t> skip_marked(BackwardReader& reader, uint64_t end, bool both) {
  while (end > 0) {
    if (!both) {
      // By far the commonest case needs no look at the beginning of the line.
      const base::Result<char> before = end > 1 ? reader.at(end - 2) : base::Result<char>('\n');
      if (!before) return base::fail(before.error());
      if (*before != ' ') return end;
    }
    base::Result<uint64_t> begin = line_begin(reader, end - 1);
    if (!begin) return begin;
    const base::Result<Marks> marks = marks_of(reader, *begin, end - 1);
    if (!marks) return base::fail(marks.error());
    if (!(both ? marks->both() : marks->back)) return end;
    end = *begin;
  }
  return end;
}

// What stands behind the last newline.
struct TornLine {
  uint64_t begin = 0;       // where it begins: the end of the whole lines
  uint64_t bytes = 0;       // 0: there is none
  bool front = false;       // it begins with a space
  bool is_payment = false;  // it lacks nothing but its newline
  bool too_long = false;
  Marks before;  // of the line before it
};

base::Result<TornLine> examine_torn_line(BackwardReader& reader, int fd, uint64_t size,
                                         std::string_view name) {
  TornLine torn;
  // No further than a line may be long: a huge file without newlines is not one of ours.
  const uint64_t from = size > record::kLineBytesMax + 1 ? size - record::kLineBytesMax - 1 : 0;
  const auto newline = reader.newline_before(size, from);
  if (!newline) return base::fail(newline.error());
  torn.begin = newline->has_value() ? **newline + 1 : 0;
  torn.bytes = size - torn.begin;
  if (torn.bytes == 0) return torn;

  if (newline->has_value()) {
    const base::Result<uint64_t> begin = line_begin(reader, **newline);
    if (!begin) return base::fail(begin.error());
    const base::Result<Marks> before = marks_of(reader, *begin, **newline);
    if (!before) return base::fail(before.error());
    torn.before = *before;
  }
  torn.too_long = torn.bytes > record::kLineBytesMax;
  if (torn.too_long) return torn;

  std::string text(torn.bytes, '\0');
  const base::Result<size_t> n = read_at(fd, torn.begin, text.data(), text.size(), name);
  if (!n) return base::fail(n.error());
  torn.front = text.front() == ' ';
  record::Payment payment;
  // A line that ends in a space would be a marked one with a newline, so it lacks more than that.
  torn.is_payment =
      !torn.front && text.back() != ' ' &&
      record::LineDecoder<record::Payment>(record::FieldNames{}).decode_one(text, payment) ==
          record::Flaw::kNone;
  return torn;
}

base::Result<uint64_t> count_lines(int fd, uint64_t begin, uint64_t end, std::string_view name) {
  std::string chunk(kLargestChunkBytes, '\0');
  uint64_t lines = 0;
  bool torn = false;
  while (begin < end) {
    const size_t wanted = std::min<uint64_t>(chunk.size(), end - begin);
    const base::Result<size_t> n = read_at(fd, begin, chunk.data(), wanted, name);
    if (!n) return base::fail(n.error());
    if (*n == 0) break;
    lines += static_cast<uint64_t>(std::count(chunk.data(), chunk.data() + *n, '\n'));
    torn = chunk[*n - 1] != '\n';
    begin += *n;
  }
  return lines + (torn ? 1 : 0);
}

}  // namespace

BackwardReader::BackwardReader(int fd, uint64_t size, std::string_view name)
    : fd_(fd), size_(size), name_(name), chunk_bytes_next_(kFirstChunkBytes) {}

// Loads a chunk that ends at `end`, or a little later.
base::Result<void> BackwardReader::load(uint64_t end) {
  const uint64_t begin = end > chunk_bytes_next_ ? end - chunk_bytes_next_ : 0;
  chunk_.resize(end - begin);
  chunk_begin_ = begin;
  chunk_bytes_next_ = std::min(chunk_bytes_next_ * 8, kLargestChunkBytes);
  const base::Result<size_t> n = read_at(fd_, begin, chunk_.data(), chunk_.size(), name_);
  if (!n) return base::fail(n.error());
  if (*n != chunk_.size()) return base::fail(fmt::format("{}: shrank while it was read", name_));
  return {};
}

base::Result<char> BackwardReader::at(uint64_t position) {
  assert(position < size_);
  if (position < chunk_begin_ || position >= chunk_begin_ + chunk_.size()) {
    const base::Result<void> loaded = load(position + 1);
    if (!loaded) return base::fail(loaded.error());
  }
  return chunk_[position - chunk_begin_];
}

base::Result<std::optional<uint64_t>> BackwardReader::newline_before(uint64_t end, uint64_t from) {
  while (end > from) {
    const base::Result<char> loaded = at(end - 1);
    if (!loaded) return base::fail(loaded.error());
    const std::string_view known(chunk_.data(), end - chunk_begin_);
    const size_t newline = known.rfind('\n');
    if (newline != known.npos) {
      const uint64_t at = chunk_begin_ + newline;
      return at >= from ? std::optional<uint64_t>(at) : std::optional<uint64_t>();
    }
    end = chunk_begin_;
  }
  return std::optional<uint64_t>();
}

base::Result<LogTail> examine_log_tail(int fd, uint64_t size, std::string_view name) {
  BackwardReader reader(fd, size, name);
  const base::Result<TornLine> torn = examine_torn_line(reader, fd, size, name);
  if (!torn) return base::fail(torn.error());
  if (torn->too_long) {
    return base::fail(
        fmt::format("{}: not a file of payments: its last line is over {} bytes and has no "
                    "newline",
                    name, record::kLineBytesMax));
  }
  const base::Result<uint64_t> applied = skip_marked(reader, torn->begin, false);
  if (!applied) return base::fail(applied.error());
  // Behind a marked line without a space in front a torn line may be a marked one cut in its mark.
  const bool closes_what_is_before = !torn->before.back || torn->before.front;
  return LogTail{*applied, torn->is_payment && closes_what_is_before};
}

base::Result<uint64_t> end_of_unmarked_lines(int fd, uint64_t from, uint64_t size,
                                             std::string_view name) {
  BackwardReader reader(fd, size, name);
  uint64_t end = size;
  while (end > from) {
    const auto newline = reader.newline_before(end, from);
    if (!newline) return base::fail(newline.error());
    if (!newline->has_value()) return from;
    if (**newline == 0) return uint64_t{1};
    const base::Result<char> before = reader.at(**newline - 1);
    if (!before) return base::fail(before.error());
    if (*before != ' ') return **newline + 1;
    end = **newline;
  }
  return from;
}

base::Result<PlainEnd> find_plain_end(int fd, uint64_t size, std::string_view name) {
  BackwardReader reader(fd, size, name);
  const base::Result<TornLine> torn = examine_torn_line(reader, fd, size, name);
  if (!torn) return base::fail(torn.error());
  const bool torn_is_of_a_group =
      torn->bytes > 0 && !torn->is_payment && (torn->front || torn->before.both());
  if (torn->bytes > 0 && !torn_is_of_a_group) return PlainEnd{size, 0};

  const base::Result<uint64_t> end = skip_marked(reader, torn->begin, true);
  if (!end) return base::fail(end.error());
  if (*end == size) return PlainEnd{size, 0};
  const base::Result<uint64_t> lines = count_lines(fd, *end, size, name);
  if (!lines) return base::fail(lines.error());
  return PlainEnd{*end, *lines};
}

}  // namespace paystats::io
