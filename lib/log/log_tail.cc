#include "log/log_tail.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/utf8.h"
#include "io/fd_io.h"
#include "record/json_scanner.h"
#include "record/payment.h"

namespace paystats::log {
namespace {

// Mostly the answer lies in the last few bytes.
constexpr size_t kFirstChunkBytes = 4 << 10;
constexpr size_t kLargestChunkBytes = 256 << 10;

bool is_whole_json(std::string_view text) {
  record::JsonScanner scanner(text);
  scanner.skip_white();
  if (scanner.peek() != '{' && scanner.peek() != '[') return false;
  record::JsonToken token;
  if (!scanner.read_value(token, 0)) return false;
  scanner.skip_white();
  return scanner.at_end();
}

}  // namespace

base::Result<uint64_t> whole_lines_end(int fd, uint64_t from, uint64_t size,
                                       std::string_view name) {
  std::string chunk;
  size_t bytes = kFirstChunkBytes;
  while (size > from) {
    chunk.resize(std::min<uint64_t>(bytes, size - from));
    const uint64_t begin = size - chunk.size();
    const base::Result<size_t> n = io::read_at(fd, begin, chunk.data(), chunk.size(), name);
    if (!n) return base::fail(n.error());
    if (*n != chunk.size()) return base::fail(fmt::format("{}: shrank while it was read", name));
    if (const size_t newline = chunk.rfind('\n'); newline != chunk.npos) return begin + newline + 1;
    size = begin;
    bytes = std::min(bytes * 8, kLargestChunkBytes);
  }
  return from;
}

base::Result<LogTail> examine_log_tail(int fd, uint64_t size, std::string_view name) {
  const base::Result<uint64_t> whole = whole_lines_end(fd, 0, size, name);
  if (!whole) return base::fail(whole.error());
  LogTail tail{.whole_bytes = *whole};
  if (*whole == size || size - *whole > record::kLineBytesMax) return tail;
  std::string text(size - *whole, '\0');
  const base::Result<size_t> n = io::read_at(fd, *whole, text.data(), text.size(), name);
  if (!n) return base::fail(n.error());
  std::string_view json = text;
  if (*whole == 0 && json.starts_with(base::kByteOrderMark))
    json.remove_prefix(base::kByteOrderMark.size());
  tail.lacks_newline = *n == text.size() && is_whole_json(json);
  return tail;
}

}  // namespace paystats::log
