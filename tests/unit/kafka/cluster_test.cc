#include "kafka/cluster.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "base/fd.h"
#include "base/stop_signal.h"

namespace paystats::kafka {
namespace {

class ClusterTest : public ::testing::Test {
 protected:
  ClusterTest() { ::unsetenv("KAFKA_BROKERS"); }
  ~ClusterTest() override {
    ::unsetenv("KAFKA_BROKERS");
    std::filesystem::remove(file_);
  }
  base::Result<std::unique_ptr<Cluster>> make(const KafkaOptions& options) {
    return Cluster::make(options, {diagnostics_, stop_, clock_});
  }
  std::string error_of(const KafkaOptions& options) {
    const auto made = make(options);
    return made ? "" : made.error().message;
  }
  const std::string& file(std::string_view text) {
    std::ofstream(file_) << text;
    return file_;
  }

  std::string file_ = ::testing::TempDir() + "cluster_test." + std::to_string(::getpid());
  base::UniqueFd nowhere_ = std::move(*base::open_file("/dev/null", O_WRONLY));
  base::Diagnostics diagnostics_{"paygen", base::Verbosity::kQuiet, nowhere_.get()};
  base::StopSignal stop_;
  base::ManualClock clock_;
};

using Pairs = KafkaSettings;

TEST_F(ClusterTest, NeedsABrokerFromSomewhere) {
  EXPECT_EQ(error_of({}),
            "a topic needs a broker: -b HOST:PORT, or the environment's KAFKA_BROKERS");
}

TEST_F(ClusterTest, TakesTheBrokersOfTheOptionBeforePropertiesAndThoseBeforeTheEnvironment) {
  ::setenv("KAFKA_BROKERS", "environment:1", 1);
  KafkaOptions options;
  EXPECT_EQ((*make(options))->brokers(), "environment:1");
  options.property_file = file("metadata.broker.list=file:2\n");
  EXPECT_EQ((*make(options))->brokers(), "file:2");
  options.properties = {"bootstrap.servers=property:3"};
  EXPECT_EQ((*make(options))->brokers(), "property:3");
  EXPECT_TRUE((*make(options))->settings().empty());
  options.brokers = "option:4";
  EXPECT_EQ((*make(options))->brokers(), "option:4");
}

TEST_F(ClusterTest, KafkasOwnToolsNeedAFileOnlyWhereItIsSecured) {
  KafkaOptions options{.brokers = "a:1,b:2", .properties = {"security.protocol=plaintext"}};
  EXPECT_EQ((*make(options))->tool_options(), "--bootstrap-server a:1,b:2");
  options.properties = {"security.protocol=ssl"};
  EXPECT_EQ((*make(options))->tool_options(), "--bootstrap-server a:1,b:2 --command-config FILE");
}

TEST_F(ClusterTest, ReadsTheFileWithItsCommentsAndSpacesAndThenTheProperties) {
  KafkaOptions options{.brokers = "a:1",
                       .properties = {"linger.ms=2", "client.id=x=y"},
                       .property_file = file("# how we do it\n\n  linger.ms = 1 \r\n"
                                             "compression.codec=lz4")};
  const auto made = make(options);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ((*made)->settings(), (Pairs{{"linger.ms", "1"},
                                        {"compression.codec", "lz4"},
                                        {"linger.ms", "2"},  // the later one counts
                                        {"client.id", "x=y"}}));
}

TEST_F(ClusterTest, RefusesWhatLibrdkafkaDoesNotKnowAndNamesThePlace) {
  EXPECT_EQ(error_of({.brokers = "a:1", .properties = {"no.such=1"}}).substr(0, 12),
            "-X: no.such:");
  EXPECT_EQ(error_of({.brokers = "a:1", .properties = {"linger.ms=soon"}}).substr(0, 14),
            "-X: linger.ms:");
  const std::string error = error_of(
      {.brokers = "a:1", .properties = {}, .property_file = file("linger.ms=1\nno.such=1")});
  EXPECT_EQ(error.substr(0, file_.size() + 11), file_ + ":2: no.such");
}

TEST_F(ClusterTest, RefusesWhatIsNoProperty) {
  EXPECT_EQ(error_of({.brokers = "a:1", .properties = {"linger.ms"}}),
            "-X: linger.ms: not of the form key=value");
  EXPECT_EQ(error_of({.brokers = "a:1", .properties = {"=1"}}),
            "-X: =1: not of the form key=value");
  EXPECT_EQ(error_of({.brokers = "a:1", .properties = {}, .property_file = "/nonexistent/file"}),
            "/nonexistent/file: no such file or directory");
}

TEST_F(ClusterTest, RefusesWhatExactnessRestsOn) {
  for (const char* const name :
       {"group.id", "group.instance.id", "transactional.id", "enable.auto.commit",
        "enable.auto.offset.store", "auto.offset.reset", "isolation.level", "enable.partition.eof",
        "enable.idempotence", "partition.assignment.strategy", "acks", "request.required.acks"}) {
    const std::string error =
        error_of({.brokers = "a:1", .properties = {std::string(name) + "=1"}});
    EXPECT_NE(error.find(std::string("-X: ") + name + " cannot be set: "), std::string::npos)
        << name << ": " << error;
  }
}

TEST_F(ClusterTest, PatienceEndsWithAStopSignalOnceItsGraceIsOver) {
  const auto cluster = make({.brokers = "a:1"});
  EXPECT_TRUE((*cluster)->check_patience());
  stop_.request(SIGTERM);
  EXPECT_TRUE((*cluster)->check_patience(std::chrono::seconds(1)));
  clock_.advance(std::chrono::seconds(1));
  const base::Result<void> ended = (*cluster)->check_patience(std::chrono::seconds(1));
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().kind, base::ErrorKind::kInterrupted);
  EXPECT_FALSE((*cluster)->check_patience());
}

// librdkafka may not come back from a call for ten seconds.
TEST_F(ClusterTest, TheGraceBeginsWithTheSignalNotWithTheFirstQuestion) {
  const auto cluster = make({.brokers = "a:1"});
  stop_.request(SIGTERM);
  const base::Instant limit = base::SystemClock().now() + std::chrono::seconds(120);
  while (stop_.age() < std::chrono::milliseconds(20)) ASSERT_LT(base::SystemClock().now(), limit);
  EXPECT_TRUE((*cluster)->check_patience(std::chrono::seconds(10)));
  EXPECT_FALSE((*cluster)->check_patience(std::chrono::milliseconds(20)));
}

TEST_F(ClusterTest, PatienceEndsWithTheBrokerTimeout) {
  const auto cluster = make({.brokers = "a:1", .broker_timeout = std::chrono::seconds(3)});
  (*cluster)->watch().unreachable("refused");
  EXPECT_TRUE((*cluster)->check_patience());
  clock_.advance(std::chrono::seconds(3));
  EXPECT_FALSE((*cluster)->check_patience());
}

}  // namespace
}  // namespace paystats::kafka
