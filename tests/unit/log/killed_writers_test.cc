// Writers of one log, killed at random moments: what was acknowledged stays, what was not is there
// whole or not at all.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>

#include <map>
#include <random>

#include "log/follow_source.h"
#include "log/payment_sink.h"
#include "unit/io/faults.h"
#include "unit/io/support.h"

namespace paystats::log {
namespace {

using namespace io;  // sources, and what its tests have

// A request is all batches of one user, whose name says how many there must be.
std::string user_of(unsigned writer, unsigned request, size_t batches) {
  return fmt::format("{}-{}-{}", writer, request, batches);
}

// Commits group after group, telling of each by a line, until it is killed.
[[noreturn]] void write_until_killed(const std::string& path, unsigned writer, int tell) {
  faults().disk_is_memory = true;
  std::mt19937 random(writer);
  base::Diagnostics diagnostics("t", base::Verbosity::kQuiet);
  const base::SystemClock clock;
  auto sink = open_payment_sink({Endpoint::Kind::kFile, path}, {}, clock, diagnostics);
  for (unsigned request = 0; sink; ++request) {
    // Now and then one of nearly a megabyte.
    const size_t count = random() % 40 == 0 ? 20'000 : 1 + random() % 50;
    const std::string user = user_of(writer, request, count);
    const std::vector<record::Batch> batches(count, {user, "1.0", money::Decimal(), 1});
    if (!(*sink)->put({batches}) || !(*sink)->flush()) break;
    if (!base::write_all(tell, user + "\n", "pipe")) break;
  }
  ::_exit(1);
}

// Batches of each user. Counted by the name alone, so that this needs no reader of groups.
std::map<std::string, uint64_t> count_batches(Source& source) {
  constexpr std::string_view kField = R"("user":")";
  std::map<std::string, uint64_t> batches;
  std::string lines = read_everything(source, 1ms).bytes;
  EXPECT_TRUE(lines.empty() || lines.back() == '\n');
  for (size_t at = lines.find(kField); at != lines.npos; at = lines.find(kField, at)) {
    at += kField.size();
    ++batches[lines.substr(at, lines.find('"', at) - at)];
  }
  return batches;
}

TEST(KilledWriters, LeaveWholeRequestsOnlyAndAllThatWereAcknowledged) {
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
  const std::map<std::string, uint64_t> batches = count_batches(**source);
  for (const auto& [user, count] : batches) {
    EXPECT_EQ(std::to_string(count), user.substr(user.rfind('-') + 1)) << user << " is cut";
  }
  for (const std::string& user : acknowledged) EXPECT_TRUE(batches.contains(user)) << user;
}

}  // namespace
}  // namespace paystats::log
