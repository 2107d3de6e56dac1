#include "log/payment_log.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <utility>

#include "unit/io/faults.h"
#include "unit/io/support.h"
#include "unit/log/payment_log_fixture.h"

namespace paystats::log {
namespace {

using namespace io;  // what its tests have

// ---- failures are undone

TEST_F(PaymentLogTest, AFullDiskLeavesTheLogAsItWas) {
  write_file(path_, plain(kOne));
  for (const int64_t room : {0, 1, 10, 27}) {
    faults().disk_bytes_left = room;
    const base::Result<void> committed = commit(plain(kTwo) + plain(kTwo));
    ASSERT_FALSE(committed);
    EXPECT_NE(committed.error().message.find("payments.jsonl: no space left"), std::string::npos);
    EXPECT_EQ(bytes(), plain(kOne));
  }
  faults().disk_bytes_left = -1;
  ASSERT_TRUE(commit(plain(kTwo))) << "it goes on once there is room again";
  EXPECT_EQ(bytes(), plain(kOne) + plain(kTwo));
}

TEST_F(PaymentLogTest, AFileThatMayNotGrowLeavesTheLogAsItWas) {
  write_file(path_, plain(kOne));
  const int status = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{50, 50};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 9;
    const base::Result<void> committed = commit(plain(kTwo) + plain(kTwo));
    return !committed && committed.error().message.find("file too large") != std::string::npos ? 0
                                                                                               : 1;
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(bytes(), plain(kOne));
}

TEST_F(PaymentLogTest, WhatFailsBehindARepairIsUndoneUpToTheRepair) {
  write_file(path_, plain(kOne) + "{\"u");
  faults().disk_bytes_left = 9;  // five of them for the tail beside the log
  EXPECT_FALSE(commit(plain(kTwo)));
  EXPECT_EQ(bytes(), plain(kOne));
  EXPECT_EQ(torn(), "{\"u\n");
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
  ASSERT_TRUE(log->commit(plain(kOne)));
  faults().data_syncs = 0;
  faults().fdatasync_errno = ENOSPC;
  faults().fdatasync_failures = 1;
  EXPECT_FALSE(log->commit(plain(kTwo)));
  EXPECT_EQ(faults().data_syncs, 2) << "of the commit, and of the truncation";
  EXPECT_FALSE(log->broken());
  EXPECT_EQ(bytes(), plain(kOne));

  faults().data_syncs = 0;
  faults().fdatasync_errno = 0;
  faults().disk_bytes_left = 5;
  EXPECT_FALSE(log->commit(plain(kTwo)));
  EXPECT_EQ(faults().data_syncs, 2) << "of what may have changed, and of the truncation";
  EXPECT_FALSE(log->broken());
}

TEST_F(PaymentLogTest, WhereThatIsNotOnTheDiskTheLogIsBroken) {
  base::Result<PaymentLog> log = PaymentLog::open(path_, words_.diagnostics);
  ASSERT_TRUE(log);
  ASSERT_TRUE(log->commit(plain(kOne)));
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
  EXPECT_EQ(faults().data_syncs, 4);
  EXPECT_FALSE(log->broken());
}

TEST_F(PaymentLogTest, NoRoomForTheMissingNewlineIsAnErrorAsWell) {
  write_file(path_, kOne);
  faults().disk_bytes_left = 0;
  EXPECT_FALSE(commit(plain(kTwo)));
  EXPECT_EQ(bytes(), kOne);
}

// ---- writers that do not lock

TEST_F(PaymentLogTest, AnUndoKeepsWhatOthersAppendedWithoutTheLock) {
  base::Result<PaymentLog> log = PaymentLog::open(path_, words_.diagnostics);
  ASSERT_TRUE(log);
  ASSERT_TRUE(log->commit(plain(kOne)));
  for (const bool before_ours : {true, false}) {
    remove_torn();
    faults().fdatasync_errno = EIO;
    faults().fdatasync_failures = 1;
    const auto foreign = [&] { append_file(path_, "{\"konto\":7} \n"); };
    (before_ours ? faults().on_write : faults().on_fdatasync) = foreign;
    base::Result<PaymentLog> other = PaymentLog::open(path_, words_.diagnostics);
    ASSERT_TRUE(other);
    faults().fdatasync_after = 1;  // of the commit, not of what is looked at before it
    EXPECT_FALSE(other->commit(plain(kTwo)));
    EXPECT_EQ(bytes(), plain(kOne));
    EXPECT_EQ(torn(), "{\"konto\":7} \n\n");
    EXPECT_NE(words_.heard().find("without the lock"), std::string::npos);
  }
}

TEST_F(PaymentLogTest, AnUndoKeepsAlsoWhatComesWhileItKeepsSomething) {
  base::Result<PaymentLog> log = PaymentLog::open(path_, words_.diagnostics);
  ASSERT_TRUE(log);
  ASSERT_TRUE(log->commit(plain(kOne)));
  faults().fdatasync_errno = EIO;
  faults().fdatasync_failures = 1;
  faults().on_fdatasync = [&] {
    append_file(path_, "{\"first\":1}\n");
    // The next write is that of the first line to the file beside the log.
    faults().on_write = [&] { append_file(path_, "{\"second\":2}\n"); };
  };
  EXPECT_FALSE(log->commit(plain(kTwo)));
  EXPECT_EQ(bytes(), plain(kOne));
  EXPECT_EQ(torn(), "{\"first\":1}\n\n{\"second\":2}\n\n");
}

// Others write to a disk that is full for us.
void append_without_limit(const std::string& path, std::string_view bytes) {
  const int64_t left = std::exchange(faults().disk_bytes_left, -1);
  append_file(path, bytes);
  faults().disk_bytes_left = left;
}

// Where nothing of ours was written, nothing is ours, whatever it looks like.
TEST_F(PaymentLogTest, AnUndoOfNothingKeepsAlsoWhatEndsAsItsLineBegins) {
  base::Result<PaymentLog> log = PaymentLog::open(path_, words_.diagnostics);
  ASSERT_TRUE(log);
  ASSERT_TRUE(log->commit(plain(kOne)));
  for (const std::string foreign :
       {"{\"konto\":7}\n{", "{", "{\"user\":\"b", "{\"user\":\"b\",\"paymentAmt\":2}\n"}) {
    remove_torn();
    faults().disk_bytes_left = 0;
    faults().on_write = [&] {
      append_without_limit(path_, foreign);
      // What is kept needs room.
      faults().on_write = [] { faults().disk_bytes_left = -1; };
    };
    EXPECT_FALSE(log->commit(plain(kTwo))) << foreign;
    EXPECT_EQ(bytes(), plain(kOne)) << foreign;
    EXPECT_EQ(torn(), foreign + "\n");
  }
}

// What came behind the beginning of our line may go on as our line would have.
TEST_F(PaymentLogTest, AnUndoKeepsAlsoWhatGoesOnAsItsLineWouldHave) {
  base::Result<PaymentLog> log = PaymentLog::open(path_, words_.diagnostics);
  ASSERT_TRUE(log);
  ASSERT_TRUE(log->commit(plain(kOne)));
  const std::string ours = plain("{\"user\":\"" + std::string(200, 'n') + "\",\"paymentAmt\":2}");
  for (const int64_t written : {9, 70, 150}) {
    remove_torn();
    faults().disk_bytes_left = written;
    const std::string foreign = ours.substr(static_cast<size_t>(written), 30) + "\n";
    faults().on_write = [&] {
      faults().on_write = [&] {  // before the second write, which finds no room
        append_without_limit(path_, foreign);
        faults().on_write = [] { faults().disk_bytes_left = -1; };
      };
    };
    EXPECT_FALSE(log->commit(ours)) << written;
    EXPECT_EQ(bytes(), plain(kOne)) << written;
    EXPECT_EQ(torn(), foreign + "\n") << written;
  }
}

// Bytes of ours in two places are not told from others, and all of them are kept.
TEST_F(PaymentLogTest, AnUndoKeepsEverythingWhereItsOwnBytesCannotBeTold) {
  base::Result<PaymentLog> log = PaymentLog::open(path_, words_.diagnostics);
  ASSERT_TRUE(log);
  ASSERT_TRUE(log->commit(plain(kOne)));
  faults().disk_bytes_left = 1;
  faults().on_write = [&] {
    append_without_limit(path_, "{\"konto\":7}\n");
    // Before the second write, which finds no room.
    faults().on_write = [&] { faults().on_write = [] { faults().disk_bytes_left = -1; }; };
  };
  EXPECT_FALSE(log->commit(plain(kTwo)));
  EXPECT_EQ(bytes(), plain(kOne));
  EXPECT_EQ(torn(), "{\"konto\":7}\n{\n");
}

// The beginning of a line that somebody appends without the lock must not become part of ours.
TEST_F(PaymentLogTest, ALineThatOthersHaveBegunMeanwhileIsNoLineOfOurs) {
  base::Result<PaymentLog> log = PaymentLog::open(path_, words_.diagnostics);
  ASSERT_TRUE(log);
  ASSERT_TRUE(log->commit(plain(kOne)));
  faults().on_write = [&] { append_file(path_, "{\"konto\":"); };
  const base::Result<void> committed = log->commit(plain(kTwo));
  ASSERT_FALSE(committed) << "it would be a part of another line";
  EXPECT_NE(committed.error().message.find("without the lock"), std::string::npos);
  EXPECT_FALSE(log->broken());
  EXPECT_EQ(bytes(), plain(kOne));
  EXPECT_EQ(torn(), "{\"konto\":\n");

  faults().on_write = [&] { append_file(path_, "{\"konto\":7}\n"); };
  ASSERT_TRUE(log->commit(plain(kTwo))) << "a whole line of others is none of our business";
  EXPECT_EQ(bytes(), plain(kOne) + "{\"konto\":7}\n" + plain(kTwo));
}

TEST_F(PaymentLogTest, ALineThatOthersHaveBegunBehindOursIsSeenByTheNextCommit) {
  base::Result<PaymentLog> log = PaymentLog::open(path_, words_.diagnostics);
  ASSERT_TRUE(log);
  ASSERT_TRUE(log->commit(plain(kOne)));
  faults().fdatasync_errno = EINTR;  // begun anew
  faults().fdatasync_failures = 1;
  faults().on_fdatasync = [&] { append_file(path_, "{\"konto\":"); };
  ASSERT_TRUE(log->commit(plain(kOne)));
  ASSERT_TRUE(log->commit(plain(kTwo)));
  EXPECT_EQ(bytes(), plain(kOne) + plain(kOne) + plain(kTwo));
  EXPECT_EQ(torn(), "{\"konto\":\n");
}

TEST_F(PaymentLogTest, ATailIsKeptOnceHoweverOftenItIsLookedAt) {
  write_file(path_, plain(kOne) + "{\"a\":");
  // It grows while it is kept, and is none the less torn.
  faults().on_write = [&] { append_file(path_, "7"); };
  ASSERT_TRUE(commit(plain(kTwo)));
  EXPECT_EQ(bytes(), plain(kOne) + plain(kTwo));
  EXPECT_EQ(torn(), "{\"a\":7\n");
}

TEST_F(PaymentLogTest, ATailIsNeverInNeitherFile) {
  for (const int sync : {0, 1, 2}) {
    remove_torn();
    write_file(path_, plain(kOne) + "{\"us");
    faults().fdatasync_errno = EIO;
    faults().fdatasync_failures = 1;
    faults().fdatasync_after = sync;
    EXPECT_FALSE(commit(plain(kTwo)));
    EXPECT_NE((bytes() + torn()).find("{\"us"), std::string::npos) << sync;
    EXPECT_TRUE(bytes().starts_with(plain(kOne)));
  }
}

TEST_F(PaymentLogTest, ATailLiesBesideTheFileThatALinkLeadsTo) {
  std::filesystem::create_directory(folder_ / "inner");
  write_file(folder_ / "inner/log", "{\"us");
  std::filesystem::create_symlink("inner/log", path_);
  ASSERT_TRUE(commit(plain(kOne)));
  EXPECT_EQ(file_bytes(folder_ / "inner/log.torn"), "{\"us\n");
}

TEST_F(PaymentLogTest, ALineThatIsFinishedWhileATailIsKeptStays) {
  write_file(path_, plain(kOne) + "{\"konto\":");
  faults().on_write = [&] { append_file(path_, "7}\n"); };  // as the tail goes beside the log
  ASSERT_TRUE(commit(plain(kTwo)));
  EXPECT_EQ(bytes(), plain(kOne) + "{\"konto\":7}\n" + plain(kTwo));
  EXPECT_EQ(torn(), "");
}

}  // namespace
}  // namespace paystats::log
