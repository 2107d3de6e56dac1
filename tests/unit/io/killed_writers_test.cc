// Writers of one log, killed at random moments: what was acknowledged stays, what was not is there
// whole or not at all.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>

#include <map>
#include <random>

#include "io/follow_source.h"
#include "io/payment_sink.h"
#include "record/decoder.h"
#include "unit/io/faults.h"
#include "unit/io/support.h"

namespace paystats::io {
namespace {

// A group is all payments of one user, whose name says how many there must be.
std::string user_of(unsigned writer, unsigned group, uint64_t volume) {
  return fmt::format("{}-{}-{}", writer, group, volume);
}

// Commits group after group, telling of each by a line, until it is killed.
[[noreturn]] void write_until_killed(const std::string& path, unsigned writer, int tell) {
  faults().disk_is_memory = true;
  std::mt19937 random(writer);
  base::Diagnostics diagnostics("t", base::Verbosity::kQuiet);
  auto sink = open_payment_sink({Endpoint::Kind::kFile, path}, diagnostics);
  for (unsigned group = 0; sink; ++group) {
    // Now and then one that is larger than what a sink keeps in memory.
    const uint64_t volume = random() % 40 == 0 ? 120'000 : 1 + random() % 50;
    const std::string user = user_of(writer, group, volume);
    const record::Batch batches[] = {{user, "1.0", money::Decimal(), volume - volume / 2},
                                     {user, "2.0", money::Decimal(), volume / 2}};
    if (!(*sink)->put(std::span(batches, volume > 1 ? 2 : 1)) || !(*sink)->flush()) break;
    if (!base::write_all(tell, user + "\n", "pipe")) break;
  }
  ::_exit(1);
}

// Payments of each user.
std::map<std::string, uint64_t> count_payments(Source& source) {
  std::map<std::string, uint64_t> payments;
  record::LineDecoder<record::Payment> decoder(record::FieldNames{});
  record::DecodedLines<record::Payment> lines;
  Block block;
  const base::SystemClock clock;
  base::Result<ReadStatus> status = source.read(block, clock.now());
  for (; status == ReadStatus::kBlock; status = source.read(block, clock.now())) {
    while (!block.bytes.empty()) {
      block.bytes.remove_prefix(decoder.decode(block.bytes, lines));
      EXPECT_TRUE(lines.rejected.empty());
      for (const auto& row : lines.rows) ++payments[std::string(row.record.user)];
    }
  }
  return payments;
}

TEST(KilledWriters, LeaveWholeGroupsOnlyAndAllThatWereAcknowledged) {
  const TempFolder folder;
  const std::string path = folder / "payments.jsonl";
  std::mt19937 random(42);
  std::vector<std::string> acknowledged;
  for (unsigned round = 0; round < 25; ++round) {
    Pipe told;
    std::vector<pid_t> writers;
    for (unsigned i = 0; i < 3; ++i) {
      writers.push_back(::fork());
      if (writers.back() == 0) write_until_killed(path, round * 3 + i, told.write.get());
    }
    told.write.reset();
    // Once one of them has got somewhere, a moment, not a condition: where the kill falls.
    pollfd polled{told.read.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&polled, 1, 60'000), 1);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 15000));
    for (const pid_t writer : writers) {
      ::kill(writer, SIGKILL);
      int status = 0;
      ::waitpid(writer, &status, 0);
      EXPECT_TRUE(WIFSIGNALED(status)) << "a writer gave up by itself";
    }
    std::string part;
    for (char c = 0; ::read(told.read.get(), &c, 1) == 1;) {
      if (c != '\n') {
        part += c;
        continue;
      }
      acknowledged.push_back(std::exchange(part, {}));
    }
  }
  ASSERT_GT(acknowledged.size(), 25u);

  TestContext context;
  auto source = follow_source(path, context.waiter, context.words.diagnostics);
  ASSERT_TRUE(source);
  const std::map<std::string, uint64_t> payments = count_payments(**source);
  for (const auto& [user, count] : payments) {
    EXPECT_EQ(std::to_string(count), user.substr(user.rfind('-') + 1)) << user << " is cut";
  }
  for (const std::string& user : acknowledged) EXPECT_TRUE(payments.contains(user)) << user;
}

}  // namespace
}  // namespace paystats::io
