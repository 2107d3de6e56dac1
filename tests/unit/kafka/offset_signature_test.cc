#include "kafka/offset_signature.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

namespace paystats::kafka {
namespace {

money::Decimal decimal(std::string_view text) {
  money::Decimal value;
  EXPECT_EQ(money::parse_sum(text, value), money::AmountFlaw::kNone);
  return value;
}

OffsetSignature example() {
  return {.table = {.users = 2, .count = 7, .sum = decimal("-12.125")},
          .last = MessageMark{.offset = 41, .timestamp_ms = 1764460800000, .hash = 0xabc},
          .cluster = "MkU3OEVBNTcwNTJENDM2Qg",
          .options = 0x0123456789abcdef};
}

constexpr std::string_view kExample =
    "g.host.1\nv1 {\"users\":2,\"count\":\"7\",\"sum\":\"-12.125\",\"last\":{\"offset\":\"41\","
    "\"timestamp\":\"1764460800000\",\"hash\":\"0000000000000abc\"},"
    "\"cluster\":\"MkU3OEVBNTcwNTJENDM2Qg\",\"options\":\"0123456789abcdef\"}";

TEST(OffsetSignature, StandsBehindTheTransactionalId) {
  EXPECT_EQ(offset_metadata("g.host.1", example()), kExample);
  const OffsetMetadata found = read_offset_metadata(kExample);
  EXPECT_EQ(found.transactional_id, "g.host.1");
  EXPECT_EQ(found.signature, example());
}

TEST(OffsetSignature, WithoutATransactionTheFirstLineIsEmpty) {
  const std::string metadata = offset_metadata({}, example());
  EXPECT_TRUE(metadata.starts_with("\nv1 {"));
  EXPECT_EQ(read_offset_metadata(metadata).transactional_id, "");
  EXPECT_EQ(read_offset_metadata(metadata).signature, example());
}

TEST(OffsetSignature, AnOffsetWithoutOneHasTheTransactionalIdAlone) {
  EXPECT_EQ(offset_metadata("g.host.1", std::nullopt), "g.host.1");
  const OffsetMetadata found = read_offset_metadata("g.host.1");
  EXPECT_EQ(found.transactional_id, "g.host.1");
  EXPECT_FALSE(found.signature);
  EXPECT_EQ(offset_metadata({}, std::nullopt), "");
  EXPECT_FALSE(read_offset_metadata({}).signature);
}

TEST(OffsetSignature, SaysThatTheEndOfATransactionFollows) {
  OffsetSignature before = example();
  before.transactions = true;
  before.before_marker = true;
  const std::string metadata = offset_metadata("g.host.1", before);
  std::string wanted(kExample);
  wanted.insert(wanted.size() - 1, R"(,"transactions":true,"before":"marker")");
  EXPECT_EQ(metadata, wanted);
  EXPECT_EQ(read_offset_metadata(metadata).signature, before);
  wanted.replace(wanted.find("marker"), 6, "others");
  wanted.replace(wanted.find("true"), 4, "1234");
  EXPECT_EQ(read_offset_metadata(wanted).signature, example());
}

TEST(OffsetSignature, SaysInWhichTopicTheTotalsAre) {
  OffsetSignature of_output = example();
  of_output.output = "payment-stats";
  const std::string metadata = offset_metadata("g.host.1", of_output);
  std::string wanted(kExample);
  wanted.insert(wanted.find(",\"options\""), R"(,"output":"payment-stats")");
  EXPECT_EQ(metadata, wanted);
  EXPECT_EQ(read_offset_metadata(metadata).signature, of_output);
  wanted.replace(wanted.find("\"payment-stats\""), 15, "17");
  EXPECT_FALSE(read_offset_metadata(wanted).signature);
}

TEST(OffsetSignature, WhatIsNotThereIsLeftOut) {
  const OffsetSignature nothing;
  EXPECT_EQ(offset_metadata({}, nothing),
            "\nv1 {\"users\":0,\"count\":\"0\",\"sum\":\"0.00\",\"options\":\"0000000000000000\"}");
  EXPECT_EQ(read_offset_metadata(offset_metadata({}, nothing)).signature, nothing);
}

uint64_t any_number(std::mt19937_64& random) {
  switch (random() % 4) {
    case 0:
      return 0;
    case 1:
      return std::numeric_limits<uint64_t>::max();
    case 2:
      return random() % 100;
    default:
      return random();
  }
}

TEST(OffsetSignature, WhatIsWrittenIsReadBack) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 20'000; ++round) {
    const auto nanos = money::Uint128{any_number(random)} << 64U | any_number(random);
    OffsetSignature signature{
        .table = {.users = any_number(random),
                  .count = any_number(random),
                  .sum = money::Decimal::from_nanos(static_cast<money::Int128>(nanos))},
        .options = any_number(random)};
    if (random() % 4 != 0) {
      signature.last = MessageMark{.offset = static_cast<int64_t>(any_number(random)),
                                   .timestamp_ms = static_cast<int64_t>(any_number(random)),
                                   .hash = any_number(random)};
    }
    for (uint64_t i = random() % 40; i > 0; --i) {
      signature.cluster += static_cast<char>(random() % 128);
    }
    const std::string metadata = offset_metadata("id", signature);
    ASSERT_EQ(metadata.find('\n'), 2U);
    ASSERT_EQ(metadata.find('\n', 3), metadata.npos) << metadata;
    const OffsetMetadata found = read_offset_metadata(metadata);
    ASSERT_EQ(found.transactional_id, "id");
    ASSERT_EQ(found.signature, signature) << metadata;
  }
}

TEST(OffsetSignature, FieldsOfALaterVersionAreIgnored) {
  std::string metadata(kExample);
  metadata.insert(metadata.find("\"users\""), "\"more\":[{\"users\":5}],");
  metadata.insert(metadata.find("\"offset\""), "\"epoch\":\"x\",");
  EXPECT_EQ(read_offset_metadata(metadata).signature, example());
}

TEST(OffsetSignature, AnotherVersionIsUnsigned) {
  std::string metadata(kExample);
  metadata[metadata.find("v1 ") + 1] = '2';
  EXPECT_FALSE(read_offset_metadata(metadata).signature);
  EXPECT_EQ(read_offset_metadata(metadata).transactional_id, "g.host.1");
}

// Whatever a byte of it becomes, and wherever it ends: read as something or as unsigned, and never
// as an id that it is not.
TEST(OffsetSignature, DamageIsUnsigned) {
  const size_t begin = kExample.find('\n') + 1;
  for (size_t at = begin; at < kExample.size(); ++at) {
    const OffsetMetadata cut = read_offset_metadata(kExample.substr(0, at));
    EXPECT_FALSE(cut.signature) << at;
    EXPECT_EQ(cut.transactional_id, "g.host.1");
    for (const char c : {'\0', '"', '{', 'x', '\n', '\xff'}) {
      std::string metadata(kExample);
      metadata[at] = c;
      EXPECT_EQ(read_offset_metadata(metadata).transactional_id, "g.host.1");
    }
  }
  for (const std::string_view damage :
       {"\"users\":2,", "\"count\":\"7\",", "\"sum\":\"-12.125\",", "\"offset\":\"41\",",
        ",\"hash\":\"0000000000000abc\"", ",\"options\":\"0123456789abcdef\""}) {
    std::string metadata(kExample);
    metadata.erase(metadata.find(damage), damage.size());
    EXPECT_FALSE(read_offset_metadata(metadata).signature) << damage;
    metadata = kExample;
    metadata.insert(metadata.find("\"users\""), "\"users\":2,");
    EXPECT_FALSE(read_offset_metadata(metadata).signature) << "twice";
  }
  for (const auto& [right, wrong] :
       std::vector<std::pair<std::string, std::string>>{{"\"7\"", "7"},
                                                        {"\"7\"", "\"-7\""},
                                                        {"\"7\"", "\"18446744073709551616\""},
                                                        {"-12.125", "12,125"},
                                                        {"0000000000000abc", "abc"},
                                                        {"\"41\"", "\"4 1\""},
                                                        {"\"MkU3OEVBNTcwNTJENDM2Qg\"", "17"}}) {
    std::string metadata(kExample);
    metadata.replace(metadata.find(right), right.size(), wrong);
    EXPECT_FALSE(read_offset_metadata(metadata).signature) << wrong;
  }
}

TEST(OffsetSignature, AllOfItStaysSmallWhateverTheNames) {
  OffsetSignature large{
      .table = {.users = UINT64_MAX, .count = UINT64_MAX, .sum = decimal("-1e29")},
      .last = MessageMark{.offset = INT64_MIN, .timestamp_ms = INT64_MIN, .hash = UINT64_MAX},
      .cluster = std::string(100, '\1'),
      .output = std::string(249, 's'),  // Kafka allows no longer one
      .options = UINT64_MAX};
  for (const size_t cluster : {0, 22, 100, 5000}) {
    large.cluster.assign(cluster, '\1');
    for (const size_t id : {0, 30, 200, 500, 900, 5000}) {
      const std::string metadata = offset_metadata(std::string(id, 'g'), large);
      ASSERT_LE(metadata.size(), kMetadataBytesMax);
      const OffsetMetadata found = read_offset_metadata(metadata);
      ASSERT_TRUE(found.signature) << cluster << " " << id;
      EXPECT_EQ(found.signature->table, large.table);
      EXPECT_EQ(found.signature->output, large.output);
      if (id <= 200 && cluster <= 22) {
        EXPECT_EQ(found.transactional_id.size(), id);
        EXPECT_EQ(found.signature, large);
      }
    }
  }
  EXPECT_EQ(offset_metadata(std::string(5000, 'g'), std::nullopt), "")
      << "and so it is without a signature";
}

TEST(OffsetSignature, AnIdOfTwoLinesIsNone) {
  const OffsetMetadata found = read_offset_metadata(offset_metadata("g\nv1 {}", example()));
  EXPECT_EQ(found.transactional_id, "");
  EXPECT_EQ(found.signature, example());
}

TEST(MessageMark, IsTheHashOfKeyAndValueAndTheirBorders) {
  const io::Message message{
      .key = "edgar", .value = "{}", .at = {.partition = 3, .offset = 41}, .timestamp_ms = 17};
  const MessageMark mark = mark_of(message);
  EXPECT_EQ(mark.offset, 41);
  EXPECT_EQ(mark.timestamp_ms, 17);
  // By python3 -c 'import xxhash; xxhash.xxh3_64_hexdigest(b"\5\0\0\0edgar\1{}")', and without the
  // value b"\0\0\0\0\0".
  EXPECT_EQ(mark.hash, 0x4372b32f67c924daU);
  EXPECT_EQ(mark_of({.key = {}, .value = {}, .at = {}}).hash, 0xe864e5893a273242U);

  const auto hash = [](std::string_view key, std::optional<std::string_view> value) {
    return mark_of({.key = key, .value = value, .at = {}}).hash;
  };
  EXPECT_NE(hash("a", "bc"), hash("ab", "c"));
  EXPECT_NE(hash("a", ""), hash("a", std::nullopt));
}

TEST(TableDigest, WrapsAroundAndComesBack) {
  TableDigest digest;
  const money::Decimal most = money::Decimal::from_nanos(std::numeric_limits<money::Int128>::max());
  for (int i = 0; i < 5; ++i) digest.add(most, UINT64_MAX);
  for (int i = 0; i < 5; ++i) digest.take_back(most, UINT64_MAX);
  EXPECT_EQ(digest, TableDigest());
}

}  // namespace
}  // namespace paystats::kafka
