#include "io/payment_log.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>

#include "record/payment.h"
#include "unit/io/faults.h"
#include "unit/io/support.h"

namespace paystats::io {
namespace {

constexpr const char* kOne = "{\"user\":\"a\",\"paymentAmt\":1}";
constexpr const char* kTwo = "{\"user\":\"b\",\"paymentAmt\":2}";

std::string plain(const std::string& payment) {
  return fmt::format("{}\n", payment);
}
std::string marked(const std::string& payment) {
  return fmt::format(" {} \n", payment);
}

class PaymentLogTest : public ::testing::Test {
 protected:
  base::Result<void> commit(std::string_view lines) {
    base::Result<PaymentLog> log = PaymentLog::open(path_, words_.diagnostics);
    if (!log) return base::fail(log.error());
    return log->commit(lines);
  }
  std::string bytes() const { return file_bytes(path_); }

  const FaultsOff off_;
  const TempFolder folder_;
  const std::string path_ = folder_ / "payments.jsonl";
  Words words_;
};

TEST_F(PaymentLogTest, ACommitIsAppended) {
  ASSERT_TRUE(commit(plain(kOne)));
  ASSERT_TRUE(commit(plain(kTwo)));
  EXPECT_EQ(bytes(), plain(kOne) + plain(kTwo));
  EXPECT_EQ(words_.heard(), "");
}

TEST_F(PaymentLogTest, ACommitIsOnTheDiskBeforeItReturns) {
  base::Result<PaymentLog> log = PaymentLog::open(path_, words_.diagnostics);
  ASSERT_TRUE(log);
  EXPECT_EQ(faults().data_syncs, 0);
  ASSERT_TRUE(log->commit(plain(kOne)));
  EXPECT_EQ(faults().data_syncs, 1);
  ASSERT_TRUE(log->commit(plain(kTwo)));
  EXPECT_EQ(faults().data_syncs, 2);
}

TEST_F(PaymentLogTest, AFileThatHasBeenMovedAwayIsNotWrittenToAnyMore) {
  base::Result<PaymentLog> log = PaymentLog::open(path_, words_.diagnostics);
  ASSERT_TRUE(log);
  ASSERT_TRUE(log->commit(plain(kOne)));
  std::filesystem::rename(path_, folder_ / "old");
  ASSERT_TRUE(log->commit(plain(kTwo)));
  EXPECT_EQ(bytes(), plain(kTwo));
  EXPECT_EQ(file_bytes(folder_ / "old"), plain(kOne));
  EXPECT_NE(words_.heard().find("payments.jsonl: has been moved or removed"), std::string::npos);
  std::filesystem::remove(path_);
  ASSERT_TRUE(log->commit(plain(kOne)));
  ASSERT_TRUE(log->commit(plain(kTwo)));
  EXPECT_EQ(bytes(), plain(kOne) + plain(kTwo));
}

TEST_F(PaymentLogTest, WhereNoFileOfThatNameCanBeMadeNothingIsCommitted) {
  const std::string inner = folder_ / "inner";
  std::filesystem::create_directory(inner);
  base::Result<PaymentLog> log = PaymentLog::open(inner + "/log", words_.diagnostics);
  ASSERT_TRUE(log);
  std::filesystem::rename(inner, folder_ / "away");
  EXPECT_FALSE(log->commit(plain(kOne)));
  EXPECT_FALSE(log->broken());
  std::filesystem::rename(folder_ / "away", inner);
  EXPECT_TRUE(log->commit(plain(kOne)));
}

TEST_F(PaymentLogTest, TheNameOfTheFileIsOnTheDiskAsWellOnce) {
  base::Result<PaymentLog> log = PaymentLog::open(path_, words_.diagnostics);
  ASSERT_TRUE(log);
  ASSERT_TRUE(log->commit(plain(kOne)));
  struct stat folder = {};
  ASSERT_EQ(::stat((folder_ / ".").c_str(), &folder), 0);
  EXPECT_EQ(faults().fsynced, std::vector<ino_t>{folder.st_ino});
  ASSERT_TRUE(log->commit(plain(kOne)));
  EXPECT_EQ(faults().fsynced.size(), 1u);
}

TEST_F(PaymentLogTest, NothingToCommitTouchesNothing) {
  ASSERT_TRUE(commit(""));
  EXPECT_EQ(bytes(), "");
  EXPECT_EQ(faults().data_syncs, 0);
}

TEST_F(PaymentLogTest, AGroupInPartsIsOneCommit) {
  base::Result<PaymentLog> log = PaymentLog::open(path_, words_.diagnostics);
  ASSERT_TRUE(log);
  ASSERT_TRUE(log->begin());
  ASSERT_TRUE(log->append(marked(kOne)));
  const base::UniqueFd other(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_NE(::flock(other.get(), LOCK_SH | LOCK_NB), 0) << "no reader may see a part of it";
  ASSERT_TRUE(log->append(plain(kTwo)));
  ASSERT_TRUE(log->finish());
  EXPECT_EQ(::flock(other.get(), LOCK_SH | LOCK_NB), 0);
  EXPECT_EQ(bytes(), marked(kOne) + plain(kTwo));
}

// ---- what it refuses

TEST_F(PaymentLogTest, WhatIsNotARegularFileIsNoLog) {
  ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  for (const std::string& path : {std::string("/dev/null"), folder_ / "fifo", folder_ / "."}) {
    const base::Result<PaymentLog> log = PaymentLog::open(path, words_.diagnostics);
    ASSERT_FALSE(log) << path;
    EXPECT_EQ(log.error().kind, base::ErrorKind::kFailed);
  }
}

TEST_F(PaymentLogTest, AHugeFileWithoutNewlinesIsNotMistakenForOurs) {
  const std::string bytes_before(record::kLineBytesMax + 2, 'x');
  write_file(path_, bytes_before);
  const base::Result<void> committed = commit(plain(kOne));
  ASSERT_FALSE(committed);
  EXPECT_NE(committed.error().message.find("not a file of payments"), std::string::npos);
  EXPECT_EQ(bytes(), bytes_before);
}

TEST_F(PaymentLogTest, WhereThereAreNoLocksThereIsNoLog) {
  faults().flock_errno = ENOLCK;
  const base::Result<void> committed = commit(plain(kOne));
  ASSERT_FALSE(committed);
  EXPECT_NE(committed.error().message.find("must be locked"), std::string::npos);
  EXPECT_EQ(bytes(), "");
}

TEST_F(PaymentLogTest, AWaitForTheLockIsTold) {
  write_file(path_, "");
  const base::UniqueFd other(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);
  std::string heard;
  std::thread release([&] {
    EXPECT_TRUE(eventually([&] { return !(heard += words_.heard()).empty(); }));
    EXPECT_EQ(::flock(other.get(), LOCK_UN), 0);
  });
  EXPECT_TRUE(commit(plain(kOne)));
  release.join();
  EXPECT_NE(heard.find("waiting for another process that holds its lock"), std::string::npos);
}

// ---- repair

struct Torn {
  const char* what;
  std::string before;
  std::string repaired;
  bool warned;
};

TEST_F(PaymentLogTest, RepairsWhatAKilledWriterLeft) {
  const std::string one = kOne;
  const Torn cases[] = {
      {"nothing is torn", plain(one), plain(one), false},
      {"an empty line", plain(one) + "\n", plain(one) + "\n", false},
      {"a payment without its newline gets it", plain(one) + kTwo, plain(one) + plain(kTwo), false},
      {"so does the only one", kOne, plain(one), false},
      {"and one behind an empty line", std::string("\n") + one, std::string("\n") + plain(one),
       false},
      {"a torn line is cut off", plain(one) + "{\"user\":\"b\"", plain(one), true},
      {"so is the only one", "{\"us", "", true},
      {"so is a single byte", plain(one) + "{", plain(one), true},
      {"what is no payment is cut off", plain(one) + "hello", plain(one), true},
      {"a marked line is cut off", plain(one) + marked(kTwo), plain(one), true},
      {"many are cut off", plain(one) + marked(kTwo) + marked(kOne), plain(one), true},
      {"where there is nothing else as well", marked(kTwo), "", true},
      {"a torn marked line takes those before it along", plain(one) + marked(kTwo) + " {\"user\"",
       plain(one), true},
      {"as does its first space", plain(one) + marked(kTwo) + " ", plain(one), true},
      {"one cut behind its brace is none the less torn", plain(one) + " " + kTwo, plain(one), true},
      {"one cut behind its mark as well", plain(one) + " " + kTwo + " ", plain(one), true},
      {"the last line of a group, whole, gets its newline", marked(kOne) + kTwo,
       marked(kOne) + plain(kTwo), false},
      {"the last line of a group, torn, takes the group along",
       plain(one) + marked(kOne) + "{\"user\":", plain(one), true},
      {"behind a line marked only at its end a whole one may be torn in its mark",
       plain(one) + kOne + " \n" + kTwo, plain(one), true},
      {"a whole one with a space behind it would be a marked one", plain(one) + kTwo + " ",
       plain(one), true},
      {"bytes that never reached the disk", plain(one) + std::string(5000, '\0'), plain(one), true},
  };
  for (const Torn& torn : cases) {
    write_file(path_, torn.before);
    ASSERT_TRUE(commit(plain("next"))) << torn.what;
    EXPECT_EQ(bytes(), torn.repaired + plain("next")) << torn.what;
    EXPECT_EQ(words_.heard().find("warning") != std::string::npos, torn.warned) << torn.what;
  }
}

TEST_F(PaymentLogTest, ARepairSaysHowMuchItCutOff) {
  write_file(path_, plain(kOne) + "{\"us");
  ASSERT_TRUE(commit(plain(kOne)));
  EXPECT_NE(words_.heard().find("payments.jsonl: cut off the last 4 bytes"), std::string::npos);
}

TEST_F(PaymentLogTest, AnUnfinishedGroupOfManyMegabytesIsCutOffWhole) {
  std::string group;
  while (group.size() < 3'000'000) group += marked(kOne);
  write_file(path_, plain(kOne) + group + " {\"us");
  ASSERT_TRUE(commit(plain(kTwo)));
  EXPECT_EQ(bytes(), plain(kOne) + plain(kTwo));
}

// ---- failures are undone

TEST_F(PaymentLogTest, AFullDiskLeavesTheLogAsItWas) {
  write_file(path_, plain(kOne));
  for (const int64_t room : {0, 1, 10, 27}) {
    faults().disk_bytes_left = room;
    const base::Result<void> committed = commit(marked(kTwo) + plain(kTwo));
    ASSERT_FALSE(committed);
    EXPECT_NE(committed.error().message.find("payments.jsonl: no space left"), std::string::npos);
    EXPECT_EQ(bytes(), plain(kOne));
  }
  faults().disk_bytes_left = -1;
  ASSERT_TRUE(commit(plain(kTwo))) << "it goes on once there is room again";
  EXPECT_EQ(bytes(), plain(kOne) + plain(kTwo));
}

TEST_F(PaymentLogTest, AFullDiskInTheMiddleOfAGroupInPartsUndoesAllOfIt) {
  write_file(path_, plain(kOne));
  base::Result<PaymentLog> log = PaymentLog::open(path_, words_.diagnostics);
  ASSERT_TRUE(log);
  ASSERT_TRUE(log->begin());
  ASSERT_TRUE(log->append(marked(kTwo)));
  faults().disk_bytes_left = 3;
  EXPECT_FALSE(log->append(plain(kTwo)));
  EXPECT_EQ(bytes(), plain(kOne));
  faults().disk_bytes_left = -1;
  ASSERT_TRUE(log->commit(plain(kTwo))) << "the lock is free again";
}

TEST_F(PaymentLogTest, AFileThatMayNotGrowLeavesTheLogAsItWas) {
  write_file(path_, plain(kOne));
  const int status = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{50, 50};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 9;
    const base::Result<void> committed = commit(marked(kTwo) + plain(kTwo));
    return !committed && committed.error().message.find("file too large") != std::string::npos ? 0
                                                                                               : 1;
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(bytes(), plain(kOne));
}

TEST_F(PaymentLogTest, WhatFailsBehindARepairIsUndoneUpToTheRepair) {
  write_file(path_, plain(kOne) + marked(kTwo));
  faults().disk_bytes_left = 5;
  EXPECT_FALSE(commit(plain(kTwo)));
  EXPECT_EQ(bytes(), plain(kOne));
  faults().disk_bytes_left = -1;
  write_file(path_, kOne);
  faults().disk_bytes_left = 5;
  EXPECT_FALSE(commit(plain(kTwo)));
  EXPECT_EQ(bytes(), plain(kOne));
}

TEST_F(PaymentLogTest, AFailedSyncIsAnErrorAndUndone) {
  write_file(path_, plain(kOne));
  faults().fdatasync_errno = EIO;
  const base::Result<void> committed = commit(plain(kTwo));
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().kind, base::ErrorKind::kFailed);
  EXPECT_NE(committed.error().message.find("input/output error"), std::string::npos);
  EXPECT_EQ(bytes(), plain(kOne));
}

// What a commit that failed had written must not come back with the power.
TEST_F(PaymentLogTest, ThatACommitIsUndoneIsOnTheDiskAsWell) {
  base::Result<PaymentLog> log = PaymentLog::open(path_, words_.diagnostics);
  ASSERT_TRUE(log);
  faults().fdatasync_errno = ENOSPC;
  faults().fdatasync_failures = 1;
  EXPECT_FALSE(log->commit(plain(kOne)));
  EXPECT_EQ(faults().data_syncs, 2);
  EXPECT_FALSE(log->broken());

  faults().fdatasync_errno = 0;
  faults().disk_bytes_left = 5;
  EXPECT_FALSE(log->commit(plain(kOne)));
  EXPECT_EQ(faults().data_syncs, 3);
  EXPECT_FALSE(log->broken());
}

TEST_F(PaymentLogTest, WhereThatIsNotOnTheDiskTheLogIsBroken) {
  base::Result<PaymentLog> log = PaymentLog::open(path_, words_.diagnostics);
  ASSERT_TRUE(log);
  faults().fdatasync_errno = ENOSPC;
  const base::Result<void> committed = log->commit(plain(kOne));
  ASSERT_FALSE(committed);
  EXPECT_NE(committed.error().message.find("could not be taken back"), std::string::npos);
  EXPECT_TRUE(log->broken());
}

TEST_F(PaymentLogTest, AnInterruptedSyncIsBegunAnew) {
  base::Result<PaymentLog> log = PaymentLog::open(path_, words_.diagnostics);
  ASSERT_TRUE(log);
  faults().fdatasync_errno = EINTR;
  faults().fdatasync_failures = 2;
  EXPECT_TRUE(log->commit(plain(kOne)));
  EXPECT_EQ(faults().data_syncs, 3);
  EXPECT_FALSE(log->broken());
}

TEST_F(PaymentLogTest, NoRoomForTheMissingNewlineIsAnErrorAsWell) {
  write_file(path_, kOne);
  faults().disk_bytes_left = 0;
  EXPECT_FALSE(commit(plain(kTwo)));
  EXPECT_EQ(bytes(), kOne);
}

// ---- several writers

TEST_F(PaymentLogTest, WritersInParallelNeverMixTheirGroups) {
  constexpr int kWriters = 4;
  constexpr int kCommits = 50;
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      base::Result<PaymentLog> log = PaymentLog::open(path_, words_.diagnostics);
      ASSERT_TRUE(log);
      const std::string name = fmt::format("w{}", writer);
      for (int i = 0; i < kCommits; ++i) {
        ASSERT_TRUE(log->begin());
        ASSERT_TRUE(log->append(marked(name)));
        ASSERT_TRUE(log->append(marked(name)));
        ASSERT_TRUE(log->append(plain(name)));
        ASSERT_TRUE(log->finish());
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  std::string rest = bytes();
  int groups = 0;
  for (; !rest.empty(); ++groups) {
    const std::string name = rest.substr(1, 2);
    const std::string group = marked(name) + marked(name) + plain(name);
    ASSERT_EQ(rest.substr(0, group.size()), group);
    rest.erase(0, group.size());
  }
  EXPECT_EQ(groups, kWriters * kCommits);
  EXPECT_EQ(words_.heard(), "");
}

// ---- a descriptor that is open already

TEST_F(PaymentLogTest, AdoptsADescriptorThatAppends) {
  write_file(path_, plain(kOne) + " {\"us");
  const base::UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  base::Result<PaymentLog> log = PaymentLog::adopt(fd.get(), "stdout", words_.diagnostics);
  ASSERT_TRUE(log);
  ASSERT_TRUE(log->commit(plain(kTwo)));
  EXPECT_EQ(bytes(), plain(kOne) + plain(kTwo));
  EXPECT_NE(words_.heard().find("stdout: cut off"), std::string::npos);
}

TEST_F(PaymentLogTest, AnAdoptedOneLocksForItselfEvenAgainstASharedDescription) {
  const base::UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  base::Result<PaymentLog> first = PaymentLog::adopt(fd.get(), "stdout", words_.diagnostics);
  ASSERT_TRUE(first);
  ASSERT_TRUE(first->begin());
  EXPECT_NE(::flock(fd.get(), LOCK_EX | LOCK_NB), 0);
  ASSERT_TRUE(first->append(plain(kOne)));
  ASSERT_TRUE(first->finish());
}

TEST_F(PaymentLogTest, DoesNotAdoptWhatIsNoLog) {
  write_file(path_, "");
  const base::UniqueFd not_appending(::open(path_.c_str(), O_WRONLY | O_CLOEXEC));
  EXPECT_FALSE(PaymentLog::adopt(not_appending.get(), "stdout", words_.diagnostics));
  const Pipe pipe;
  EXPECT_FALSE(PaymentLog::adopt(pipe.write.get(), "stdout", words_.diagnostics));
}

TEST_F(PaymentLogTest, WhatCannotBeReadBackIsNotAdopted) {
  write_file(path_, "");
  ASSERT_EQ(::chmod(path_.c_str(), 0200), 0);
  const base::UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  const int status = in_child([&] {
    if (::getuid() == 0 && ::setuid(65534) != 0) return 9;
    const base::Result<PaymentLog> log = PaymentLog::adopt(fd.get(), "stdout", words_.diagnostics);
    return !log && log.error().message.find("cannot be read back") != std::string::npos ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace paystats::io
