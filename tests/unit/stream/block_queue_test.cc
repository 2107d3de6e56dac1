#include "stream/block_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <utility>

#include "unit/io/support.h"

namespace paystats::stream {
namespace {

io::Block block_of(std::string_view bytes, std::string_view source = "-", bool begins = false) {
  return {.bytes = bytes, .source = source, .begins_input = begins, .long_line_bytes = 0};
}

TEST(BlockQueue, ItemsAreNumberedInTheirOrderAndKeepWhatTheyWere) {
  BlockQueue queue(3);
  std::string bytes = "one\n";
  ASSERT_TRUE(queue.put(block_of(bytes, "a", true)));
  bytes = "two\n";  // the source uses its buffer again
  ASSERT_TRUE(queue.put(block_of(bytes, "b")));
  queue.finish();
  const auto one = queue.take();
  const auto two = queue.take();
  EXPECT_EQ(one->number, 0U);
  EXPECT_EQ(one->block().bytes, "one\n");
  EXPECT_EQ(one->block().source, "a");
  EXPECT_TRUE(one->block().begins_input);
  EXPECT_EQ(two->number, 1U);
  EXPECT_EQ(two->block().bytes, "two\n");
  EXPECT_FALSE(two->block().begins_input);
  EXPECT_EQ(two->block().source, "b");
  EXPECT_FALSE(queue.take());
}

TEST(BlockQueue, AReaderThatIsAheadWaitsForABuffer) {
  BlockQueue queue(2);
  ASSERT_TRUE(queue.put(block_of("1\n")));
  ASSERT_TRUE(queue.put(block_of("2\n")));
  auto item = queue.take();
  std::atomic<pid_t> reader_id{0};
  std::atomic<bool> put{false};
  std::thread reader([&] {
    reader_id = ::gettid();
    EXPECT_TRUE(queue.put(block_of("3\n")));
    put = true;
  });
  EXPECT_TRUE(eventually([&] { return put || (reader_id != 0 && io::sleeps(reader_id)); }));
  EXPECT_FALSE(put) << "taken, but still in use";
  queue.give_back(std::move(*item));
  EXPECT_TRUE(eventually([&] { return put.load(); }));
  reader.join();
}

TEST(BlockQueue, WhoGivesBackTheLastItemOfARestingReaderIsTold) {
  BlockQueue queue(2);
  EXPECT_TRUE(queue.reader_rests());
  ASSERT_TRUE(queue.put(block_of("1\n")));
  auto item = queue.take();
  EXPECT_FALSE(queue.reader_rests());
  EXPECT_TRUE(queue.give_back(std::move(*item)));
  ASSERT_TRUE(queue.put(block_of("2\n")));
  item = queue.take();
  EXPECT_FALSE(queue.give_back(std::move(*item))) << "the reader does not rest";
}

TEST(BlockQueue, CloseEndsAllWaiting) {
  BlockQueue queue(1);
  std::atomic<pid_t> taker_id{0};
  std::thread taker([&] {
    taker_id = ::gettid();
    EXPECT_FALSE(queue.take());
  });
  EXPECT_TRUE(eventually([&] { return taker_id != 0 && io::sleeps(taker_id); }));
  queue.close();
  taker.join();
  EXPECT_FALSE(queue.put(block_of("1\n")));
}

}  // namespace
}  // namespace paystats::stream
