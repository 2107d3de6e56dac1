#include "topics/start.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace paystats::topics {
namespace {

StartContext context(OnDataLoss on_data_loss = OnDataLoss::kStop) {
  return {.topics = {.payments = "payments", .stats = "payment-stats"},
          .group = "the group",
          .origin = {.cluster_id = "here", .output = "payment-stats", .options = 5},
          .tool_options = "--bootstrap-server a:1,b:2",
          .on_data_loss = on_data_loss};
}

kafka::TableDigest table(uint64_t users, uint64_t count) {
  return {.users = users, .count = count, .sum = money::Decimal::from_nanos(7)};
}

// Payments from offset `low` to 199, of which those up to 149 are in totals of 40 users, and an
// offset that was committed with them.
PartitionFacts signed_facts(int64_t low = 0) {
  return {
      .offsets = {.partition = 2,
                  .low = low,
                  .high = 200,
                  .committed = 150,
                  .signature =
                      kafka::OffsetSignature{
                          .table = table(40, 900),
                          .last = kafka::MessageMark{.offset = 149, .timestamp_ms = 1, .hash = 2},
                          .cluster = "here",
                          .output = "payment-stats",
                          .options = 5}},
      .last = low > 149 ? LastMessage::kUnchecked : LastMessage::kSame,
      .last_offset = 149,
      .table = table(40, 900),
      .newest_total = 149};
}

PartitionFacts unsigned_facts(int64_t committed, int64_t newest_total, int64_t low = 0) {
  PartitionFacts facts = signed_facts(low);
  facts.last = LastMessage::kUnchecked;
  facts.offsets.signature.reset();
  facts.offsets.committed = committed;
  facts.newest_total = newest_total;
  return facts;
}

PartitionFacts without_totals(PartitionFacts facts) {
  facts.table = {};
  facts.newest_total = -1;
  return facts;
}

base::Result<TopicStarts> starts(const PartitionFacts& facts,
                                 OnDataLoss on_data_loss = OnDataLoss::kStop) {
  return choose_starts({&facts, 1}, context(on_data_loss));
}

int64_t start_of(const PartitionFacts& facts, OnDataLoss on_data_loss = OnDataLoss::kStop) {
  const base::Result<TopicStarts> found = starts(facts, on_data_loss);
  EXPECT_TRUE(found) << found.error().message;
  return found ? found->starts.at(0).offset : -1;
}

// What all that is refused has in common.
std::string refusal(const PartitionFacts& facts, OnDataLoss on_data_loss = OnDataLoss::kStop) {
  const base::Result<TopicStarts> found = starts(facts, on_data_loss);
  EXPECT_FALSE(found) << "begins at " << found->starts.at(0).offset;
  if (found) return "";
  EXPECT_EQ(found.error().kind, base::ErrorKind::kMustNotGoOn);
  return found.error().message;
}

// It is not for --on-data-loss continue.
std::string refusal_for_good(const PartitionFacts& facts) {
  EXPECT_EQ(refusal(facts, OnDataLoss::kContinue), refusal(facts));
  return refusal(facts);
}

std::string warning_of(const PartitionFacts& facts, OnDataLoss on_data_loss = OnDataLoss::kStop) {
  const base::Result<TopicStarts> found = starts(facts, on_data_loss);
  return found && found->warnings.size() == 1 ? found->warnings[0] : "";
}

bool is_quiet(const PartitionFacts& facts) {
  const base::Result<TopicStarts> found = starts(facts);
  return found && found->warnings.empty() && found->notes.empty();
}

bool says(const std::string& message, const std::string& words) {
  return message.find(words) != std::string::npos;
}

constexpr const char* kNewOutput = "give payagg a new output topic and a new group";

TEST(TopicStart, AGroupGoesOnAtItsOffset) {
  EXPECT_EQ(start_of(signed_facts()), 150);
  EXPECT_TRUE(is_quiet(signed_facts()));
}

TEST(TopicStart, AGroupThatHasReadEverythingGoesOnAtTheEnd) {
  PartitionFacts found = signed_facts();
  found.offsets.high = 150;
  EXPECT_EQ(start_of(found), 150);
}

// Rejects, and the ends of transactions, are in no total.
TEST(TopicStart, WhatIsInNoTotalMayStandBeforeTheOffset) {
  PartitionFacts found = signed_facts();
  found.newest_total = 100;
  EXPECT_EQ(start_of(found), 150);
}

// ---- Without offsets

TEST(TopicStart, ANewGroupBeginsWithTheFirstPaymentThereIs) {
  PartitionFacts found = without_totals(unsigned_facts(0, -1));
  found.offsets.committed.reset();
  EXPECT_EQ(start_of(found), 0);
  EXPECT_TRUE(is_quiet(found));
}

TEST(TopicStart, ANewGroupIsToldThatTheBeginningIsGone) {
  PartitionFacts found = without_totals(unsigned_facts(0, -1, 100));
  found.offsets.committed.reset();
  EXPECT_EQ(start_of(found), 100);
  EXPECT_TRUE(says(warning_of(found), "partition 2 begins at offset 100"));
}

TEST(TopicStart, AGroupThatHasReadNothingIsToldTheSameOfAnOffsetThatItHasCommitted) {
  PartitionFacts found = without_totals(signed_facts(100));
  found.offsets.committed = 0;
  found.offsets.signature->table = {};
  found.offsets.signature->last.reset();
  EXPECT_EQ(start_of(found), 100);
  EXPECT_TRUE(says(warning_of(found), "partition 2 begins at offset 100"));
  for (const int64_t committed : {0, 100, 150, 250}) {
    found.offsets.low = 0;
    found.offsets.committed = committed;
    EXPECT_EQ(start_of(found), 0) << "it may be another topic, of which all is to be read";
    EXPECT_TRUE(is_quiet(found));
  }
  found.offsets.committed = found.offsets.low = 100;
  EXPECT_EQ(start_of(found), 100);
  EXPECT_TRUE(is_quiet(found)) << "it was said before";
  found.offsets.signature->cluster = "there";
  EXPECT_EQ(start_of(found), 100);
}

TEST(TopicStart, TotalsWithoutOffsetsBeginAtTheFrontSinceWhatIsIncludedIsKnown) {
  PartitionFacts found = unsigned_facts(0, 99, 100);
  found.offsets.committed.reset();
  EXPECT_EQ(start_of(found), 100);
  found.newest_total = 150;
  EXPECT_EQ(start_of(found), 100);
  EXPECT_TRUE(is_quiet(found));
  found.newest_total = 98;
  EXPECT_TRUE(says(refusal(found), "at offset 99"));
  EXPECT_EQ(start_of(found, OnDataLoss::kContinue), 100);
}

// ---- Of what they are made

TEST(TopicStart, OffsetsOfAnotherClusterAreRefused) {
  PartitionFacts found = signed_facts();
  found.offsets.signature->cluster = "there";
  EXPECT_TRUE(
      says(refusal_for_good(found), "committed in cluster there, and this is cluster here"));
  EXPECT_TRUE(says(refusal(found), kNewOutput));
  EXPECT_FALSE(refusal(without_totals(found)).empty());
  found.offsets.signature->cluster = "";
  EXPECT_EQ(start_of(found), 150);
  StartContext nameless = context();
  nameless.origin.cluster_id = "";
  found.offsets.signature->cluster = "there";
  EXPECT_TRUE(choose_starts({&found, 1}, nameless));
}

TEST(TopicStart, TotalsOfOtherOptionsAreRefused) {
  PartitionFacts found = signed_facts();
  found.offsets.signature->options = 6;
  EXPECT_TRUE(says(refusal_for_good(found), "made with other options"));
  EXPECT_TRUE(says(refusal(found), "give payagg the options of before, or a new output topic"));
  // Rejects alone, which the options of now may not be.
  found.offsets.signature->table = {};
  found.table = {};
  found.newest_total = -1;
  found.offsets.low = 1;
  EXPECT_TRUE(says(refusal(found), "made with other options"));
  // Nothing has been read.
  found.offsets.signature->last.reset();
  EXPECT_EQ(start_of(found), 1);
}

TEST(TopicStart, OffsetsOfAnotherOutputAreRefused) {
  for (PartitionFacts found : {signed_facts(), without_totals(signed_facts())}) {
    found.offsets.signature->output = "others";
    EXPECT_TRUE(says(refusal_for_good(found),
                     "kafka:payments: partition 2: the offset of group the group was committed "
                     "with totals in kafka:others, and not in kafka:payment-stats: a group is for "
                     "one output; give payagg another --group for this one, or none, which is the "
                     "default one"))
        << refusal(found);
    found.offsets.signature->output = "";
    EXPECT_TRUE(starts(found)) << "of a version before";
  }
  // Nothing has been read.
  PartitionFacts found = without_totals(signed_facts());
  found.offsets.signature->output = "others";
  found.offsets.signature->table = {};
  found.offsets.signature->last.reset();
  EXPECT_TRUE(starts(found));
}

TEST(TopicStart, OtherOptionsAndANewOutputCountAllPaymentsAnew) {
  PartitionFacts found = without_totals(signed_facts());
  found.offsets.signature->options = 6;
  EXPECT_EQ(start_of(found), 0);
  found.offsets.signature->table = {};
  EXPECT_EQ(start_of(found), 0) << "what was a reject may be none";
}

TEST(TopicStart, ALastMessageThatIsAnotherOneMeansATopicMadeAnew) {
  PartitionFacts found = signed_facts();
  found.last = LastMessage::kOther;
  EXPECT_TRUE(says(refusal_for_good(found),
                   "kafka:payments: partition 2: the last message that was read, at offset 149, is "
                   "not in the topic any more: it has been made anew"));
  EXPECT_TRUE(says(refusal(found), kNewOutput));
  found.offsets.high = 120;
  EXPECT_TRUE(says(refusal_for_good(found), "was at offset 149, but the topic ends at offset 120"));
}

// With the topic its offsets have gone, too.
TEST(TopicStart, ATopicMadeAnewIsKnownByItsTotalsAlone) {
  PartitionFacts found = unsigned_facts(150, 149);
  found.last = LastMessage::kOther;
  EXPECT_TRUE(says(refusal_for_good(found), "it has been made anew"));
  found.offsets.committed.reset();
  EXPECT_TRUE(says(refusal_for_good(found), "it has been made anew"));
}

TEST(TopicStart, ALastMessageThatHasBeenRemovedIsNotChecked) {
  PartitionFacts found = signed_facts(150);
  EXPECT_EQ(found.last, LastMessage::kUnchecked);
  EXPECT_EQ(start_of(found), 150);
}

// What remains of them is the end of a transaction, which is gone as well.
TEST(TopicStart, PaymentsThatWereAllReadBeforeTheyWereRemovedAreNotMissed) {
  PartitionFacts found = signed_facts(151);
  found.offsets.signature->before_marker = true;
  EXPECT_EQ(start_of(found), 151);
  const base::Result<TopicStarts> chosen = starts(found);
  ASSERT_TRUE(chosen);
  EXPECT_TRUE(chosen->warnings.empty());
  ASSERT_EQ(chosen->notes.size(), 1U);
  EXPECT_TRUE(says(chosen->notes[0], "kafka:payments: partition 2: all payments that were read"));
  // Rejects alone.
  found = without_totals(found);
  found.offsets.signature->table = {};
  EXPECT_EQ(start_of(found), 151);
}

TEST(TopicStart, MoreThanTheEndOfATransactionIsMissed) {
  PartitionFacts found = signed_facts(152);
  found.offsets.signature->before_marker = true;
  EXPECT_TRUE(
      says(refusal(found), "at offset 150, but the first that is still there is at offset"));
  found = signed_facts(151);
  EXPECT_TRUE(says(refusal(found), "at offset 150")) << "nobody has said that it is one";
  found = without_totals(signed_facts(151));
  found.offsets.signature->before_marker = true;
  EXPECT_TRUE(says(refusal(found), "totals are missing, there are 0 users"));
}

TEST(TopicStart, AnOffsetBehindTheEndIsAskedForAgain) {
  PartitionFacts found = unsigned_facts(201, 149);
  EXPECT_TRUE(wants_second_look(found));
  found.again = found.offsets;
  EXPECT_TRUE(says(refusal(found), "has read up to offset 201, but the topic ends at offset 200"));
  // A member before has gone on meanwhile.
  found.again->high = 201;
  EXPECT_EQ(start_of(found), 0);
}

TEST(TopicStart, AnotherMemberMakesTheSameTotalsOrThisOneMustNotGoOn) {
  const auto judged = [](auto change) {
    kafka::SignedOffset offset{
        .partition = 3, .offset = 7, .signature = signed_facts().offsets.signature};
    change(offset);
    const base::Result<void> same = judge_companion(offset, context());
    if (same) return std::string();
    EXPECT_EQ(same.error().kind, base::ErrorKind::kMustNotGoOn);
    return same.error().message;
  };
  EXPECT_EQ(judged([](auto&) {}), "");
  EXPECT_EQ(judged([](auto& offset) { offset.signature.reset(); }), "") << "set by hand";
  EXPECT_TRUE(says(judged([](auto& offset) { offset.signature->options = 6; }),
                   "kafka:payments: partition 3: another member of group the group makes its "
                   "totals with other options"));
  EXPECT_TRUE(says(judged([](auto& offset) { offset.signature->output = "b"; }),
                   "writes its totals to kafka:b, and this one to kafka:payment-stats: "));
  EXPECT_EQ(judged([](auto& offset) {
              offset.signature->options = 6;
              offset.signature->table = {};
              offset.signature->last.reset();
            }),
            "")
      << "nothing has been read with them";
}

TEST(TopicStart, AnOffsetSetBeyondTheEndOfTheSameTopicSkipsNothing) {
  PartitionFacts found = unsigned_facts(500, 149);
  found.last = LastMessage::kSame;
  found.again = found.offsets;
  EXPECT_EQ(start_of(found), 0) << "all payments are there";
  found = unsigned_facts(500, 149, 100);
  found.last = LastMessage::kSame;
  EXPECT_EQ(start_of(found), 150);
  // The end of a transaction that was committed beyond was cut by an election.
  found = signed_facts();
  found.offsets.committed = 202;
  EXPECT_EQ(start_of(found), 200);
}

TEST(TopicStart, TotalsOfPaymentsThatDoNotExistMeanATopicMadeAnew) {
  PartitionFacts found = unsigned_facts(150, 200);
  EXPECT_TRUE(wants_second_look(found));
  EXPECT_TRUE(says(refusal_for_good(found),
                   "there are totals up to offset 200, but the topic ends "
                   "at offset 200: it has been made anew"));
  // A member before has published what came meanwhile.
  found.again = found.offsets;
  found.again->high = 201;
  EXPECT_EQ(start_of(found), 0);
}

TEST(TopicStart, AnOffsetBehindTheEndMeansATopicMadeAnew) {
  const PartitionFacts found = without_totals(unsigned_facts(201, -1));
  EXPECT_TRUE(says(refusal_for_good(found),
                   "has read up to offset 201, but the topic ends at "
                   "offset 200: it has been made anew, and kafka:payment-stats has no totals; "
                   "give payagg a new group"));
}

// ---- Totals that are missing

TEST(TopicStart, TotalsOtherThanTheOffsetWasSignedWithAreRefusedWithTheCommandThatMakesThemAgain) {
  PartitionFacts found = signed_facts();
  EXPECT_FALSE(wants_second_look(found));
  found.table = table(12, 300);
  found.newest_total = 90;
  const std::string message = refusal(found);
  EXPECT_TRUE(says(message,
                   "kafka:payment-stats: totals are missing in partition 2: partition 2 has "
                   "12 users with 300 payments, and had 40 with 900"));
  EXPECT_TRUE(
      message.ends_with("kafka-consumer-groups.sh --bootstrap-server a:1,b:2 --group "
                        "'the group' --reset-offsets --to-earliest --topic payments --execute"))
      << message;
  EXPECT_TRUE(says(message,
                   "all payments are there, so they are made again by a new start after this: with "
                   "all members of the group stopped for their session, 10 s unless it was set "
                   "(before that Kafka's tool prints an error, changes nothing, and exits 0), "
                   "kafka-consumer-groups.sh"))
      << message;
  EXPECT_EQ(start_of(found, OnDataLoss::kContinue), 0);
  found.table = table(40, 899);
  EXPECT_TRUE(says(refusal(found), "had 40 with 900"));
  found.table = table(41, 900);
  EXPECT_TRUE(says(refusal(found), "had 40 with 900"));
}

TEST(TopicStart, AfterThatCommandAllIsReadAgain) {
  PartitionFacts found = unsigned_facts(0, 90);
  found.table = table(12, 300);
  EXPECT_EQ(start_of(found), 0);
}

TEST(TopicStart, MissingTotalsWhosePaymentsAreGoneAreForAPersonToDecide) {
  PartitionFacts found = signed_facts(100);
  found.table = table(12, 300);
  const std::string message = refusal(found);
  EXPECT_TRUE(says(message, "kafka:payments begins at offset 100, so what the payments before"));
  EXPECT_TRUE(says(message, "--on-data-loss continue"));
  EXPECT_EQ(start_of(found, OnDataLoss::kContinue), 100) << "all that is there is read";
  EXPECT_TRUE(says(warning_of(found, OnDataLoss::kContinue), "is lost"));
}

TEST(TopicStart, TotalsThatAreAllGoneAreMissingToo) {
  const PartitionFacts found = without_totals(signed_facts(100));
  const std::string message = refusal(found);
  EXPECT_TRUE(says(message,
                   "totals are missing, there are 0 users with 0 payments and there were "
                   "40 with 900; kafka:payments begins at offset 100"))
      << message;
  EXPECT_EQ(start_of(found, OnDataLoss::kContinue), 100);
}

TEST(TopicStart, OneMessageNamesAllPartitionsWithMissingTotals) {
  std::vector<PartitionFacts> found(6, signed_facts());
  for (size_t i = 0; i < found.size(); ++i) {
    found[i].offsets.partition = static_cast<int32_t>(i);
    if (i != 3) found[i].table = table(12, 300);
  }
  const base::Result<TopicStarts> chosen = choose_starts(found, context());
  ASSERT_FALSE(chosen);
  EXPECT_TRUE(says(chosen.error().message, "missing in partitions 0 to 2, 4, 5: partition 0 has"));
  EXPECT_TRUE(says(chosen.error().message, "--topic payments --execute")) << "for all members";
}

// There it would be an offset that nobody has signed, which hides what is missing.
TEST(TopicStart, ThatCommandLeavesPartitionsAloneWhosePaymentsAreNotAllThere) {
  std::vector<PartitionFacts> found{signed_facts(), signed_facts(100), signed_facts()};
  for (size_t i = 0; i < found.size(); ++i) found[i].offsets.partition = static_cast<int32_t>(i);
  found[0].table = found[2].table = table(12, 300);
  const base::Result<TopicStarts> chosen = choose_starts(found, context());
  ASSERT_FALSE(chosen);
  EXPECT_TRUE(says(chosen.error().message, "--topic payments:0,2 --execute"));
  EXPECT_TRUE(says(chosen.error().message, "each member names its own partitions"));
}

TEST(TopicStart, WhomATombstoneHasRemovedIsNotMissing) {
  PartitionFacts found = signed_facts();
  found.table = table(38, 700);
  found.tombstones = 1;
  EXPECT_TRUE(says(refusal(found), "totals are missing"));
  found.tombstones = 2;
  EXPECT_EQ(start_of(found), 150);
  EXPECT_TRUE(is_quiet(found));
  // All of them.
  found = without_totals(signed_facts());
  found.tombstones = 40;
  EXPECT_EQ(start_of(found), 150);
}

// ---- Totals that are ahead of the offset

TEST(TopicStart, TotalsAheadOfTheOffsetAreAskedAboutAgainAndThenTaken) {
  PartitionFacts found = signed_facts();
  found.newest_total = 150;
  EXPECT_TRUE(wants_second_look(found));
  found.table = table(45, 1200);
  found.again = found.offsets;
  EXPECT_EQ(start_of(found), 150) << "in parts, or at least once";
  EXPECT_TRUE(is_quiet(found));
  found.table = table(39, 1200);
  EXPECT_TRUE(says(refusal(found), "totals are missing"));
  found.tombstones = 1;
  EXPECT_EQ(start_of(found), 150);
}

TEST(TopicStart, WhatAMemberBeforeHasCommittedMeanwhileIsGoneOnFrom) {
  PartitionFacts found = signed_facts();
  found.newest_total = 170;
  found.table = table(45, 1200);
  found.again = found.offsets;
  found.again->committed = 180;
  found.again->signature->table = table(45, 1200);
  EXPECT_EQ(start_of(found), 180);
  // It runs on: what was read back belongs to neither, and all of it is behind the first offset.
  found.again->signature->table = table(46, 1300);
  EXPECT_EQ(start_of(found), 150);
  found.again->committed = 170;
  EXPECT_EQ(start_of(found), 150);
}

// ---- No totals at all

TEST(TopicStart, TotalsThatAreGoneAreMadeAgain) {
  EXPECT_EQ(start_of(without_totals(signed_facts())), 0);
  EXPECT_EQ(start_of(without_totals(unsigned_facts(150, -1))), 0);
  EXPECT_EQ(warning_of(without_totals(signed_facts())),
            "kafka:payment-stats: partition 2: totals that were there are gone, and are made again "
            "from all payments");
}

TEST(TopicStart, TotalsOfWhichNobodyKnowsAreNotSaidToBeGone) {
  const std::string said =
      "kafka:payment-stats: partition 2: the group has read payments, and there are no totals: "
      "they "
      "are made from all payments";
  EXPECT_EQ(warning_of(without_totals(unsigned_facts(150, -1))), said);
  PartitionFacts rejects = without_totals(signed_facts());
  rejects.offsets.signature->table = {};
  rejects.offsets.signature->options = 6;
  EXPECT_EQ(warning_of(rejects), said);
}

TEST(TopicStart, TotalsThatCannotBeMadeAgainAreAnErrorThatNamesBothOffsets) {
  for (const PartitionFacts& found : {without_totals(unsigned_facts(150, -1, 100)),
                                      without_totals(unsigned_facts(190, -1, 150))}) {
    const std::string low = std::to_string(found.offsets.low);
    EXPECT_TRUE(
        says(refusal(found), "at offset 0, but the first that is still there is at offset " + low));
    EXPECT_TRUE(says(refusal(found), "--on-data-loss continue"));
    EXPECT_EQ(start_of(found, OnDataLoss::kContinue), found.offsets.low);
  }
}

TEST(TopicStart, WhereNobodyHasATotalTheOffsetIsGoneOnFrom) {
  PartitionFacts found = without_totals(signed_facts(100));
  found.offsets.signature->table = {};
  EXPECT_EQ(start_of(found), 150) << "rejects alone";
  EXPECT_TRUE(is_quiet(found));
}

// ---- Offsets that are not signed

// Nobody has said what the totals were there, so some of them may be missing.
TEST(TopicStart, AnUnsignedOffsetReadsAllPaymentsAgainWhereAllAreThere) {
  EXPECT_EQ(start_of(unsigned_facts(200, 99)), 0) << "moved forward";
  EXPECT_EQ(start_of(unsigned_facts(50, 149)), 0) << "moved back";
  EXPECT_EQ(start_of(unsigned_facts(150, 149)), 0);
  EXPECT_FALSE(wants_second_look(unsigned_facts(50, 149)));
}

TEST(TopicStart, AnUnsignedOffsetSkipsNothingThatIsThere) {
  EXPECT_EQ(start_of(unsigned_facts(200, 99, 10)), 100) << "moved forward";
  EXPECT_EQ(start_of(unsigned_facts(50, 149, 10)), 50) << "moved back";
  EXPECT_EQ(start_of(unsigned_facts(150, 149, 10)), 150);
}

TEST(TopicStart, OneNoteNamesAllPartitionsWithUnsignedOffsets) {
  std::vector<PartitionFacts> found(7, unsigned_facts(200, 99, 10));
  found[2] = signed_facts();
  found[5] = found[6] = unsigned_facts(200, 99);
  for (size_t i = 0; i < found.size(); ++i) found[i].offsets.partition = static_cast<int32_t>(i);
  const base::Result<TopicStarts> chosen = choose_starts(found, context());
  ASSERT_TRUE(chosen);
  EXPECT_TRUE(chosen->warnings.empty());
  EXPECT_EQ(
      chosen->notes,
      (std::vector<std::string>{
          "kafka:payments: partitions 0, 1, 3, 4: the group's offset was set by hand or by a "
          "version before; reading begins where nothing is missed, and what a total includes is "
          "skipped",
          "kafka:payments: partitions 5, 6: the group's offset was set by hand or by a version "
          "before; all payments are read again, and what a total includes is skipped"}));
}

TEST(TopicStart, WhatAnUnsignedOffsetMayHaveSkippedMustBeThere) {
  const PartitionFacts found = unsigned_facts(200, 99, 120);
  const std::string message = refusal(found);
  EXPECT_TRUE(says(message, "the group's offset, 200, was set by hand or by a version before"));
  EXPECT_TRUE(says(message, "up to offset 119, have been removed"));
  EXPECT_EQ(start_of(found, OnDataLoss::kContinue), 120);
}

// ---- Payments that are missing

TEST(TopicStart, UnreadPaymentsThatWereRemovedAreAnErrorThatNamesBothOffsets) {
  for (const PartitionFacts& found : {signed_facts(160), unsigned_facts(150, 149, 160)}) {
    EXPECT_TRUE(
        says(refusal(found), "at offset 150, but the first that is still there is at offset 160"));
    EXPECT_EQ(start_of(found, OnDataLoss::kContinue), 160);
    EXPECT_FALSE(warning_of(found, OnDataLoss::kContinue).empty());
  }
}

constexpr const char* kMaybeAnew =
    "if the topic has been made anew, which cannot be told any more, give payagg a new output "
    "topic and a new group";

// Those that were read last have gone with them, so that nothing tells the one from the other.
TEST(TopicStart, UnreadPaymentsThatWereRemovedMayBeThoseOfATopicMadeAnew) {
  const PartitionFacts found = signed_facts(160);
  EXPECT_TRUE(says(refusal(found), kMaybeAnew)) << refusal(found);
  EXPECT_TRUE(says(refusal(found), "else --on-data-loss continue goes on without them"));
  EXPECT_TRUE(says(warning_of(found, OnDataLoss::kContinue), kMaybeAnew));
  PartitionFacts same = signed_facts(100);  // the last message is still there
  same.table = table(12, 300);
  EXPECT_FALSE(says(refusal(same), "made anew")) << refusal(same);
  EXPECT_FALSE(says(refusal(without_totals(found)), "made anew")) << "there is nothing to mix";
}

TEST(GonePayments, MayBeThoseOfATopicMadeAnew) {
  GoneFacts facts{.ends = {.partition = 2, .low = 100, .high = 200},
                  .wanted = 80,
                  .last = LastMessage::kUnchecked};
  EXPECT_TRUE(says(judge_gone(facts, context()).error().message, kMaybeAnew));
  EXPECT_TRUE(says(*judge_gone(facts, context(OnDataLoss::kContinue)), kMaybeAnew));
  facts.last = LastMessage::kSame;
  EXPECT_FALSE(says(judge_gone(facts, context()).error().message, "made anew"));
}

TEST(GonePayments, RemovedByRetentionTheyAreAnErrorOrAWarning) {
  const GoneFacts facts{.ends = {.partition = 2, .low = 100, .high = 200},
                        .wanted = 80,
                        .last = LastMessage::kUnchecked};
  const base::Result<std::string> stop = judge_gone(facts, context());
  ASSERT_FALSE(stop);
  EXPECT_EQ(stop.error().kind, base::ErrorKind::kMustNotGoOn);
  EXPECT_TRUE(says(stop.error().message,
                   "at offset 80, but the first that is still there is at "
                   "offset 100"));
  const base::Result<std::string> go_on = judge_gone(facts, context(OnDataLoss::kContinue));
  ASSERT_TRUE(go_on);
  EXPECT_TRUE(says(*go_on, "at offset 80"));
}

TEST(GonePayments, OfATopicThatWasMadeAnewAreNeverGoneOnWithout) {
  for (const GoneFacts& facts :
       {GoneFacts{.ends = {.partition = 2, .low = 0, .high = 50}, .wanted = 80},
        GoneFacts{.ends = {.partition = 2, .low = 0, .high = 500},
        .wanted = 80,
        .last = LastMessage::kOther}}) {
    const base::Result<std::string> found = judge_gone(facts, context(OnDataLoss::kContinue));
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().kind, base::ErrorKind::kMustNotGoOn);
    EXPECT_TRUE(says(found.error().message, "it has been made anew")) << found.error().message;
  }
}

TEST(GonePayments, TheEndOfATransactionIsNone) {
  GoneFacts facts{.ends = {.partition = 2, .low = 81, .high = 81},
                  .wanted = 80,
                  .last = LastMessage::kUnchecked,
                  .before_marker = true};
  EXPECT_EQ(judge_gone(facts, context()), "");
  EXPECT_EQ(judge_gone(facts, context(OnDataLoss::kContinue)), "");
  facts.ends.low = 82;
  EXPECT_FALSE(judge_gone(facts, context()));
  facts.ends = {.partition = 2, .low = 0, .high = 50};
  EXPECT_FALSE(judge_gone(facts, context())) << "made anew";
}

TEST(GonePayments, WhatIsThereAfterAllIsReadOn) {
  const base::Result<std::string> found = judge_gone(
      {.ends = {.partition = 2, .low = 0, .high = 80}, .wanted = 80, .last = LastMessage::kSame},
      context());
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, "");
}

}  // namespace
}  // namespace paystats::topics
