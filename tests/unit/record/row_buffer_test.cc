#include "record/row_buffer.h"

#include <gtest/gtest.h>

#include <span>
#include <utility>

namespace paystats::record {
namespace {

TEST(RowBuffer, HoldsWhatIsKeptInItsOrder) {
  RowBuffer<int> rows;
  rows.reserve(3);
  rows.push_back(1);
  rows.next() = 7;  // not kept, so the next one takes its place
  rows.next() = 2;
  rows.keep();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0], 1);
  EXPECT_EQ(rows[1], 2);
  const std::span<const int> seen(rows);
  EXPECT_EQ(seen.back(), 2);
}

TEST(RowBuffer, KeepsItsPlacesWhenItIsCleared) {
  RowBuffer<int> rows;
  rows.reserve(8);
  rows.push_back(1);
  const int* const place = rows.data();
  rows.clear();
  EXPECT_TRUE(rows.empty());
  rows.reserve(8);
  rows.push_back(2);
  EXPECT_EQ(rows.data(), place);
  EXPECT_EQ(*rows.begin(), 2);
}

TEST(RowBuffer, ThatIsMovedFromIsEmptyAndMayBeUsedAgain) {
  RowBuffer<int> rows;
  rows.reserve(1);
  rows.push_back(1);
  const RowBuffer<int> moved = std::move(rows);
  EXPECT_EQ(moved[0], 1);
  EXPECT_TRUE(rows.empty());
  rows.reserve(1);
  rows.push_back(2);
  EXPECT_EQ(rows[0], 2);
  EXPECT_EQ(moved[0], 1);
}

}  // namespace
}  // namespace paystats::record
