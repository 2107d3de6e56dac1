#include "payagg/aggregate.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <random>
#include <string>
#include <utility>
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

// Lines of which some are bad and some too large, in several files: only the order of all of them
// tells which ones fit.
TEST_F(Aggregate, SeveralJobsRejectThePaymentsThatOneJobRejects) {
  const std::string amount = "\"paymentAmt\":100000000000000,\"volume\":";
  const std::vector<std::string> lines = {
      kPayment,
      "junk\n",
      "\n",
      "{\"user\":\"anna\"," + amount + "1000000000000000}\n",
      "{\"user\":\"anna\",\"paymentAmt\":-100000000000000,\"volume\":700000000000000}\n",
      "[" + kPayment.substr(0, kPayment.size() - 1) + ",{\"user\":\"bob\"," + amount +
          "900000000000000}]\n",
      "{\"user\":\"carl\",\"paymentAmt\":0,\"volume\":18446744073709551615}\n"};
  for (unsigned seed = 0; seed < 40; ++seed) {
    std::mt19937_64 random(seed);
    options_.inputs.clear();
    for (const char* name : {"in", "in2", "in3"}) {
      std::string bytes;
      // Of the first file nothing is too large, so its rejects are told before all is read again.
      const size_t kinds = options_.inputs.empty() ? 3 : lines.size();
      for (int i = 0; i < 20; ++i) bytes += lines[random() % kinds];
      io::write_file(folder_ / name, bytes);
      options_.inputs.push_back(folder_ / name);
    }
    std::vector<std::string> outcomes;
    for (const unsigned jobs : {1U, 3U}) {
      options_.jobs = jobs;
      const std::string bad = folder_ / "bad";
      const std::string figures = folder_ / "figures";
      options_.rejects = bad;
      options_.metrics = figures;
      const base::Result<base::RunOutcome> end = run();
      ASSERT_TRUE(end) << end.error().message;
      outcomes.push_back(output() + io::file_bytes(bad) + io::file_bytes(figures) +
                         context_.words.heard());
      std::filesystem::remove(bad);
    }
    ASSERT_EQ(outcomes[0], outcomes[1]) << "seed " << seed;
  }
}

TEST_F(Aggregate, StdinThatIsAFileIsReadAgainFromWhereItStoodWhereTheOrderMatters) {
  const std::string full = "{\"user\":\"full\",\"paymentAmt\":0,\"volume\":18446744073709551615}\n";
  io::write_file(folder_ / "in", "skipped\n" + full + "junk\n" + full + kPayment);
  io::write_file(folder_ / "in2", full);
  const base::UniqueFd fd = std::move(*base::open_file(folder_ / "in", O_RDONLY));
  ASSERT_EQ(::lseek(fd.get(), 8, SEEK_SET), 8);
  const io::Redirected redirected(0, fd.get());
  options_.inputs = {"-", folder_ / "in2"};
  options_.jobs = 2;
  ASSERT_TRUE(run());
  EXPECT_EQ(output(), kStats + "{\"user\":\"full\",\"sum\":0.00,\"count\":18446744073709551615}\n");
  const std::string heard = context_.words.heard();
  EXPECT_NE(heard.find("-:2: "), std::string::npos) << heard;
  EXPECT_NE(heard.find("-:3: "), std::string::npos) << heard;
  EXPECT_NE(heard.find("3 records rejected"), std::string::npos) << heard;
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
