#include "io/payment_sink.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "unit/io/support.h"

namespace paystats::io {
namespace {

constexpr std::string_view kLine = "{\"user\":\"edgar\",\"paymentAmt\":1.0}\n";

record::Batch edgar(uint64_t volume) {
  return {"edgar", "1.0", money::Decimal(), volume};
}

TEST(StreamPaymentSink, WritesALineForEachPaymentAndNoTime) {
  const Pipe pipe;
  const Redirected redirected(STDOUT_FILENO, pipe.write.get());
  auto sink = open_stream_payment_sink(Endpoint{});
  ASSERT_TRUE(sink);
  EXPECT_FALSE((*sink)->request_is_line());
  EXPECT_GE((*sink)->reader_fd(), 0);
  const record::Batch batches[] = {edgar(2), edgar(1)};
  ASSERT_TRUE((*sink)->put({batches, "a key"}));
  ASSERT_TRUE((*sink)->commit_lines("bulk\n"));
  ASSERT_TRUE((*sink)->close());
  std::string got(4096, '\0');
  got.resize(static_cast<size_t>(::read(pipe.read.get(), got.data(), got.size())));
  EXPECT_EQ(got, fmt::format("{0}{0}{0}bulk\n", kLine));
}

TEST(StreamPaymentSink, OfADeviceAFailureIsToldAtTheLatestWhenItIsClosed) {
  const record::Batch batch = edgar(1);
  auto null = open_stream_payment_sink({Endpoint::Kind::kFile, "/dev/null"});
  ASSERT_TRUE(null);
  EXPECT_TRUE((*null)->put({{&batch, 1}}));
  EXPECT_TRUE((*null)->close());
  auto full = open_stream_payment_sink({Endpoint::Kind::kFile, "/dev/full"});
  ASSERT_TRUE(full);
  EXPECT_TRUE((*full)->put({{&batch, 1}}));
  const base::Result<void> closed = (*full)->close();
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().message, "/dev/full: no space left on device");
}

}  // namespace
}  // namespace paystats::io
