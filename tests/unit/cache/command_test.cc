#include "cache/command.h"

#include <gtest/gtest.h>

#include <string>

#include "unit/io/support.h"
#include "unit/support.h"

namespace paystats::cache {
namespace {

class Command : public ::testing::Test {
 protected:
  base::Result<base::RunOutcome> run() {
    return run_command(options_, {context_.words.diagnostics, context_.stop, context_.clock});
  }

  const TempFolder folder_;
  io::TestContext context_;
  CacheOptions options_;
};

TEST_F(Command, AListGoesToAFileInOrder) {
  io::write_file(folder_ / "in",
                 "{\"user\":\"a\",\"sum\":1.00,\"count\":1}\n"
                 "{\"user\":\"b\",\"sum\":3.00,\"count\":2}\n"
                 "{\"user\":\"c\",\"sum\":2.00,\"count\":1}\n");
  options_.inputs = {folder_ / "in"};
  options_.output = folder_ / "out";
  options_.top = 2;
  const base::Result<base::RunOutcome> end = run();
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(end->status, base::ExitStatus::kDone);
  EXPECT_FALSE(end->cut_short);
  EXPECT_EQ(io::file_bytes(folder_ / "out"),
            "{\"user\":\"b\",\"sum\":3.00,\"count\":2}\n"
            "{\"user\":\"c\",\"sum\":2.00,\"count\":1}\n");
}

TEST_F(Command, ABadRecordIsTheStatus) {
  io::write_file(folder_ / "in", "junk\n");
  options_.inputs = {folder_ / "in"};
  options_.output = folder_ / "out";
  options_.top = 2;
  const base::Result<base::RunOutcome> end = run();
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(end->status, base::ExitStatus::kRejected);
}

TEST_F(Command, AQuestionToNobodyNamesTheSocket) {
  options_.connect = folder_ / "none";
  options_.top = 1;
  const base::Result<base::RunOutcome> end = run();
  ASSERT_FALSE(end);
  EXPECT_TRUE(holds(end.error().message, folder_ / "none"));
}

TEST_F(Command, OptionsThatExcludeEachOtherAreRefusedBeforeAnythingIsOpened) {
  options_.socket = folder_ / "s";
  options_.connect = folder_ / "s";
  ASSERT_FALSE(run());
  EXPECT_EQ(folder_.entries(), 0U);
}

}  // namespace
}  // namespace paystats::cache
