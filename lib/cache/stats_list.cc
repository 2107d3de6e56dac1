#include "cache/stats_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <vector>

#include "base/terminal_text.h"
#include "base/utf8.h"
#include "money/decimal.h"
#include "record/encoder.h"

namespace paystats::cache {
namespace {

constexpr size_t kUserColumnsMax = 40;
constexpr std::string_view kCutMark = "…";

struct CodeRange {
  uint32_t first;
  uint32_t last;
};

constexpr std::array kWide = {
    CodeRange{0x1100, 0x115F},   CodeRange{0x2E80, 0x303E},   CodeRange{0x3041, 0xA4CF},
    CodeRange{0xA960, 0xA97F},   CodeRange{0xAC00, 0xD7A3},   CodeRange{0xF900, 0xFAFF},
    CodeRange{0xFE30, 0xFE6F},   CodeRange{0xFF00, 0xFF60},   CodeRange{0xFFE0, 0xFFE6},
    CodeRange{0x1F300, 0x1F64F}, CodeRange{0x1F680, 0x1F6FF}, CodeRange{0x1F900, 0x1F9FF},
    CodeRange{0x20000, 0x3FFFD},
};
constexpr std::array kCombining = {
    CodeRange{0x0300, 0x036F}, CodeRange{0x0483, 0x0489}, CodeRange{0x0591, 0x05BD},
    CodeRange{0x064B, 0x065F}, CodeRange{0x1AB0, 0x1AFF}, CodeRange{0x1DC0, 0x1DFF},
    CodeRange{0x200B, 0x200F}, CodeRange{0x20D0, 0x20FF}, CodeRange{0xFE00, 0xFE0F},
    CodeRange{0xFE20, 0xFE2F},
};

template <size_t kSize>
bool is_in(const std::array<CodeRange, kSize>& ranges, uint32_t code_point) {
  return std::ranges::any_of(ranges, [code_point](const CodeRange& range) {
    return code_point >= range.first && code_point <= range.last;
  });
}

size_t columns_of(uint32_t code_point) {
  if (is_in(kCombining, code_point)) return 0;
  return is_in(kWide, code_point) ? 2 : 1;
}

// The user as it is shown: harmless, and no wider than its column may be.
std::string shown(std::string_view user) {
  std::string text = base::printable(user);
  if (display_columns(text) <= kUserColumnsMax) return text;
  size_t columns = display_columns(kCutMark);
  size_t end = 0;
  while (end < text.size()) {
    const base::Utf8Char c = base::decode_utf8(std::string_view(text).substr(end));
    columns += columns_of(c.code_point);
    if (columns > kUserColumnsMax) break;
    end += c.bytes;
  }
  return text.substr(0, end).append(kCutMark);
}

}  // namespace

size_t display_columns(std::string_view text) {
  size_t columns = 0;
  while (!text.empty()) {
    const base::Utf8Char c = base::decode_utf8(text);
    columns += c.bytes == 0 ? 1 : columns_of(c.code_point);
    text.remove_prefix(std::max<size_t>(c.bytes, 1));
  }
  return columns;
}

std::string stats_lines(std::span<const protocol::RankedStats> rows) {
  std::string out;
  for (const protocol::RankedStats& row : rows) {
    record::append_stats(out, {.user = row.user, .sum = row.sum, .count = row.count, .at = {}});
  }
  return out;
}

std::string stats_table(std::span<const protocol::RankedStats> rows, std::string_view line_end) {
  using Line = std::array<std::string, 4>;  // rank, user, sum, count
  std::vector<Line> lines = {{"RANK", "USER", "SUM", "COUNT"}};
  for (const protocol::RankedStats& row : rows) {
    lines.push_back({std::to_string(row.rank), shown(row.user), money::to_string(row.sum),
                     std::to_string(row.count)});
  }
  std::array<size_t, 4> widths = {};
  for (const Line& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) {
      widths[i] = std::max(widths[i], display_columns(line[i]));
    }
  }
  std::string out;
  for (const Line& line : lines) {
    const size_t filled = widths[1] - display_columns(line[1]);
    fmt::format_to(std::back_inserter(out), "{:>{}}  {}{:{}}  {:>{}}  {:>{}}{}", line[0], widths[0],
                   line[1], "", filled, line[2], widths[2], line[3], widths[3], line_end);
  }
  return out;
}

}  // namespace paystats::cache
