#include "io/distinct_places.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "unit/io/support.h"

namespace paystats::io {
namespace {

class DistinctPlacesTest : public ::testing::Test {
 protected:
  static Endpoint at(const std::string& text) { return *Endpoint::parse(text); }
  std::string path(const std::string& name) const { return folder_ / name; }
  std::string told() const {
    const base::Result<void> distinct = places_.check();
    return distinct ? "" : distinct.error().message;
  }

  const TempFolder folder_;
  DistinctPlaces places_;
};

TEST_F(DistinctPlacesTest, OneFileIsNotReadAndWrittenWhateverItsPaths) {
  write_file(path("in"), "x\n");
  std::filesystem::create_hard_link(path("in"), path("other"));
  places_.read(at(path("in")));
  places_.write("output", at(path("out")));
  EXPECT_EQ(told(), "");
  places_.write_file("--metrics", path("./other"));
  EXPECT_EQ(told(), path("in") + ": is both input and --metrics");
}

TEST_F(DistinctPlacesTest, AFileThatIsYetToBeMadeIsKnownByItsFolder) {
  std::filesystem::create_directory(path("a"));
  std::filesystem::create_directory_symlink(path("a"), path("b"));
  places_.write("output", at(path("a/out")));
  places_.write("--rejects", at(path("a/bad")));
  EXPECT_EQ(told(), "");
  places_.write_file("--metrics", path("b/out"));
  EXPECT_EQ(told(), "output and --metrics are the same place");
}

TEST_F(DistinctPlacesTest, TwoOutputsDoNotShareStdout) {
  places_.write("output", at("-"));
  places_.write("--rejects", at("-"));
  EXPECT_EQ(told(), "output and --rejects are the same place");
}

TEST_F(DistinctPlacesTest, ATopicIsNoFile) {
  places_.read(at("kafka:payments"));
  places_.write("output", at(path("kafka:payments")));
  EXPECT_EQ(told(), "");
  places_.write("--rejects", at("kafka:payments"));
  EXPECT_EQ(told(), "kafka:payments: is both input and --rejects");
}

TEST_F(DistinctPlacesTest, DevicesMayBeUsedTwice) {
  places_.read(at("/dev/null"));
  places_.write("output", at("/dev/null"));
  places_.write("--rejects", at("/dev/null"));
  places_.write_file("--metrics", "/nowhere/at/all");
  places_.write_file("--expect", "/nowhere/at/all");
  EXPECT_EQ(told(), "");
}

}  // namespace
}  // namespace paystats::io
