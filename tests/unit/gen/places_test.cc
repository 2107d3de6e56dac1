#include "gen/places.h"

#include <gtest/gtest.h>

namespace paystats::gen {
namespace {

std::string refusal(const PlaceOptions& options) {
  const base::Result<Places> places = parse_places(options);
  return places ? "accepted" : places.error().message;
}

TEST(Places, AreStandardInputAndOutputUnlessSaidOtherwise) {
  const Places places = *parse_places(PlaceOptions{});
  ASSERT_EQ(places.inputs.size(), 1u);
  EXPECT_EQ(places.inputs[0].kind, io::Endpoint::Kind::kStdio);
  EXPECT_EQ(places.output.kind, io::Endpoint::Kind::kStdio);
  EXPECT_FALSE(places.rejects);
  EXPECT_FALSE(places.expect);
}

TEST(Places, OnlyOneOfThemCanBeStandardOutput) {
  const std::string refused = "only one of --output, --rejects and --expect can be standard output";
  PlaceOptions options;
  options.rejects = std::string("-");
  EXPECT_EQ(refusal(options), refused);
  options.output = std::string("log");
  EXPECT_EQ(refusal(options), "accepted");
  options.expect = std::string("-");
  EXPECT_EQ(refusal(options), refused);
}

TEST(Places, ATopicIsNoPlaceForTotals) {
  PlaceOptions options;
  options.output = std::string("kafka:payments");
  EXPECT_EQ(refusal(options), "accepted") << "what can be opened is for the opening to say";
  options.expect = std::string("kafka:totals");
  EXPECT_EQ(refusal(options), "--expect: totals go to a file, not to a topic");
}

TEST(Places, AtomicNeedsATopic) {
  PlaceOptions options;
  options.atomic = true;
  EXPECT_TRUE(refusal(options).starts_with("--atomic needs a topic as output"));
  options.output = std::string("kafka:payments");
  EXPECT_EQ(refusal(options), "accepted");
}

TEST(Places, AFrameNeedsATopicAsInput) {
  PlaceOptions options;
  options.schema_registry_framing = true;
  EXPECT_TRUE(refusal(options).starts_with("--schema-registry-framing is for a topic"));
  options.inputs = {"kafka:payments"};
  EXPECT_EQ(refusal(options), "accepted");
}

TEST(Places, AnEmptyNameIsRefusedWithItsOption) {
  PlaceOptions options;
  options.expect.emplace();
  EXPECT_TRUE(refusal(options).starts_with("--expect: "));
  options = {};
  options.rejects.emplace();
  EXPECT_TRUE(refusal(options).starts_with("--rejects: "));
  options = {};
  options.output.clear();
  EXPECT_TRUE(refusal(options).starts_with("--output: "));
}

TEST(Places, ATopicIsNotReadAndWrittenAtOnce) {
  PlaceOptions options;
  options.inputs = {"kafka:payments"};
  options.output = "kafka:payments";
  EXPECT_EQ(refusal(options), "input and output are one topic");
}

}  // namespace
}  // namespace paystats::gen
