#include "log/payment_log.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>

#include "record/payment.h"
#include "unit/io/faults.h"
#include "unit/io/support.h"

namespace paystats::log {
namespace {

using namespace io;  // sources, and what its tests have

constexpr const char* kOne = "{\"user\":\"a\",\"paymentAmt\":1}";
constexpr const char* kTwo = "{\"user\":\"b\",\"paymentAmt\":2}";

std::string plain(const std::string& payment) {
  return fmt::format("{}\n", payment);
}

class PaymentLogTest : public ::testing::Test {
 protected:
  base::Result<void> commit(std::string_view lines) {
    base::Result<PaymentLog> log = PaymentLog::open(path_, words_.diagnostics);
    if (!log) return base::fail(log.error());
    return log->commit(lines);
  }
  std::string bytes() const { return file_bytes(path_); }
  std::string torn() const { return file_bytes(path_ + ".torn"); }
  void remove_torn() const { std::filesystem::remove(path_ + ".torn"); }

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
  for (const std::string bytes_before :
       {"my notes", " \n\tnotes\n", "user,paymentAmt\n", "7", "\xEF\xBB\xBFnotes", "\xFF\xFE{"}) {
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
  for (const std::string& before : {std::string(), std::string(" \r\n"), std::string("[1]\n"),
                                    "\xEF\xBB\xBF" + plain(kOne), std::string("\0\n", 2)}) {
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
  std::string torn;
};

TEST_F(PaymentLogTest, RepairsWhatAKilledWriterLeft) {
  const std::string one = kOne;
  const std::string two = kTwo;
  const Torn cases[] = {
      {"nothing is torn", plain(one), plain(one), ""},
      {"an empty line", plain(one) + "\n", plain(one) + "\n", ""},
      {"a payment without its newline gets it", plain(one) + two, plain(one) + plain(two), ""},
      {"so does the only one", one, plain(one), ""},
      {"and one behind an empty line", "\n" + one, "\n" + plain(one), ""},
      {"and any other JSON object", plain(one) + R"({"konto":7})", plain(one) + "{\"konto\":7}\n",
       ""},
      {"and one behind the mark of a file's beginning", "\xEF\xBB\xBF" + one,
       "\xEF\xBB\xBF" + plain(one), ""},
      {"and an array", plain(one) + "[" + one + "]", plain(one) + "[" + one + "]\n", ""},
      {"and what has spaces around it", plain(one) + " " + two + " \r",
       plain(one) + " " + two + " \r\n", ""},
      {"a torn line is kept beside the log", plain(one) + "{\"user\":\"b\"", plain(one),
       "{\"user\":\"b\"\n"},
      {"so is the only one", "{\"us", "", "{\"us\n"},
      {"so is a single byte", plain(one) + "{", plain(one), "{\n"},
      {"so are spaces", plain(one) + "  ", plain(one), "  \n"},
      {"so is what is no JSON", plain(one) + "hello", plain(one), "hello\n"},
      {"a scalar may be the beginning of another", plain(one) + "12", plain(one), "12\n"},
      {"so are two objects in one line", plain(one) + two + two, plain(one), two + two + "\n"},
      {"a whole line that ends in a space is a whole line", plain(one) + two + " \n{",
       plain(one) + two + " \n", "{\n"},
      {"so is one between spaces, and one with a CR", " " + one + " \n" + two + "\r\n{",
       " " + one + " \n" + two + "\r\n", "{\n"},
      {"bytes that never reached the disk are told by their number",
       plain(one) + std::string(5000, '\0'), plain(one), "[5000 NUL bytes]\n"},
      {"so are those in the middle", plain(one) + "{\"user\":" + std::string(1, '\0') + "}",
       plain(one), "{\"user\":[1 NUL byte]}\n"},
  };
  for (const Torn& torn_case : cases) {
    write_file(path_, torn_case.before);
    remove_torn();
    ASSERT_TRUE(commit(plain("next"))) << torn_case.what;
    EXPECT_EQ(bytes(), torn_case.repaired + plain("next")) << torn_case.what;
    EXPECT_EQ(torn(), torn_case.torn) << torn_case.what;
    EXPECT_EQ(words_.heard().find("error") != std::string::npos, !torn_case.torn.empty())
        << torn_case.what;
  }
}

TEST_F(PaymentLogTest, ARepairSaysHowMuchItMovedAndWhere) {
  write_file(path_, plain(kOne) + "{\"us");
  ASSERT_TRUE(commit(plain(kOne)));
  const std::string heard = words_.heard();
  EXPECT_NE(heard.find("payments.jsonl: the last 4 bytes were no whole line"), std::string::npos);
  EXPECT_NE(heard.find("payments.jsonl.torn"), std::string::npos);
}

TEST_F(PaymentLogTest, EachTailIsKeptBehindTheOneBefore) {
  for (const std::string tail : {"{\"a", "{\"b"}) {
    append_file(path_, tail);
    ASSERT_TRUE(commit(plain(kOne)));
  }
  EXPECT_EQ(torn(), "{\"a\n{\"b\n");
  EXPECT_EQ(bytes(), plain(kOne) + plain(kOne));
}

TEST_F(PaymentLogTest, ATailOfManyMegabytesIsKeptAsAWhole) {
  const std::string tail = "{\"user\":\"" + std::string(3'000'000, 'x') + "\"}";
  write_file(path_, plain(kOne) + tail);
  ASSERT_TRUE(commit(plain(kTwo)));
  EXPECT_EQ(bytes(), plain(kOne) + plain(kTwo));
  EXPECT_EQ(torn(), tail + "\n");
}

// What stands beside the log, and that it does, is on the disk before it is cut off, and that it is
// cut off before anything is written in its place.
TEST_F(PaymentLogTest, ATailIsOnTheDiskBesideTheLogBeforeItIsCutOff) {
  write_file(path_, plain(kOne) + "{\"us");
  ASSERT_TRUE(commit(plain(kTwo)));
  struct stat torn_status = {};
  struct stat folder = {};
  ASSERT_EQ(::stat((path_ + ".torn").c_str(), &torn_status), 0);
  ASSERT_EQ(::stat((folder_ / ".").c_str(), &folder), 0);
  EXPECT_EQ(faults().fsynced,
            (std::vector<ino_t>{torn_status.st_ino, folder.st_ino, folder.st_ino}));
  EXPECT_EQ(faults().data_syncs, 3) << "before all, of the cut, and of the commit";
}

TEST_F(PaymentLogTest, WithoutRoomForTheTailTheLogStaysAsItIs) {
  const std::string before = plain(kOne) + "{\"us";
  write_file(path_, before);
  write_file(path_ + ".torn", "older\n");
  faults().disk_bytes_left = 2;
  EXPECT_FALSE(commit(plain(kTwo)));
  EXPECT_EQ(bytes(), before);
  EXPECT_EQ(torn(), "older\n");
  faults().disk_bytes_left = -1;
  std::filesystem::remove(path_ + ".torn");
  std::filesystem::create_directory(path_ + ".torn");
  EXPECT_FALSE(commit(plain(kTwo)));
  EXPECT_EQ(bytes(), before);
}

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
