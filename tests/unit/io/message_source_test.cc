#include "io/message_source.h"

#include <gtest/gtest.h>

namespace paystats::io {
namespace {

TEST(MemoryMessageSource, GivesBlocksInOrderAndThenTheEnd) {
  const auto source = memory_message_source({{.key = "a", .value = "1", .at = {0, 0}},
                                             {.key = "b", .value = {}, .at = {1, 0}},
                                             {.key = "c", .value = "3", .at = {0, 1}}},
                                            2, "payments");
  EXPECT_EQ(source->messages_at_start(), 3U);
  MessageBlock block;
  ASSERT_EQ(source->read(block, base::Instant::min()).value_or(ReadStatus::kEnd),
            ReadStatus::kBlock);
  ASSERT_EQ(block.messages.size(), 2U);
  EXPECT_EQ(block.source, "payments");
  EXPECT_EQ(block.messages[0].value, "1");
  EXPECT_FALSE(block.messages[1].value);
  EXPECT_FALSE(source->caught_up());
  ASSERT_EQ(source->read(block, base::Instant::min()).value_or(ReadStatus::kEnd),
            ReadStatus::kBlock);
  EXPECT_EQ(block.messages[0].at, (record::SourceOffset{0, 1}));
  EXPECT_TRUE(source->caught_up());
  EXPECT_EQ(source->read(block, base::Instant::min()).value_or(ReadStatus::kBlock),
            ReadStatus::kEnd);
  EXPECT_EQ(source->messages_read(), 3U);
}

}  // namespace
}  // namespace paystats::io
