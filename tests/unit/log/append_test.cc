#include "log/append.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <random>

#include "base/fd.h"
#include "unit/io/faults.h"
#include "unit/io/support.h"

namespace paystats::log {
namespace {

using namespace io;  // what its tests have

TEST(Append, KnowsWhatIsWrittenAlsoWhereItFails) {
  const FaultsOff off;
  const TempFolder folder;
  write_file(folder / "log", "");
  const base::UniqueFd fd(::open((folder / "log").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  Appended whole;
  ASSERT_TRUE(append(fd.get(), "[one]\n", "log", whole));
  EXPECT_EQ(whole.bytes, 6u);
  EXPECT_EQ(whole.pieces, 1u);
  faults().disk_bytes_left = 3;
  Appended part;
  EXPECT_FALSE(append(fd.get(), "[two]\n", "log", part));
  EXPECT_EQ(part.bytes, 3u);
  EXPECT_EQ(part.pieces, 1u);
  Appended none;
  EXPECT_FALSE(append(fd.get(), "[two]\n", "log", none));
  EXPECT_EQ(none.bytes, 0u);
  EXPECT_EQ(file_bytes(folder / "log"), "[one]\n[tw");
}

struct Case {
  const char* what;
  std::string found;
  Appended ours;  // of "{a}\n{b}\n"
  std::string foreign;
};

TEST(ForeignPart, IsAllThatIsCertainlyNotOurs) {
  const Case cases[] = {
      {"nobody else", "{a}\n{b}\n", {8, 1}, ""},
      {"nobody else, in several pieces", "{a}\n{b", {6, 3}, ""},
      {"nothing at all", "", {0, 0}, ""},
      {"in front of ours", "{x}\n{a}\n{b}\n", {8, 1}, "{x}\n"},
      {"behind ours", "{a}\n{b}\n{x", {8, 1}, "{x"},
      {"on both sides", "{x}\n{a}\n{b}\n{y}\n", {8, 1}, "{x}\n{y}\n"},
      {"behind a part of ours", "{a{x}\n", {2, 1}, "{x}\n"},
      {"behind a part of ours, as it would have gone on", "{a}\n{b}\n", {3, 1}, "\n{b}\n"},
      {"nothing of ours is written", "{x}\n{a}\n{b}\n", {0, 0}, "{x}\n{a}\n{b}\n"},
      {"as ours, one more time", "{a}\n{b}\n{a}\n{b}\n", {8, 1}, "{a}\n{b}\n{a}\n{b}\n"},
      {"a byte of ours that is there twice", "{x}\n{", {1, 1}, "{x}\n{"},
      {"between two pieces of ours", "{a{x}\n}\n", {4, 2}, "{a{x}\n}\n"},
      {"as the two pieces of ours together", "{a{a}\n", {3, 2}, "{a{a}\n"},
      {"ours is not there any more", "{x}\n", {8, 1}, "{x}\n"},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(foreign_part(one.found, "{a}\n{b}\n", one.ours), one.foreign) << one.what;
  }
}

// Of few different bytes, so that ours and theirs look alike all the time.
TEST(ForeignPart, LosesNothingOfOthersHoweverTheBytesCameTogether) {
  std::mt19937 random(1);
  const auto up_to = [&](size_t most) { return random() % (most + 1); };
  const auto some = [&](size_t most) {
    std::string text;
    for (size_t left = up_to(most); left > 0; --left) text += "a{\n"[up_to(2)];
    return text;
  };
  int told_apart = 0;
  for (int round = 0; round < 20'000; ++round) {
    const std::string lines = some(9) + "\n";
    Appended ours;
    std::string foreign = some(6);
    std::string found = foreign;
    const size_t calls = up_to(3);
    for (size_t i = 0; i < calls && ours.bytes < lines.size(); ++i) {
      const size_t n = 1 + up_to(lines.size() - ours.bytes - 1);
      const std::string theirs = some(6);
      found += lines.substr(ours.bytes, n) + theirs;
      foreign += theirs;
      ours.bytes += n;
      ++ours.pieces;
    }
    const std::string kept = foreign_part(found, lines, ours);
    ASSERT_TRUE(kept == foreign || kept == found) << found << " | " << foreign << " | " << kept;
    told_apart += kept == foreign && ours.bytes > 0;
  }
  EXPECT_GT(told_apart, 1000);
}

TEST(BeginsALine, IsTrueWhereOursIsNotBehindThePartOfALine) {
  EXPECT_TRUE(begins_a_line("{a}\n", "{a}\n"));
  EXPECT_TRUE(begins_a_line("{x}\n{a}\n{y", "{a}\n"));
  EXPECT_TRUE(begins_a_line("{x{a}\n{a}\n", "{a}\n"));
  EXPECT_FALSE(begins_a_line("{x{a}\n", "{a}\n"));
  EXPECT_FALSE(begins_a_line("{x}\n{a{y}\n}\n", "{a}\n"));
  EXPECT_FALSE(begins_a_line("", "{a}\n"));
}

}  // namespace
}  // namespace paystats::log
