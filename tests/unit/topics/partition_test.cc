#include "topics/partition.h"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace paystats::topics {
namespace {

constexpr int32_t kPartition = 3;

// Payments of a partition as a decoder hands them over.
class Payments {
 public:
  void add(std::string user, int64_t nanos, int64_t offset) {
    users_.push_back(std::make_unique<std::string>(std::move(user)));
    PartitionTotals::Row row;
    row.record = {.user = *users_.back(), .sum = money::Decimal::from_nanos(nanos)};
    row.line = static_cast<uint32_t>(messages_.size());
    rows_.push_back(row);
    messages_.push_back({.key = {}, .value = {}, .at = {kPartition, offset}});
  }
  // One more row of the last message, which is a group.
  void add_to_last(std::string user, money::Int128 nanos, uint64_t count = 1) {
    users_.push_back(std::make_unique<std::string>(std::move(user)));
    PartitionTotals::Row row;
    row.record = {.user = *users_.back(), .sum = money::Decimal::from_nanos(nanos), .count = count};
    row.line = static_cast<uint32_t>(messages_.size() - 1);
    rows_.push_back(row);
  }
  base::Result<void> into(PartitionTotals& part) {
    rejected_.clear();
    return part.add(rows_, messages_, rejected_);
  }
  const std::vector<totals::Totals::RejectedRow>& rejected() const { return rejected_; }

 private:
  std::vector<std::unique_ptr<std::string>> users_;
  std::vector<PartitionTotals::Row> rows_;
  std::vector<io::Message> messages_;
  std::vector<totals::Totals::RejectedRow> rejected_;
};

record::Stats partial(std::string_view user, int64_t nanos, uint64_t count, int64_t offset) {
  return {.user = user,
          .sum = money::Decimal::from_nanos(nanos),
          .count = count,
          .at = record::SourceOffset{kPartition, offset}};
}

PartitionTotals empty() {
  return {kPartition, 7, {.track_changes = true}};
}

// The total of a user, who must be there.
record::Stats stats_of(PartitionTotals& part, std::string_view user) {
  return part.stats(*part.totals().find_or_add(user));
}

TEST(PartitionTotals, AMessageMayHaveSeveralRowsOfAUser) {
  PartitionTotals part = empty();
  Payments payments;
  payments.add("edgar", 1, 10);
  payments.add_to_last("ada", 5, 3);
  payments.add_to_last("edgar", 2);
  ASSERT_TRUE(payments.into(part));
  EXPECT_EQ(stats_of(part, "edgar").count, 2U);
  EXPECT_EQ(stats_of(part, "edgar").sum.nanos(), 3);
  EXPECT_EQ(stats_of(part, "ada").count, 3U);
  EXPECT_EQ(part.skipped(), 0U);
  ASSERT_TRUE(payments.into(part));  // read again
  EXPECT_EQ(stats_of(part, "edgar").count, 2U);
  EXPECT_EQ(part.skipped(), 1U);
}

TEST(PartitionTotals, OfAMessageEachUserIsIncludedWholeOrNotAtAll) {
  PartitionTotals part = empty();
  ASSERT_TRUE(part.restore(partial("ada", 5, 3, 10)));
  part.restored();
  Payments payments;
  payments.add("edgar", 1, 10);
  payments.add_to_last("ada", 5, 3);
  payments.add_to_last("edgar", 2);
  ASSERT_TRUE(payments.into(part));
  EXPECT_EQ(stats_of(part, "edgar").count, 2U);
  EXPECT_EQ(stats_of(part, "ada").count, 3U);
  EXPECT_EQ(part.skipped(), 0U);
}

TEST(PartitionTotals, AGroupThatDoesNotFitLeavesNothing) {
  PartitionTotals part = empty();
  ASSERT_TRUE(part.restore(partial("full", 0, UINT64_MAX, 2)));
  ASSERT_TRUE(part.restore(partial("ada", 1, 1, 2)));
  part.restored();
  Payments payments;
  payments.add("ada", 5, 10);
  payments.add_to_last("new", 5);
  payments.add_to_last("full", 0);
  payments.add_to_last("ada", 5);
  payments.add("edgar", 1, 11);
  ASSERT_TRUE(payments.into(part));
  ASSERT_EQ(payments.rejected().size(), 1U);
  EXPECT_EQ(payments.rejected()[0].flaw, record::Flaw::kCountOverflow);
  EXPECT_EQ(stats_of(part, "ada").count, 1U);
  EXPECT_EQ(stats_of(part, "ada").at->offset, 2);
  ASSERT_EQ(part.totals().changed().size(), 1U);
  EXPECT_EQ(part.totals().user(part.totals().changed()[0]), "edgar");
}

TEST(PartitionTotals, EachTotalSaysWhichPaymentItIncludesLast) {
  PartitionTotals part = empty();
  Payments payments;
  payments.add("edgar", 1, 10);
  payments.add("ada", 2, 11);
  payments.add("edgar", 4, 15);
  ASSERT_TRUE(payments.into(part));
  EXPECT_EQ(*stats_of(part, "edgar").at, (record::SourceOffset{kPartition, 15}));
  EXPECT_EQ(*stats_of(part, "ada").at, (record::SourceOffset{kPartition, 11}));
  EXPECT_TRUE(stats_of(part, "edgar").sum == money::Decimal::from_nanos(5));
}

TEST(PartitionTotals, PaymentsThatATotalIncludesAreSkippedForThatUserAlone) {
  PartitionTotals part = empty();
  ASSERT_TRUE(part.restore(partial("edgar", 100, 5, 20)));
  ASSERT_TRUE(part.restore(partial("ada", 7, 1, 3)));
  part.restored();
  EXPECT_TRUE(part.totals().changed().empty());
  Payments payments;
  payments.add("edgar", 1, 20);
  payments.add("ada", 1, 20);
  payments.add("edgar", 1, 21);
  ASSERT_TRUE(payments.into(part));
  EXPECT_EQ(stats_of(part, "edgar").count, 6U);
  EXPECT_EQ(stats_of(part, "ada").count, 2U);
  EXPECT_EQ(part.skipped(), 1U);
  EXPECT_EQ(part.totals().changed().size(), 2U);
}

TEST(PartitionTotals, OfSeveralRecordsOfAUserTheOneOfTheHighestOffsetCounts) {
  PartitionTotals part = empty();
  ASSERT_TRUE(part.restore(partial("edgar", 100, 5, 20)));
  ASSERT_TRUE(part.restore(partial("edgar", 1, 1, 4)));
  EXPECT_EQ(stats_of(part, "edgar").count, 5U);
  EXPECT_EQ(part.newest_restored(), 20);
}

TEST(PartitionTotals, ATombstoneForgetsAUserAndWhatHeIncluded) {
  PartitionTotals part = empty();
  ASSERT_TRUE(part.restore(partial("edgar", 100, 5, 20)));
  part.remove("edgar");
  for (const std::string& other : {std::string("nobody"), std::string(), std::string(3000, 'n')}) {
    part.remove(other);
  }
  part.restored();
  Payments payments;
  payments.add("edgar", 1, 21);
  ASSERT_TRUE(payments.into(part));
  EXPECT_EQ(stats_of(part, "edgar").count, 1U);
  EXPECT_EQ(part.totals().users(), 1U) << "who was never there is none";
}

TEST(PartitionTotals, UsersWhoseLastRecordIsATombstoneAreCounted) {
  PartitionTotals part = empty();
  ASSERT_TRUE(part.restore(partial("edgar", 700, 3, 20)));
  part.remove("edgar");
  part.remove("edgar");
  part.remove("ada");
  part.remove("nobody");
  ASSERT_TRUE(part.restore(partial("ada", 100, 1, 30)));
  part.restored();
  EXPECT_EQ(part.tombstones(), 2U);
}

TEST(PartitionTotals, NothingRestoredIsNoOffset) {
  EXPECT_EQ(empty().newest_restored(), PartitionTotals::kNothing);
}

TEST(PartitionTotals, APaymentThatWouldOverflowIsRefusedAndNotIncluded) {
  PartitionTotals part = empty();
  record::Stats most = partial("edgar", 0, UINT64_MAX, 5);
  ASSERT_TRUE(part.restore(most));
  std::vector<totals::Totals::RejectedRow> rejected;
  PartitionTotals::Row row;
  row.record = {.user = "edgar", .sum = money::Decimal::from_nanos(1)};
  const io::Message message{.key = {}, .value = {}, .at = {kPartition, 6}};
  ASSERT_TRUE(part.add({&row, 1}, {&message, 1}, rejected));
  ASSERT_EQ(rejected.size(), 1U);
  EXPECT_EQ(rejected[0].flaw, record::Flaw::kCountOverflow);
  EXPECT_EQ(stats_of(part, "edgar").at->offset, 5);
}

// Whatever was published before a crash, and from wherever reading goes on at or before the first
// payment that is missing: the totals are those of all payments.
TEST(PartitionTotals, FromAnyMomentOfPublicationTheTotalsComeOutTheSame) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 200; ++round) {
    struct Paid {
      std::string user;
      int64_t nanos;
    };
    std::vector<Paid> paid;
    for (int i = 0; i < 200; ++i) {
      paid.push_back(
          {"user" + std::to_string(random() % 9), static_cast<int64_t>(random() % 1000)});
    }
    const auto count = static_cast<int64_t>(paid.size());
    // Each user's total was published at a moment of its own, none before `begin`.
    const int64_t begin = static_cast<int64_t>(random() % 200);
    PartitionTotals part = empty();
    std::map<std::string, record::Stats> published;
    std::map<std::string, int64_t> moment;
    std::map<std::string, int64_t> all;
    for (int64_t at = 0; at < count; ++at) {
      const Paid& each = paid[static_cast<size_t>(at)];
      all[each.user] += each.nanos;
      const auto [found, is_new] = moment.try_emplace(
          each.user, begin + static_cast<int64_t>(random() % static_cast<uint64_t>(count - begin)));
      if (at >= found->second) continue;
      record::Stats& stats = published.try_emplace(each.user, partial("", 0, 0, 0)).first->second;
      stats.sum = money::Decimal::from_nanos(stats.sum.nanos() + each.nanos);
      ++stats.count;
      stats.at->offset = at;
    }
    for (auto& [user, stats] : published) {
      stats.user = user;
      ASSERT_TRUE(part.restore(stats));
    }
    part.restored();
    Payments again;
    const int64_t from = static_cast<int64_t>(random() % static_cast<uint64_t>(begin + 1));
    for (int64_t at = from; at < count; ++at) {
      again.add(paid[static_cast<size_t>(at)].user, paid[static_cast<size_t>(at)].nanos, at);
    }
    ASSERT_TRUE(again.into(part));
    for (const auto& [user, nanos] : all) {
      ASSERT_TRUE(stats_of(part, user).sum == money::Decimal::from_nanos(nanos)) << user;
    }
  }
}

// What the digest is, computed from the whole table: each user with an offset.
kafka::TableDigest digest_of(const PartitionTotals& part) {
  kafka::TableDigest digest;
  for (uint32_t user = 0; user < part.totals().users(); ++user) {
    const record::Stats stats = part.stats(user);
    if (stats.at->offset == PartitionTotals::kNothing) continue;
    ++digest.users;
    digest.add(stats.sum, stats.count);
  }
  return digest;
}

TEST(PartitionTotals, TheDigestIsOfTheUsersWhoIncludeAPayment) {
  PartitionTotals part = empty();
  EXPECT_EQ(part.digest(), kafka::TableDigest());
  ASSERT_TRUE(part.restore(partial("ada", 7, 1, 3)));
  ASSERT_TRUE(part.restore(partial("full", 1, UINT64_MAX, 3)));
  Payments payments;
  payments.add("edgar", 1, 20);
  payments.add("full", 5, 21);  // a reject
  payments.add_to_last("nobody", 5);
  ASSERT_TRUE(payments.into(part));
  EXPECT_EQ(part.totals().users(), 4U);
  EXPECT_EQ(part.digest().users, 3U);
  EXPECT_EQ(part.digest().sum.nanos(), 9);
  EXPECT_EQ(part.digest().count, 1U) << "1 + UINT64_MAX + 1, modulo 2^64";
  part.remove("full");
  part.remove("full");
  part.remove("nobody");
  EXPECT_EQ(part.digest().users, 2U);
  EXPECT_EQ(part.digest().count, 2U);
}

TEST(PartitionTotals, AfterAnyOperationsTheDigestIsThatOfTheWholeTable) {
  std::mt19937_64 random(17);
  // Small numbers, and such that sums and counts of a user, and those of all, do not fit.
  const auto nanos = [&random]() -> money::Int128 {
    if (random() % 4 != 0) return static_cast<int64_t>(random() % 2000) - 1000;
    const auto most = std::numeric_limits<money::Int128>::max();
    return random() % 2 == 0 ? most : -most;
  };
  const auto count = [&random]() -> uint64_t {
    return random() % 4 != 0 ? 1 + random() % 5 : UINT64_MAX / (1 + random() % 3);
  };
  for (int round = 0; round < 300; ++round) {
    PartitionTotals part = empty();
    const auto user = [&random] { return "user" + std::to_string(random() % 12); };
    for (int i = static_cast<int>(random() % 30); i > 0; --i) {
      const std::string name = user();
      if (random() % 4 == 0) {
        part.remove(name);
      } else {
        record::Stats stats = partial(name, 0, count(), static_cast<int64_t>(random() % 50));
        stats.sum = money::Decimal::from_nanos(nanos());
        ASSERT_TRUE(part.restore(stats));
      }
      ASSERT_EQ(part.digest(), digest_of(part));
    }
    part.restored();
    int64_t offset = static_cast<int64_t>(random() % 50);  // some of it read again
    for (int block = 0; block < 5; ++block) {
      Payments payments;
      for (int i = 0; i < 10; ++i) {
        payments.add(user(), 1, ++offset);
        for (uint64_t more = random() % 4; more > 0; --more) {
          payments.add_to_last(user(), nanos(), count());
        }
      }
      ASSERT_TRUE(payments.into(part));
      ASSERT_EQ(part.digest(), digest_of(part));
    }
  }
}

TEST(PartitionTotals, AfterATombstoneAUserBeginsAnewAndIsNotPublished) {
  PartitionTotals part = empty();
  ASSERT_TRUE(part.restore(partial("ada", 5, 2, 10)));
  ASSERT_TRUE(part.restore(partial("edgar", 7, 1, 11)));
  part.restored();
  EXPECT_TRUE(part.find("ada"));
  part.remove("ada");
  EXPECT_FALSE(part.find("ada"));
  EXPECT_TRUE(part.totals().changed().empty());
  EXPECT_EQ(part.set_all_changed(), 1U) << "edgar alone";
  part.totals().clear_changed();
  Payments payments;
  payments.add("ada", 3, 12);
  ASSERT_TRUE(payments.into(part));
  const record::Stats stats = part.stats(*part.find("ada"));
  EXPECT_EQ(stats.sum, money::Decimal::from_nanos(3));
  EXPECT_EQ(stats.count, 1U);
  EXPECT_EQ(part.set_all_changed(), 2U);
  EXPECT_EQ(part.totals().changed().size(), 2U) << "each once";
}

TEST(PartitionTotals, AUserOfRejectsAloneHasNothingToPublish) {
  PartitionTotals part = empty();
  part.remove("nobody");
  EXPECT_FALSE(part.find("nobody"));
  EXPECT_EQ(part.set_all_changed(), 0U);
}

TEST(RemoveUsers, LeavesThoseOfWhomATotalIsAboutToFollow) {
  TopicPart part{.totals = empty()};
  for (const char* user : {"changed", "leaving", "left", "quiet"}) {
    ASSERT_TRUE(part.totals.restore(partial(user, 5, 1, 3)));
  }
  part.totals.restored();
  part.totals.totals().set_changed(0);
  part.leaving = {2, 1};
  part.left = 1;
  const std::set<std::string> users{"changed", "leaving", "left", "nobody", "quiet"};
  EXPECT_EQ(remove_users(part, users, true), 2U);
  EXPECT_TRUE(part.totals.find("changed"));
  EXPECT_TRUE(part.totals.find("leaving"));
  EXPECT_FALSE(part.totals.find("left"));
  EXPECT_FALSE(part.totals.find("quiet"));
  EXPECT_EQ(remove_users(part, users, false), 1U) << "nothing of ours stands behind it";
  EXPECT_FALSE(part.totals.find("leaving"));
  EXPECT_EQ(part.totals.digest().users, 1U);
}

// Each of them may be waiting, and is looked for among as many.
TEST(RemoveUsers, ManyOfManyTakeASecondAtMost) {
  constexpr int kUsers = 400'000;
  TopicPart part{.totals = empty()};
  std::set<std::string> users;
  for (int i = 0; i < kUsers; ++i) {
    const std::string user = "user" + std::to_string(i);
    ASSERT_TRUE(part.totals.restore(partial(user, 5, 1, 3)));
    users.insert(user);
  }
  part.totals.restored();
  for (uint32_t user = 0; user < kUsers; user += 2) part.totals.totals().set_changed(user);
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(remove_users(part, users, true), kUsers / 2U);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(20));
}

}  // namespace
}  // namespace paystats::topics
