// What the tests of a log that is followed share.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "log/follow_source.h"
#include "log/payment_log.h"
#include "unit/io/faults.h"
#include "unit/io/support.h"

namespace paystats::log {

class FollowSourceTest : public ::testing::Test {
 protected:
  std::unique_ptr<io::Source> open() {
    auto source = follow_source(path_, context_.waiter, context_.words.diagnostics);
    EXPECT_TRUE(source) << source.error().message;
    return source ? std::move(*source) : nullptr;
  }
  // All that comes until nothing comes for a moment.
  std::string now(io::Source& source) {
    const io::Everything all = io::read_everything(source, 1ms);
    EXPECT_TRUE(all.in_order || all.bytes.empty());
    return all.error.empty() ? all.bytes : all.error;
  }
  // Waits for the next block, or the error.
  std::string next(io::Source& source) {
    const base::Result<io::ReadStatus> status = source.read(block_, context_.in(kLimit));
    if (!status) return status.error().message;
    if (*status == io::ReadStatus::kIdle) return "idle";
    return *status == io::ReadStatus::kEnd ? "end" : std::string(block_.bytes);
  }
  void expect_must_not_go_on(io::Source& source, std::string_view what) {
    const base::Result<io::ReadStatus> status = source.read(block_, context_.in(kLimit));
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().kind, base::ErrorKind::kMustNotGoOn);
    EXPECT_NE(status.error().message.find(what), std::string::npos) << status.error().message;
    EXPECT_NE(
        status.error().message.find("for the totals of what is there now, in the folder " +
                                    std::filesystem::current_path().string() + ": t " + path_),
        std::string::npos)
        << "the remedy";
  }
  void commit(std::string_view lines) {
    base::Result<PaymentLog> log = PaymentLog::open(path_, context_.words.diagnostics);
    ASSERT_TRUE(log);
    ASSERT_TRUE(log->commit(lines));
  }

  const io::FaultsOff off_;
  const TempFolder folder_;
  const std::string path_ = folder_ / "payments.jsonl";
  io::TestContext context_;
  io::Block block_;
};

}  // namespace paystats::log
