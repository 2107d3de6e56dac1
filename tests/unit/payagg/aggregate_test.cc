#include "payagg/aggregate.h"

#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <vector>

#include "unit/io/support.h"

namespace paystats::payagg {
namespace {

const std::string kPayment = "{\"user\":\"anna\",\"paymentAmt\":7}\n";
const std::string kStats = "{\"user\":\"anna\",\"sum\":7.00,\"count\":1}\n";

class Aggregate : public testing::Test {
 protected:
  Aggregate() {
    options_.inputs = {folder_ / "in"};
    options_.output = folder_ / "out";
    io::write_file(folder_ / "in", kPayment);
  }
  base::Result<base::RunOutcome> run() {
    return aggregate(*make_plan(options_),
                     {context_.words.diagnostics, context_.stop, context_.clock, false});
  }
  std::string output() { return io::file_bytes(folder_ / "out"); }

  const TempFolder folder_;
  io::TestContext context_;
  PayaggOptions options_;
};

TEST_F(Aggregate, AFileOfPaymentsBecomesAFileOfTotals) {
  const base::Result<base::RunOutcome> end = run();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->status, base::ExitStatus::kDone);
  EXPECT_FALSE(end->cut_short);
  EXPECT_EQ(output(), kStats);
  EXPECT_EQ(folder_.entries(), 2U);
}

TEST_F(Aggregate, BadRecordsAreTheStatusAndGoWhereTheyWereSent) {
  io::append_file(folder_ / "in", "junk\n");
  options_.rejects = folder_ / "bad";
  const base::Result<base::RunOutcome> end = run();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->status, base::ExitStatus::kRejected);
  EXPECT_NE(io::file_bytes(folder_ / "bad").find("\"line\":2"), std::string::npos);
}

TEST_F(Aggregate, SeveralJobsGiveTheSame) {
  std::string bytes = "junk\n";
  while (bytes.size() < size_t{9} << 20U) bytes += kPayment;
  io::write_file(folder_ / "in", bytes);
  options_.rejects = folder_ / "bad1";
  options_.jobs = 1;
  ASSERT_TRUE(run());
  const std::string want = output();
  options_.rejects = folder_ / "bad3";
  options_.jobs = 3;
  ASSERT_TRUE(run());
  EXPECT_EQ(output(), want);
  EXPECT_EQ(io::file_bytes(folder_ / "bad1"), io::file_bytes(folder_ / "bad3"));
}

TEST_F(Aggregate, OneFileCannotBeReadAndWritten) {
  options_.output = options_.inputs[0];
  const base::Result<base::RunOutcome> same = run();
  ASSERT_FALSE(same);
  EXPECT_NE(same.error().message.find("is both input and output"), std::string::npos);
  options_.output = folder_ / "out";
  options_.rejects = folder_ / "in";
  EXPECT_FALSE(run());
  io::write_file(folder_ / "out", "old\n");
  options_.rejects = folder_ / "out";
  EXPECT_FALSE(run());
  EXPECT_EQ(io::file_bytes(folder_ / "in"), kPayment);
  EXPECT_EQ(output(), "old\n");
}

TEST_F(Aggregate, AnErrorLeavesTheOldOutput) {
  io::write_file(folder_ / "out", "old\n");
  options_.inputs.push_back(folder_ / "missing");
  EXPECT_FALSE(run());
  EXPECT_EQ(output(), "old\n");
  EXPECT_EQ(folder_.entries(), 2U);
}

TEST_F(Aggregate, AFinalThatASignalCutShortSaysSo) {
  context_.stop.request(SIGTERM);
  const base::Result<base::RunOutcome> end = run();
  ASSERT_TRUE(end);
  EXPECT_TRUE(end->cut_short);
  EXPECT_EQ(output(), "");
  EXPECT_NE(context_.words.heard().find("cut short"), std::string::npos);
}

TEST_F(Aggregate, ASignalIsTheNormalEndOfFollowing) {
  options_.follow = true;
  context_.stop.request(SIGTERM);
  const base::Result<base::RunOutcome> end = run();
  ASSERT_TRUE(end);
  EXPECT_FALSE(end->cut_short);
  EXPECT_EQ(context_.words.heard(), "");
}

TEST_F(Aggregate, AReaderThatWentAwayIsAQuietEndUnlessTheInputHasNone) {
  io::Pipe pipe;
  pipe.read.reset();
  options_.output = "-";
  {
    const io::Redirected redirected(1, pipe.write.get());
    const base::Result<base::RunOutcome> end = run();
    ASSERT_TRUE(end);
    EXPECT_EQ(end->status, base::ExitStatus::kDone);
    options_.follow = true;
    const base::Result<base::RunOutcome> following = run();
    ASSERT_FALSE(following);
    EXPECT_EQ(following.error().kind, base::ErrorKind::kClosedOutput);
  }
  EXPECT_EQ(context_.words.heard(), "");
}

TEST_F(Aggregate, RejectsArriveEvenWhereNobodyReadsTheTotals) {
  io::Pipe pipe;
  pipe.read.reset();
  io::append_file(folder_ / "in", "junk\n");
  options_.output = "-";
  options_.rejects = folder_ / "bad";
  {
    const io::Redirected redirected(1, pipe.write.get());
    ASSERT_TRUE(run());
  }
  EXPECT_NE(io::file_bytes(folder_ / "bad").find("junk"), std::string::npos);
}

}  // namespace
}  // namespace paystats::payagg
