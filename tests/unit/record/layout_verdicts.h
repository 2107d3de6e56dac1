// What becomes of each line of a block, and that it is the same by the learned layouts and by the
// general path.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "record/decoder.h"
#include "unit/record/decode_support.h"

namespace paystats::record {

// What each line became, bad ones by their flaw and their text.
struct Verdicts {
  std::vector<std::pair<uint32_t, Decoded>> rows;
  std::vector<std::pair<uint32_t, std::string>> rejected;
  uint64_t lines = 0;

  friend bool operator==(const Verdicts&, const Verdicts&) = default;
};

inline Verdicts judge(DecodePath path, std::string_view block) {
  LineDecoder<Payment> decoder(FieldNames{}, path);
  DecodedLines<Payment> lines;
  Verdicts all;
  while (!block.empty()) {
    block.remove_prefix(decoder.decode(block, lines));
    const auto number = [&](uint32_t line) { return static_cast<uint32_t>(all.lines) + line; };
    for (const auto& row : lines.rows) all.rows.emplace_back(number(row.line), keep(row.record));
    for (const auto& bad : lines.rejected) {
      all.rejected.emplace_back(number(bad.line),
                                describe(bad.flaw, {}) + ": " + std::string(bad.text));
    }
    all.lines += lines.lines;
  }
  return all;
}

// In memory of exactly the block's size, so that a sanitizer sees what is read beyond it.
inline void expect_same(const std::string& block) {
  const auto exact = std::make_unique<char[]>(block.size());
  std::copy(block.begin(), block.end(), exact.get());
  const std::string_view bytes(exact.get(), block.size());
  const Verdicts fast = judge(DecodePath::kFastFirst, bytes);
  const Verdicts general = judge(DecodePath::kGeneral, bytes);
  ASSERT_EQ(fast.rows, general.rows) << block;
  ASSERT_EQ(fast.rejected, general.rejected) << block;
  ASSERT_EQ(fast.lines, general.lines) << block;
}

}  // namespace paystats::record
