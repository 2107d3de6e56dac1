#include "io/started_source.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "record/payment.h"
#include "unit/io/support.h"

namespace paystats::io {
namespace {

constexpr std::string_view kGood = "{\"user\":\"a\",\"paymentAmt\":1}\n";

// What it is told to, block for block; "" stands for nothing yet. `ahead` is how many were read.
class ScriptedSource final : public Source {
 public:
  ScriptedSource(std::vector<std::string> script, size_t& ahead)
      : script_(std::move(script)), ahead_(ahead) {}
  base::Result<ReadStatus> read(Block& out, base::Instant /*deadline*/) override {
    if (ahead_ == script_.size()) return ReadStatus::kEnd;
    const std::string& bytes = script_[ahead_++];
    if (bytes.empty()) return ReadStatus::kIdle;
    out = {.bytes = bytes, .source = "s", .begins_input = std::exchange(begins_, false)};
    return ReadStatus::kBlock;
  }
  bool caught_up() const override { return ahead_ >= 4; }

 private:
  const std::vector<std::string> script_;
  size_t& ahead_;
  bool begins_ = true;
};

class StartedSourceTest : public ::testing::Test {
 protected:
  void begin(std::vector<std::string> script, bool followed = false) {
    ahead_ = 0;
    source_ = started_source(std::make_unique<ScriptedSource>(std::move(script), ahead_), followed,
                             words_.diagnostics);
  }
  // The bytes of the next block, or "idle", "end", or why not.
  std::string next() {
    const base::Result<ReadStatus> status = source_->read(block_, base::Instant::max());
    if (!status) return status.error().message;
    if (*status == ReadStatus::kIdle) return "idle";
    return *status == ReadStatus::kEnd ? "end" : std::string(block_.bytes);
  }

  size_t ahead_ = 0;
  Words words_;
  std::unique_ptr<Source> source_;
  Block block_;
};

TEST_F(StartedSourceTest, HoldsNothingBackOfLines) {
  begin({std::string(kGood), "x\n"});
  EXPECT_EQ(next(), kGood);
  EXPECT_EQ(ahead_, 1u);
  EXPECT_EQ(next(), "x\n");
  EXPECT_EQ(next(), "end");
}

TEST_F(StartedSourceTest, HoldsBlocksBackUntilOneSaysThatTheyAreLines) {
  begin({"\xEF\xBB\xBF[\n", "", std::string(kGood), std::string(kGood) + "x\n", "y\n"});
  EXPECT_EQ(next(), "idle");
  EXPECT_EQ(next(), "[\n");
  EXPECT_TRUE(block_.begins_input);
  EXPECT_EQ(block_.source, "s");
  EXPECT_FALSE(source_->caught_up());
  EXPECT_EQ(next(), kGood);
  EXPECT_FALSE(block_.begins_input);
  EXPECT_EQ(next(), std::string(kGood) + "x\n");
  EXPECT_TRUE(source_->caught_up());
  EXPECT_EQ(next(), "y\n");
  EXPECT_EQ(next(), "end");
  EXPECT_EQ(next(), "end");
}

// payagg --ready-line writes one where there is nothing yet.
TEST_F(StartedSourceTest, DoesNotHoldBackAnEmptyLine) {
  begin({"\n", "", "[\n", std::string(kGood), std::string(kGood)});
  EXPECT_EQ(next(), "\n");
  EXPECT_TRUE(block_.begins_input);
  EXPECT_EQ(next(), "idle");
  EXPECT_EQ(next(), "[\n");
  EXPECT_FALSE(block_.begins_input);
  EXPECT_EQ(next(), kGood);
  begin({"\n", "[\n", "{\n"});
  EXPECT_EQ(next(), "\n");
  EXPECT_TRUE(holds(next(), "is JSON over several lines"));
}

TEST_F(StartedSourceTest, RefusesOnceABlockSaysThatTheyAreNone) {
  begin({"[\n", "", std::string(kGood), "]\n"});
  EXPECT_EQ(next(), "idle");
  EXPECT_TRUE(holds(next(), "is JSON over several lines"));
  EXPECT_EQ(ahead_, 4u) << "at its end";
  begin({"{\n", "\"a\":1}\n", std::string(kGood), "x\n"});
  EXPECT_EQ(next(), "{\n") << "whole lines come behind it";
}

TEST_F(StartedSourceTest, TheEndSaysThatLinesAreLines) {
  begin({"[\n", std::string(kGood)});
  EXPECT_EQ(next(), "[\n");
  EXPECT_EQ(next(), kGood);
  EXPECT_EQ(next(), "end");
}

TEST_F(StartedSourceTest, OfALogThatIsFollowedWhatWasThereAtTheStartDecides) {
  begin({"[\n", "", "", std::string(kGood), "]\n"}, true);
  EXPECT_EQ(next(), "idle");
  EXPECT_EQ(next(), "idle");
  EXPECT_EQ(next(), "[\n") << "it has caught up";
  EXPECT_EQ(next(), kGood);
  EXPECT_EQ(next(), "]\n") << "for good: a follower is not stopped by what comes later";
  begin({"", "", "{\n", "\"a\":1\n", std::string(kGood)}, true);
  EXPECT_EQ(next(), "idle");
  EXPECT_EQ(next(), "idle");
  EXPECT_TRUE(holds(next(), "is JSON over several lines")) << "of two blocks";
  begin({"", "", "", "", "{\n", "\"a\":1\n"}, true);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(next(), "idle");
  EXPECT_EQ(next(), "{\n") << "nothing was there";
  EXPECT_EQ(next(), "\"a\":1\n");
}

TEST_F(StartedSourceTest, IsTheSameHoweverTheInputIsCut) {
  const std::string cut = "[" + std::string(kGood.substr(0, kGood.size() - 1)) + ",\n";
  const std::string lines = "\n" + cut + std::string(kGood) + " \n" + std::string(kGood) + "]\n";
  for (size_t block = 1; block < lines.size() + 2; ++block) {
    source_ = started_source(memory_source(lines, block, "m"), false, words_.diagnostics);
    std::string read;
    for (std::string got = next(); got != "end"; got = next()) read += got;
    EXPECT_EQ(read, lines) << block;
    source_ = started_source(memory_source(cut + std::string(kGood) + "]\n", block, "m"), false,
                             words_.diagnostics);
    EXPECT_TRUE(holds(next(), "m: is JSON over several lines")) << block;
  }
}

}  // namespace
}  // namespace paystats::io
