// Both paths against nlohmann/json, on seeded lines that are valid or almost so: the same verdict,
// the same user, the same exact amount. PAYSTATS_FUZZ_SEED and PAYSTATS_FUZZ_LINES choose other
// lines, and more: ten million take some minutes.
#include <gtest/gtest.h>

#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "record/decoder.h"
#include "unit/record/decode_support.h"
#include "unit/record/line_maker.h"
#include "unit/record/nlohmann_oracle.h"
#include "unit/sanitized.h"

namespace paystats::record {
namespace {

constexpr uint64_t kLinesDefault = kSanitized ? 30000 : 450000;
constexpr size_t kLinesPerBlock = 100;  // fits one decode()

template <class Record>
std::string make_line(LineMaker& maker, bool newlines) {
  if constexpr (std::is_same_v<Record, Payment>) return maker.payment(newlines);
  if constexpr (std::is_same_v<Record, Batch>) return maker.batch(newlines);
  return maker.stats(newlines);
}

// What each line of a block became: nothing for an empty one.
template <class Record>
std::vector<std::optional<Decoded>> decode_block(LineDecoder<Record>& decoder,
                                                 DecodedLines<Record>& lines,
                                                 const std::string& block, size_t count) {
  std::vector<std::optional<Decoded>> verdicts(count);
  EXPECT_EQ(decoder.decode(block, lines), block.size());
  EXPECT_EQ(lines.lines, count);
  for (const auto& row : lines.rows) verdicts.at(row.line) = keep(row.record);
  for (const auto& bad : lines.rejected) {
    verdicts.at(bad.line) = Decoded{bad.flaw, {}, {}, {}, 0, {}};
  }
  return verdicts;
}

struct Tally {
  uint64_t accepted = 0;
  uint64_t rejected = 0;
  uint64_t undecided = 0;
};

// False where they differ; then the reason has been printed.
template <class Record>
bool agrees(const std::string& line, const Decoded& ours, Tally& tally) {
  const oracle::Verdict verdict = oracle::judge<Record>(line);
  if (verdict.undecided) {
    ++tally.undecided;
    return true;
  }
  ++(verdict.record ? tally.accepted : tally.rejected);
  if (!verdict.record) {
    EXPECT_NE(ours.flaw, Flaw::kNone) << line << "\nuser " << ours.user;
    return ours.flaw != Flaw::kNone;
  }
  EXPECT_EQ(ours, *verdict.record) << line;
  return ours == *verdict.record;
}

bool is_blank(const std::string& line) {
  return line.find_first_not_of(" \t\r\n") == std::string::npos;
}

template <class Record>
void compare(uint64_t seed, uint64_t count) {
  std::printf("seed %llu, %llu lines\n", static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(count));
  LineMaker maker(seed);
  LineDecoder<Record> fast(FieldNames{});
  LineDecoder<Record> general(FieldNames{}, DecodePath::kGeneral);
  DecodedLines<Record> memory;
  Tally tally;
  for (uint64_t made = 0; made < count; made += kLinesPerBlock) {
    std::vector<std::string> lines(kLinesPerBlock);
    std::string block;
    for (std::string& line : lines) {
      line = make_line<Record>(maker, false);
      block += line + "\n";
    }
    const auto by_fast = decode_block(fast, memory, block, lines.size());
    const auto by_general = decode_block(general, memory, block, lines.size());
    for (size_t i = 0; i < lines.size(); ++i) {
      ASSERT_EQ(by_fast[i].has_value(), !is_blank(lines[i])) << lines[i];
      ASSERT_EQ(by_fast[i], by_general[i]) << lines[i];
      if (by_fast[i]) {
        ASSERT_TRUE(agrees<Record>(lines[i], *by_fast[i], tally)) << "line " << made + i;
      }
    }
    for (size_t i = 0; i < kLinesPerBlock / 8; ++i) {
      const std::string text = make_line<Record>(maker, true);
      Record record;
      const Flaw flaw = fast.decode_one(text, record);
      const Decoded ours = flaw == Flaw::kNone ? keep(record) : Decoded{flaw, {}, {}, {}, 0, {}};
      ASSERT_EQ(general.decode_one(text, record), flaw) << text;
      ASSERT_TRUE(agrees<Record>(text, ours, tally)) << "in block of line " << made;
    }
  }
  const uint64_t judged = tally.accepted + tally.rejected;
  std::printf("%llu accepted, %llu rejected, %llu undecided\n",
              static_cast<unsigned long long>(tally.accepted),
              static_cast<unsigned long long>(tally.rejected),
              static_cast<unsigned long long>(tally.undecided));
  EXPECT_GT(tally.accepted * 5, judged) << "too few lines are valid to prove much";
  EXPECT_GT(tally.rejected * 5, judged) << "too few lines are not";
  EXPECT_LT(tally.undecided * 20, judged);
}

template <class Record>
void compare_as_told(uint64_t offset) {
  compare<Record>(from_environment("PAYSTATS_FUZZ_SEED", 1) + offset,
                  from_environment("PAYSTATS_FUZZ_LINES", kLinesDefault) / 3);
}

TEST(Differential, PaymentsAreJudgedAsNlohmannJsonDoes) {
  compare_as_told<Payment>(0);
}
TEST(Differential, BatchesAreJudgedAsNlohmannJsonDoes) {
  compare_as_told<Batch>(1000003);
}
TEST(Differential, StatsAreJudgedAsNlohmannJsonDoes) {
  compare_as_told<Stats>(2000003);
}

// Groups of batches, each of which is judged by itself: the group is what its elements are, or as
// a whole a reject.
TEST(Differential, AGroupIsWhatItsElementsAre) {
  LineMaker maker(from_environment("PAYSTATS_FUZZ_SEED", 1) + 3000003);
  std::mt19937_64 random(7);
  LineDecoder<Payment> fast(FieldNames{});
  LineDecoder<Payment> general(FieldNames{}, DecodePath::kGeneral);
  DecodedLines<Payment> a;
  DecodedLines<Payment> b;
  int accepted = 0;
  int rejected = 0;
  for (uint64_t made = 0; made < from_environment("PAYSTATS_FUZZ_LINES", kLinesDefault) / 20;
       ++made) {
    std::vector<std::string> elements(random() % 3 == 0 ? random() % 300 : random() % 4);
    std::string text;
    bool right = !elements.empty();
    bool bad_alone = false;
    for (std::string& element : elements) {
      do element = maker.batch(false);
      while (elements.size() > 4 && !oracle::judge<Payment>(element).record);
      text += (&element == elements.data() ? "" : ",") + element;
      Payment payment;
      bad_alone = bad_alone || general.decode_one(element, payment) != Flaw::kNone;
    }
    right = right && !bad_alone;
    text = "[" + text + "]";
    const int form = static_cast<int>(random() % 4);
    if (form == 1) text = R"({"payments":)" + text + "}";
    if (form == 2) text = R"({"time":"t","payments" : )" + text + R"(,"volume":0})";
    if (form == 3) text = R"({"payment\u0073":)" + text + "}";
    const std::string block = text + "\n";
    ASSERT_EQ(fast.decode(block, a), block.size());
    ASSERT_EQ(general.decode(block, b), block.size());
    ASSERT_EQ(a.rows.size(), b.rows.size()) << text;
    ASSERT_EQ(a.rejected.size(), b.rejected.size()) << text;
    ASSERT_EQ(a.records, 1U);
    // What is just not too deep alone is so in a group.
    right = right && (a.rejected.empty() || a.rejected[0].flaw != Flaw::kTooDeep);
    ASSERT_EQ(a.rejected.size(), right ? 0U : 1U) << text;
    ASSERT_EQ(a.rows.size(), right ? elements.size() : 0U);
    if (!right) {
      EXPECT_EQ(a.rejected[0].flaw, b.rejected[0].flaw) << text;
      EXPECT_EQ(a.rejected[0].element, b.rejected[0].element) << text;
    }
    for (size_t i = 0; i < a.rows.size(); ++i) {
      Payment alone;
      ASSERT_EQ(general.decode_one(elements[i], alone), Flaw::kNone);
      ASSERT_EQ(keep(a.rows[i].record), keep(alone)) << text;
      ASSERT_EQ(keep(b.rows[i].record), keep(alone)) << text;
      ASSERT_EQ(a.rows[i].line, 0U);
    }
    ++(right ? accepted : rejected);
  }
  EXPECT_GT(accepted, 100);
  EXPECT_GT(rejected, 100);
}

}  // namespace
}  // namespace paystats::record
