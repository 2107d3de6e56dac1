#include "topics/signature.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace paystats::topics {
namespace {

TopicPart part_of(int32_t partition) {
  return {.totals = PartitionTotals(partition, 7, {.track_changes = true}), .target = 0};
}

TopicParts parts_of(std::initializer_list<int32_t> partitions) {
  TopicParts parts;
  for (const int32_t partition : partitions) parts.emplace(partition, part_of(partition));
  return parts;
}

io::Message message(int32_t partition, int64_t offset, std::string_view value) {
  return {.key = "edgar", .value = value, .at = {partition, offset}, .timestamp_ms = 1000 + offset};
}

const TotalsOrigin kOrigin{.cluster_id = "here", .output = "payment-stats", .options = 5};

kafka::OffsetSignature found_signature() {
  return {.table = {.users = 1, .count = 2, .sum = money::Decimal::from_nanos(3)},
          .last = kafka::MessageMark{.offset = 9, .timestamp_ms = 8, .hash = 7},
          .cluster = "elsewhere",
          .options = 6};
}

// It is compared with what has been committed by versions before.
TEST(OptionsHash, IsTheSameForEver) {
  EXPECT_EQ(options_text({}), R"({"user":"user","amount":"paymentAmt","volume":"volume"})");
  EXPECT_EQ(options_hash({}), 0x4815de426bf9c780U);
  EXPECT_EQ(
      options_text({}, io::Framing::kSchemaRegistry),
      R"({"user":"user","amount":"paymentAmt","volume":"volume","framing":"schema-registry"})");
  EXPECT_EQ(options_text({.user = "a\"", .amount = "b", .volume = "", .foreign_volume = "volume"}),
            R"({"user":"a\"","amount":"b","volume":""})");
}

TEST(NoteLast, TakesTheLastOfEachPartitionHoweverTheyAreMixed) {
  TopicParts parts = parts_of({0, 1, 2});
  const std::vector<io::Message> messages{message(0, 1, "a"), message(1, 5, "b"),
                                          message(0, 4, "c"), message(0, 5, "d"),
                                          message(1, 6, "e")};
  note_last({.messages = messages, .source = "payments"}, parts);
  EXPECT_EQ(parts.at(0).last, kafka::mark_of(messages[3]));
  EXPECT_EQ(parts.at(1).last, kafka::mark_of(messages[4]));
  EXPECT_EQ(parts.at(2).last, std::nullopt);
  note_last({.messages = {&messages[1], 0}, .source = "payments"}, parts);
  EXPECT_EQ(parts.at(1).last, kafka::mark_of(messages[4]));
}

TEST(Sign, SaysOfWhatTheTotalsAreAndWhere) {
  const kafka::OffsetSignature signature = sign(part_of(3), kOrigin);
  EXPECT_EQ(signature.cluster, "here");
  EXPECT_EQ(signature.output, "payment-stats");
  EXPECT_EQ(signature.options, 5U);
}

// The last message is at offset 9.
TEST(Sign, TheEndOfATransactionIsToldFromAPaymentByWhatIsKnownOfThePartition) {
  TopicPart part = part_of(3);
  part.last = found_signature().last;
  part.begun = 9;
  const kafka::GroupConsumer::Position behind{.partition = 3, .next = 10, .high = 11};
  EXPECT_FALSE(sign(part, behind, kOrigin).before_marker) << "it may be a payment";
  note_end({.partition = 3, .next = 10, .high = 11, .at_end = true}, part);
  EXPECT_FALSE(sign(part, behind, kOrigin).before_marker) << "an open transaction";
  part.begun = 11;
  note_end({.partition = 3, .next = 11, .high = 11, .at_end = true}, part);
  EXPECT_FALSE(sign(part, behind, kOrigin).transactions) << "payments may have been removed";
  part.begun = 9;
  note_end({.partition = 3, .next = 11, .high = 11, .at_end = true}, part);
  EXPECT_TRUE(sign(part, kOrigin).transactions);
  EXPECT_TRUE(sign(part, behind, kOrigin).before_marker);
  kafka::OffsetSignature before = sign(part, kOrigin);
  EXPECT_FALSE(before.before_marker);
  before.before_marker = true;
  EXPECT_EQ(sign(part, behind, kOrigin), before);
  const std::vector<kafka::GroupConsumer::Position> others{
      {.next = 10, .high = 10}, {.next = 10, .high = 11, .at_end = true}, {.next = 11, .high = 12}};
  for (const kafka::GroupConsumer::Position& position : others) {
    EXPECT_FALSE(sign(part, position, kOrigin).before_marker) << position.next;
  }
  part.last.reset();
  EXPECT_FALSE(sign(part, behind, kOrigin).before_marker);
}

TEST(TakeOver, WhereNothingHasBeenReadTheSignatureThatWasFoundStays) {
  TopicPart part = part_of(3);
  const kafka::PartitionOffsets found{
      .partition = 3, .low = 0, .high = 20, .committed = 11, .signature = found_signature()};
  const kafka::SignedOffset begin = take_over(found, 11, part, kOrigin);
  EXPECT_EQ(begin.partition, 3);
  EXPECT_EQ(begin.offset, 11);
  EXPECT_EQ(begin.signature, found_signature());
  EXPECT_EQ(part.last, found_signature().last);
  // With the first publication the table is this member's, and so are cluster and options.
  const kafka::OffsetSignature now = sign(part, kOrigin);
  EXPECT_EQ(now.last, found_signature().last);
  EXPECT_EQ(now.table, kafka::TableDigest());
  EXPECT_EQ(now.cluster, "here");
  EXPECT_EQ(now.options, 5U);
}

TEST(TakeOver, ThatPaymentsComeInTransactionsIsPassedOn) {
  TopicPart part = part_of(3);
  kafka::PartitionOffsets found{
      .partition = 3, .low = 0, .high = 20, .committed = 11, .signature = found_signature()};
  take_over(found, 11, part, kOrigin);
  EXPECT_FALSE(part.transactions);
  EXPECT_EQ(part.begun, 11);
  found.signature->transactions = true;
  take_over(found, 11, part, kOrigin);
  EXPECT_TRUE(sign(part, kOrigin).transactions);
}

TEST(TakeOver, AnUnsignedOffsetKnowsNoLastMessage) {
  TopicPart part = part_of(3);
  const record::Stats stats{.user = "edgar",
                            .sum = money::Decimal::from_nanos(5),
                            .count = 2,
                            .at = record::SourceOffset{3, 10}};
  ASSERT_TRUE(part.totals.restore(stats));
  for (const std::optional<int64_t> committed : {std::optional<int64_t>(11), {}}) {
    const kafka::SignedOffset begin = take_over(
        {.partition = 3, .low = 0, .high = 20, .committed = committed}, 11, part, kOrigin);
    ASSERT_TRUE(begin.signature);
    EXPECT_EQ(begin.signature->table.users, 1U);
    EXPECT_EQ(begin.signature->table.count, 2U);
    EXPECT_EQ(begin.signature->last, std::nullopt);
  }
}

TEST(TakeOver, TheLastMessageMayBeKnownByTheTotalsAlone) {
  const kafka::PartitionOffsets found{.partition = 3, .low = 0, .high = 20, .committed = 11};
  for (const int64_t start : {9, 11}) {
    TopicPart part = part_of(3);
    part.last = found_signature().last;
    const kafka::SignedOffset begin = take_over(found, start, part, kOrigin);
    ASSERT_TRUE(begin.signature);
    EXPECT_EQ(begin.signature->last,
              start == 11 ? found_signature().last : std::optional<kafka::MessageMark>());
  }
}

TEST(TakeOver, WhoBeginsElsewhereSignsWhatWasReadBack) {
  const kafka::PartitionOffsets found{
      .partition = 3, .low = 0, .high = 20, .committed = 11, .signature = found_signature()};
  TopicPart part = part_of(3);
  const kafka::SignedOffset before = take_over(found, 0, part, kOrigin);
  EXPECT_EQ(before.signature, sign(part, kOrigin));
  EXPECT_EQ(part.last, std::nullopt) << "a message behind where it begins has not been read";
  const kafka::SignedOffset behind = take_over(found, 15, part, kOrigin);
  EXPECT_EQ(behind.signature, sign(part, kOrigin));
  EXPECT_EQ(part.last, found_signature().last);
}

}  // namespace
}  // namespace paystats::topics
