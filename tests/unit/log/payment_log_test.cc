#include "log/payment_log.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <filesystem>

#include "unit/io/faults.h"
#include "unit/io/support.h"
#include "unit/log/payment_log_fixture.h"

namespace paystats::log {
namespace {

using namespace io;  // what its tests have

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
  EXPECT_EQ(faults().data_syncs, 2) << "what another writer may have cut off, and the commit";
  ASSERT_TRUE(log->commit(plain(kTwo)));
  EXPECT_EQ(faults().data_syncs, 3);
}

TEST_F(PaymentLogTest, WhatOthersHaveDoneToTheLogIsOnTheDiskBeforeItIsWrittenTo) {
  base::Result<PaymentLog> log = PaymentLog::open(path_, words_.diagnostics);
  ASSERT_TRUE(log);
  ASSERT_TRUE(log->commit(plain(kOne)));
  append_file(path_, plain(kTwo));
  const int syncs = faults().data_syncs;
  ASSERT_TRUE(log->commit(plain(kOne)));
  EXPECT_EQ(faults().data_syncs, syncs + 2);
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

// ---- what it refuses

TEST_F(PaymentLogTest, WhatIsNotARegularFileIsNoLog) {
  ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  for (const std::string& path : {std::string("/dev/null"), folder_ / "fifo", folder_ / "."}) {
    const base::Result<PaymentLog> log = PaymentLog::open(path, words_.diagnostics);
    ASSERT_FALSE(log) << path;
    EXPECT_EQ(log.error().kind, base::ErrorKind::kFailed);
  }
}

TEST_F(PaymentLogTest, AFileThatIsNoLogStaysAsItIs) {
  for (const std::string& bytes_before :
       {std::string("my notes"), std::string(" \n\tnotes\n"), std::string("user,paymentAmt\n"),
        std::string("7"), std::string("\xEF\xBB\xBFnotes"), std::string("\xFF\xFE{"),
        std::string(4095, ' ') + "notes", std::string(5000, '\n') + "notes",
        std::string("{\0\"\0", 4), std::string("[\0", 2),
        std::string(4095, ' ') + std::string("{\0", 2)}) {
    write_file(path_, bytes_before);
    const base::Result<void> committed = commit(plain(kOne));
    ASSERT_FALSE(committed) << bytes_before;
    EXPECT_EQ(committed.error().kind, base::ErrorKind::kFailed);
    EXPECT_NE(committed.error().message.find("not a log of JSON lines"), std::string::npos);
    EXPECT_EQ(bytes(), bytes_before);
    EXPECT_FALSE(std::filesystem::exists(path_ + ".torn"));
  }
}

TEST_F(PaymentLogTest, WhatBecomesNoLogWhileItIsOpenIsNotWrittenToEither) {
  base::Result<PaymentLog> log = PaymentLog::open(path_, words_.diagnostics);
  ASSERT_TRUE(log);
  write_file(path_, "my notes");
  EXPECT_FALSE(log->commit(plain(kOne)));
  EXPECT_EQ(bytes(), "my notes");
}

TEST_F(PaymentLogTest, AFileThatMayBeALogIsTaken) {
  for (const std::string& before :
       {std::string(), std::string(" \r\n"), std::string("[1]\n"), "\xEF\xBB\xBF" + plain(kOne),
        std::string("\0\n", 2), std::string(4095, ' ') + plain(kOne),
        std::string(9000, ' ') + plain(kOne)}) {
    write_file(path_, before);
    ASSERT_TRUE(commit(plain(kTwo))) << before;
    EXPECT_EQ(bytes(), before + plain(kTwo));
  }
}

TEST(LocksHold, OnlyWhereNoOtherMachineWrites) {
  EXPECT_TRUE(locks_hold(0xEF53));       // ext4
  EXPECT_TRUE(locks_hold(0x58465342));   // XFS
  EXPECT_FALSE(locks_hold(0x6969));      // NFS
  EXPECT_FALSE(locks_hold(0xFF534D42));  // CIFS
}

TEST_F(PaymentLogTest, ASignalDoesNotHideTheKindOfFileSystem) {
  faults().interrupts = 2;
  EXPECT_TRUE(commit(plain(kOne)));
  EXPECT_EQ(faults().interrupts, 0);
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

// ---- several writers

TEST_F(PaymentLogTest, WritersInParallelNeverMixTheirCommits) {
  constexpr int kWriters = 4;
  constexpr int kCommits = 50;
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      base::Result<PaymentLog> log = PaymentLog::open(path_, words_.diagnostics);
      ASSERT_TRUE(log);
      const std::string name = fmt::format("[{}]", writer);
      for (int i = 0; i < kCommits; ++i) {
        ASSERT_TRUE(log->commit(plain(name) + plain(name) + plain(name)));
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  std::string rest = bytes();
  int groups = 0;
  for (; !rest.empty(); ++groups) {
    const std::string name = rest.substr(0, 3);
    const std::string group = plain(name) + plain(name) + plain(name);
    ASSERT_EQ(rest.substr(0, group.size()), group);
    rest.erase(0, group.size());
  }
  EXPECT_EQ(groups, kWriters * kCommits);
  EXPECT_EQ(words_.heard(), "");
}

// ---- a descriptor that is open already

TEST_F(PaymentLogTest, AdoptsADescriptorThatAppends) {
  write_file(path_, plain(kOne) + "{\"us");
  const base::UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  base::Result<PaymentLog> log = PaymentLog::adopt(fd.get(), "stdout", words_.diagnostics);
  ASSERT_TRUE(log);
  ASSERT_TRUE(log->commit(plain(kTwo)));
  EXPECT_EQ(bytes(), plain(kOne) + plain(kTwo));
  EXPECT_NE(words_.heard().find("stdout: the last 4 bytes"), std::string::npos);
}

TEST_F(PaymentLogTest, AnAdoptedOneLocksForItselfEvenAgainstASharedDescription) {
  const base::UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  base::Result<PaymentLog> log = PaymentLog::adopt(fd.get(), "stdout", words_.diagnostics);
  ASSERT_TRUE(log);
  ASSERT_EQ(::flock(fd.get(), LOCK_EX), 0);
  std::string heard;
  std::thread release([&] {
    EXPECT_TRUE(eventually([&] { return !(heard += words_.heard()).empty(); }));
    EXPECT_EQ(bytes(), "") << "another process with this descriptor has the lock";
    EXPECT_EQ(::flock(fd.get(), LOCK_UN), 0);
  });
  ASSERT_TRUE(log->commit(plain(kOne)));
  release.join();
  EXPECT_EQ(bytes(), plain(kOne));
}

TEST_F(PaymentLogTest, AnAdoptedOneKeepsTailsBesideTheFileItIs) {
  write_file(path_, "{\"us");
  const base::UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  base::Result<PaymentLog> log = PaymentLog::adopt(fd.get(), "stdout", words_.diagnostics);
  ASSERT_TRUE(log);
  ASSERT_TRUE(log->commit(plain(kOne)));
  EXPECT_EQ(torn(), "{\"us\n");
}

TEST_F(PaymentLogTest, AnAdoptedOneThatHasBeenMovedAwayIsNotWrittenToAnyMore) {
  const base::UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  base::Result<PaymentLog> log = PaymentLog::adopt(fd.get(), "stdout", words_.diagnostics);
  ASSERT_TRUE(log);
  ASSERT_TRUE(log->commit(plain(kOne)));
  std::filesystem::rename(path_, folder_ / "old");
  ASSERT_TRUE(log->commit(plain(kTwo)));
  EXPECT_EQ(file_bytes(folder_ / "old"), plain(kOne));
  EXPECT_EQ(bytes(), plain(kTwo));
}

TEST_F(PaymentLogTest, AFileThatHasBeenRemovedIsNotAdopted) {
  const base::UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  std::filesystem::remove(path_);
  const base::Result<PaymentLog> log = PaymentLog::adopt(fd.get(), "stdout", words_.diagnostics);
  ASSERT_FALSE(log);
  EXPECT_NE(log.error().message.find("has been removed"), std::string::npos);
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
}  // namespace paystats::log
