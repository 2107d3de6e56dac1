#include "gen/job.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/fd.h"
#include "base/stop_signal.h"

namespace paystats::gen {
namespace {

class JobTest : public ::testing::Test {
 protected:
  JobTest()
      : silence_(std::move(*base::open_file("/dev/null", O_WRONLY))),
        diagnostics_("paygen", base::Verbosity::kQuiet, silence_.get()) {
    std::string folder = ::testing::TempDir() + "paygen_job_XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) std::abort();
    folder_ = folder;
  }
  ~JobTest() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ / name; }
  std::string content(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(path(name), std::ios::binary).rdbuf();
    return text.str();
  }
  void write(const std::string& name, std::string_view text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  base::Result<JobOutcome> run(const GenOptions& options, const PlaceOptions& places) {
    const Plan plan = *make_plan(options, !places.inputs.empty());
    return run_job(plan, *parse_places(places), kafka::KafkaOptions{},
                   {diagnostics_, stop_, clock_, false});
  }
  PlaceOptions to_log() const {
    PlaceOptions places;
    places.output = path("log");
    places.expect = path("want");
    places.rejects = path("bad");
    return places;
  }
  static GenOptions single() {
    GenOptions options;
    options.user = "edgar";
    options.amount = "1.5";
    options.volume = 1;
    return options;
  }

  std::filesystem::path folder_;
  base::UniqueFd silence_;
  base::Diagnostics diagnostics_;
  base::StopSignal stop_;
  base::ManualClock clock_;  // of 1970
};

TEST_F(JobTest, LeavesThePaymentsAndTheirTotals) {
  const base::Result<JobOutcome> outcome = run(single(), to_log());
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->status, base::ExitStatus::kDone);
  EXPECT_FALSE(outcome->interrupted);
  EXPECT_EQ(content("log"),
            "{\"user\":\"edgar\",\"paymentAmt\":1.5,\"time\":\"1970-01-01T00:00:00.000Z\"}\n");
  EXPECT_EQ(content("want"), "{\"user\":\"edgar\",\"sum\":1.50,\"count\":1}\n");
}

TEST_F(JobTest, OfLinesIsDoneWithRejects) {
  write("in", "{\"user\":\"a\",\"paymentAmt\":1}\nnonsense\n");
  PlaceOptions places = to_log();
  places.inputs = {path("in")};
  const base::Result<JobOutcome> outcome = run(GenOptions{}, places);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->status, base::ExitStatus::kRejected);
  EXPECT_EQ(content("log"),
            "{\"user\":\"a\",\"paymentAmt\":1,\"time\":\"1970-01-01T00:00:00.000Z\"}\n");
  EXPECT_NE(content("bad").find("\"line\":2,"), std::string::npos);
}

TEST_F(JobTest, OpensEverythingBeforeItMakesAPayment) {
  PlaceOptions places = to_log();
  places.expect = path("nowhere/want");
  ASSERT_FALSE(run(single(), places));
  EXPECT_FALSE(std::filesystem::exists(path("log")));
}

TEST_F(JobTest, ThatFailsToOpenLeavesOldTotalsAsTheyWere) {
  write("want", "old");
  PlaceOptions places = to_log();
  places.inputs = {path("missing")};
  ASSERT_FALSE(run(GenOptions{}, places));
  EXPECT_EQ(content("want"), "old");
}

TEST_F(JobTest, WhoseOutputIsFullFailsAndHasTheTotalsOfWhatWasTaken) {
  PlaceOptions places = to_log();
  places.output = "/dev/full";
  const base::Result<JobOutcome> outcome = run(single(), places);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().message, "/dev/full: no space left on device");
  EXPECT_TRUE(std::filesystem::exists(path("want")));
  EXPECT_EQ(content("want"), "");
}

TEST_F(JobTest, WhoseTotalsCannotBeWrittenFails) {
  PlaceOptions places = to_log();
  places.expect = "/dev/full";
  ASSERT_FALSE(run(single(), places));
  EXPECT_NE(content("log"), "") << "the payments themselves are made";
}

TEST_F(JobTest, ThatIsToldToStopSaysThatItWasInterrupted) {
  stop_.request(SIGTERM);
  GenOptions options;
  options.random = 0;
  const base::Result<JobOutcome> outcome = run(options, to_log());
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->interrupted);
  EXPECT_EQ(content("log"), "");
}

// Neither a reader of the pipe nor a broker is waited for.
TEST_F(JobTest, APrefixIsRefusedForAnOutputThatIsNoLogBeforeAnythingIsOpened) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  GenOptions options = single();
  options.idempotency_prefix = "p";
  for (const std::string& output : {path("pipe"), std::string("kafka:t")}) {
    PlaceOptions places = to_log();
    places.output = output;
    const base::Result<JobOutcome> outcome = run(options, places);
    ASSERT_FALSE(outcome) << output;
    EXPECT_EQ(outcome.error().message, "--idempotency-prefix needs a log as output: -o FILE");
    EXPECT_FALSE(std::filesystem::exists(path("want")));
  }
}

}  // namespace
}  // namespace paystats::gen
