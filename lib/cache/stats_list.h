// A list of stats as it is printed: lines for programs, a table for people. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "protocol/answer.h"

namespace paystats::cache {

// {"user":"edgar","sum":7.00,"count":7} for each row.
std::string stats_lines(std::span<const protocol::RankedStats> rows);

// rank, user, sum and count in columns, the first line saying which. Names pass through
// printable(), and one that is too wide is cut. Each line ends in `line_end`.
std::string stats_table(std::span<const protocol::RankedStats> rows,
                        std::string_view line_end = "\n");

// Columns that `text` takes on a terminal: 2 for a wide character (CJK, emoji), 0 for a combining
// one. An estimate by blocks of Unicode: terminals differ about the rest.
size_t display_columns(std::string_view text);

}  // namespace paystats::cache
