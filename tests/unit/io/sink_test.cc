#include "io/sink.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/stop_signal.h"
#include "io/replace_sink.h"
#include "io/stream_sink.h"
#include "unit/io/faults.h"
#include "unit/io/support.h"

namespace paystats::io {
namespace {

class SinkTest : public ::testing::Test {
 protected:
  base::Result<std::unique_ptr<Sink>> open(const std::string& name, FileMode mode) {
    return open_sink(*Endpoint::parse(name), mode);
  }
  std::unique_ptr<Sink> file(FileMode mode) {
    auto sink = open(path_, mode);
    EXPECT_TRUE(sink) << sink.error().message;
    return sink ? std::move(*sink) : nullptr;
  }
  std::string bytes() const { return file_bytes(path_); }
  mode_t permissions(const std::string& path) const {
    struct stat status = {};
    return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
  }

  const FaultsOff off_;
  const TempFolder folder_;
  const std::string path_ = folder_ / "out.jsonl";
};

// ---- stdout

TEST_F(SinkTest, StdoutIsWrittenOnFlush) {
  const Pipe pipe;
  const Redirected redirected(STDOUT_FILENO, pipe.write.get());
  auto sink = open("-", FileMode::kAppend);
  ASSERT_TRUE(sink);
  ASSERT_TRUE((*sink)->write("one\n"));
  ASSERT_EQ(::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK), 0);
  char got[100];
  EXPECT_EQ(::read(pipe.read.get(), got, sizeof got), -1) << "nothing yet";
  ASSERT_TRUE((*sink)->flush());
  EXPECT_EQ(::read(pipe.read.get(), got, sizeof got), 4);
  ASSERT_TRUE((*sink)->write("two\n"));
  ASSERT_TRUE((*sink)->close());
  EXPECT_EQ(::read(pipe.read.get(), got, sizeof got), 4);
}

TEST_F(SinkTest, AFullBufferIsWrittenByItself) {
  auto sink = file(FileMode::kAppend);
  const std::string lines = std::string(99, 'x') + '\n';
  for (size_t i = 0; i <= StreamSink::kBufferBytes / 100; ++i) ASSERT_TRUE(sink->write(lines));
  EXPECT_EQ(bytes().size(), StreamSink::kBufferBytes / 100 * 100) << "whole lines only";
  const std::string large(StreamSink::kBufferBytes + 1, 'y');
  ASSERT_TRUE(sink->write(large));
  EXPECT_EQ(bytes().size(), (StreamSink::kBufferBytes / 100 + 1) * 100 + large.size());
}

TEST_F(SinkTest, StdoutIsNeverMadeNonBlocking) {
  const Pipe pipe;
  const Redirected redirected(STDOUT_FILENO, pipe.write.get());
  auto sink = open("-", FileMode::kReplace);
  ASSERT_TRUE(sink);
  ASSERT_TRUE((*sink)->write("one\n"));
  ASSERT_TRUE((*sink)->close());
  EXPECT_EQ(::fcntl(pipe.write.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(SinkTest, AReaderThatHasGoneIsAClosedOutput) {
  Pipe pipe;
  const base::StopSignal stop;  // as in every tool: SIGPIPE is ignored
  const Redirected redirected(STDOUT_FILENO, pipe.write.get());
  auto sink = open("-", FileMode::kReplace);
  ASSERT_TRUE(sink);
  pipe.read.reset();
  ASSERT_TRUE((*sink)->write("one\n"));
  const base::Result<void> flushed = (*sink)->flush();
  ASSERT_FALSE(flushed);
  EXPECT_EQ(flushed.error().kind, base::ErrorKind::kClosedOutput);
  EXPECT_EQ(flushed.error().message, "stdout: broken pipe");
}

TEST_F(SinkTest, TheWaiterSeesTheReaderOfStdout) {
  Pipe pipe;
  const Redirected redirected(STDOUT_FILENO, pipe.write.get());
  auto sink = open("-", FileMode::kReplace);
  ASSERT_TRUE(sink);
  const base::StopSignal stop;
  const base::SystemClock clock;
  const Waiter waiter(stop, clock, (*sink)->reader_fd());
  EXPECT_EQ(waiter.wait_readable(-1, clock.now()), Wake::kDeadline);
  pipe.read.reset();
  EXPECT_FALSE(waiter.wait_readable(-1, clock.now()));
}

TEST_F(SinkTest, AStdoutThatCannotBeWrittenIsAnErrorAtOnce) {
  const base::UniqueFd read_only(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Redirected redirected(STDOUT_FILENO, read_only.get());
  const auto sink = open("-", FileMode::kReplace);
  ASSERT_FALSE(sink);
  EXPECT_EQ(sink.error().message, "stdout: bad file descriptor");
}

TEST_F(SinkTest, AFullDeviceIsAnErrorByTheCloseAtTheLatest) {
  for (const FileMode mode : {FileMode::kAppend, FileMode::kReplace}) {
    auto sink = open("/dev/full", mode);
    ASSERT_TRUE(sink);
    ASSERT_TRUE((*sink)->write("one\n"));
    const base::Result<void> closed = (*sink)->close();
    ASSERT_FALSE(closed);
    EXPECT_EQ(closed.error().message, "/dev/full: no space left on device");
  }
}

TEST_F(SinkTest, AfterAnErrorNothingIsASuccessAnyMore) {
  auto sink = open("/dev/full", FileMode::kAppend);
  ASSERT_TRUE(sink);
  ASSERT_TRUE((*sink)->write("one\n"));
  EXPECT_FALSE((*sink)->flush());
  EXPECT_FALSE((*sink)->flush());
  EXPECT_FALSE((*sink)->close());
}

// ---- append

TEST_F(SinkTest, AnAppendedFileKeepsWhatItHas) {
  write_file(path_, "before\n");
  auto sink = file(FileMode::kAppend);
  ASSERT_TRUE(sink->write("one\n"));
  ASSERT_TRUE(sink->write("two\n"));
  EXPECT_EQ(bytes(), "before\n");
  ASSERT_TRUE(sink->flush());
  EXPECT_EQ(bytes(), "before\none\ntwo\n");
  EXPECT_EQ(sink->reader_fd(), -1);
  append_file(path_, "another writer's\n");
  ASSERT_TRUE(sink->write("three\n"));
  ASSERT_TRUE(sink->close());
  EXPECT_EQ(bytes(), "before\none\ntwo\nanother writer's\nthree\n");
}

TEST_F(SinkTest, ALineThatAKilledWriterLeftIsNotContinued) {
  write_file(path_, "whole\ntor");
  auto sink = file(FileMode::kAppend);
  ASSERT_TRUE(sink->flush());
  EXPECT_EQ(bytes(), "whole\ntor") << "what has nothing to write changes nothing";
  ASSERT_TRUE(sink->write("one\n"));
  ASSERT_TRUE(sink->write("two\n"));
  ASSERT_TRUE(sink->close());
  EXPECT_EQ(bytes(), "whole\ntor\none\ntwo\n");
}

TEST_F(SinkTest, AnAppendedFileIsMadeAsUmaskHasIt) {
  const mode_t before = ::umask(027);
  EXPECT_TRUE(file(FileMode::kAppend)->close());
  ::umask(before);
  EXPECT_EQ(permissions(path_), 0640u);
}

// ---- replace

TEST_F(SinkTest, AReplacedFileIsOldOrNewAndNothingBetween) {
  write_file(path_, "old\n");
  auto sink = file(FileMode::kReplace);
  ASSERT_TRUE(sink->write("new\n"));
  ASSERT_TRUE(sink->flush());
  EXPECT_EQ(bytes(), "old\n");
  ASSERT_TRUE(sink->close());
  EXPECT_EQ(bytes(), "new\n");
  EXPECT_EQ(folder_.entries(), 1u) << "nothing is left beside it";
}

TEST_F(SinkTest, AReplacedFileIsOnTheDiskBeforeItTakesItsPlace) {
  auto sink = file(FileMode::kReplace);
  ASSERT_TRUE(sink->write("new\n"));
  ASSERT_TRUE(sink->close());
  struct stat made = {};
  struct stat folder = {};
  ASSERT_EQ(::stat(path_.c_str(), &made), 0);
  ASSERT_EQ(::stat((folder_ / ".").c_str(), &folder), 0);
  EXPECT_EQ(faults().fsynced, (std::vector<ino_t>{made.st_ino, folder.st_ino}));
}

TEST_F(SinkTest, WithoutCloseTheOldFileStaysAndNothingIsLeft) {
  write_file(path_, "old\n");
  {
    auto sink = file(FileMode::kReplace);
    ASSERT_TRUE(sink->write("new\n"));
    ASSERT_TRUE(sink->flush());
    EXPECT_EQ(folder_.entries(), 2u);
  }
  EXPECT_EQ(bytes(), "old\n");
  EXPECT_EQ(folder_.entries(), 1u);
}

TEST_F(SinkTest, AFullDiskLeavesTheOldFile) {
  write_file(path_, "old\n");
  auto sink = file(FileMode::kReplace);
  faults().disk_bytes_left = 2;
  ASSERT_TRUE(sink->write("new\n"));
  EXPECT_FALSE(sink->flush());
  faults().disk_bytes_left = -1;
  ASSERT_TRUE(sink->write("more\n"));
  EXPECT_FALSE(sink->close()) << "something is missing in it, even if there is room by now";
  EXPECT_EQ(bytes(), "old\n");
}

TEST_F(SinkTest, AReplacedFileKeepsItsMode) {
  write_file(path_, "old\n");
  ASSERT_EQ(::chmod(path_.c_str(), 0604), 0);
  EXPECT_TRUE(file(FileMode::kReplace)->close());
  EXPECT_EQ(permissions(path_), 0604u);
}

TEST_F(SinkTest, ANewFileHasTheModeThatUmaskAllows) {
  const mode_t before = ::umask(026);
  EXPECT_TRUE(file(FileMode::kReplace)->close());
  ::umask(before);
  EXPECT_EQ(permissions(path_), 0640u);
}

TEST_F(SinkTest, OfASymbolicLinkTheTargetIsReplaced) {
  std::filesystem::create_directory(folder_ / "data");
  write_file(folder_ / "data/real", "old\n");
  std::filesystem::create_symlink("data/real", path_);
  auto sink = file(FileMode::kReplace);
  ASSERT_TRUE(sink->write("new\n"));
  ASSERT_TRUE(sink->close());
  EXPECT_TRUE(std::filesystem::is_symlink(path_));
  EXPECT_EQ(file_bytes(folder_ / "data/real"), "new\n");
}

TEST_F(SinkTest, OfALinkToNothingTheTargetIsMade) {
  std::filesystem::create_symlink(folder_ / "real", path_);
  auto sink = file(FileMode::kReplace);
  ASSERT_TRUE(sink->write("new\n"));
  ASSERT_TRUE(sink->close());
  EXPECT_TRUE(std::filesystem::is_symlink(path_));
  EXPECT_EQ(file_bytes(folder_ / "real"), "new\n");
}

TEST_F(SinkTest, ALinkToItselfIsAnError) {
  std::filesystem::create_symlink("out.jsonl", path_);
  EXPECT_FALSE(open(path_, FileMode::kReplace));
}

TEST_F(SinkTest, WhatAKillLeavesOfAReplacementCannotBeTakenForData) {
  auto sink = file(FileMode::kReplace);
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / ".")) {
    const std::string name = entry.path().filename();
    EXPECT_EQ(name.rfind(".out.jsonl.paystats-", 0), 0u) << name;
    EXPECT_NE(entry.path().extension(), ".jsonl");
  }
  auto second = file(FileMode::kReplace);
  EXPECT_EQ(folder_.entries(), 2u) << "two at a time do not meet";
}

TEST_F(SinkTest, ANameOfTheGreatestLengthCanBeReplaced) {
  const std::string path = folder_ / std::string(255, 'n');
  auto sink = open(path, FileMode::kReplace);
  ASSERT_TRUE(sink) << sink.error().message;
  EXPECT_TRUE((*sink)->close());
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(SinkTest, AFileThatMayNotBeWrittenIsNotReplaced) {
  write_file(path_, "old\n");
  ASSERT_EQ(::chmod(path_.c_str(), 0444), 0);
  ASSERT_EQ(::chmod((folder_ / ".").c_str(), 0777), 0);
  EXPECT_EQ(in_child([&] {
              if (::getuid() == 0 && ::setuid(65534) != 0) return 9;
              const auto sink = open(path_, FileMode::kReplace);
              return !sink && sink.error().message == path_ + ": permission denied" ? 0 : 1;
            }),
            0);
}

// ---- paths that are no regular files

TEST_F(SinkTest, ADeviceIsWrittenAsItIsAndNotReplaced) {
  auto sink = open("/dev/null", FileMode::kReplace);
  ASSERT_TRUE(sink);
  ASSERT_TRUE((*sink)->write("one\n"));
  ASSERT_TRUE((*sink)->close());
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST_F(SinkTest, AFifoIsWrittenAsItIs) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] { got = file_bytes(path_); });
  auto sink = file(FileMode::kReplace);
  EXPECT_GE(sink->reader_fd(), 0);
  ASSERT_TRUE(sink->write("one\n"));
  ASSERT_TRUE(sink->close());
  reader.join();
  EXPECT_EQ(got, "one\n");
  EXPECT_TRUE(std::filesystem::is_fifo(path_));
}

TEST_F(SinkTest, TheWaitForTheReaderOfAFifoEndsByASignal) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  const base::StopSignal stop;
  const pthread_t waiting = ::pthread_self();
  WhenAsleep signal([&] { ::pthread_kill(waiting, SIGTERM); });
  const auto sink = open(path_, FileMode::kAppend);
  signal.join();
  ASSERT_FALSE(sink);
  EXPECT_EQ(sink.error().kind, base::ErrorKind::kInterrupted);
}

TEST_F(SinkTest, AFolderIsAClearError) {
  for (const FileMode mode : {FileMode::kAppend, FileMode::kReplace}) {
    const auto sink = open(folder_ / ".", mode);
    ASSERT_FALSE(sink);
    EXPECT_EQ(sink.error().message, (folder_ / ".") + ": is a directory");
  }
}

TEST_F(SinkTest, AFolderThatIsNotThereIsAnErrorAtTheOpen) {
  for (const FileMode mode : {FileMode::kAppend, FileMode::kReplace}) {
    const auto sink = open(folder_ / "none/out", mode);
    ASSERT_FALSE(sink);
    EXPECT_EQ(sink.error().message, (folder_ / "none/out") + ": no such file or directory");
  }
}

TEST_F(SinkTest, ATopicIsForAnotherRoom) {
  const auto sink = open("kafka:rejects", FileMode::kAppend);
  ASSERT_FALSE(sink);
  EXPECT_EQ(sink.error().message, "kafka:rejects: this build cannot write topics");
}

// ---- replace_file()

TEST_F(SinkTest, ReplacingWritesToAPipeAsItIs) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_FALSE(replace_file(path_, "nobody reads\n"));
  const base::UniqueFd reader(::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_TRUE(replace_file(path_, "one\n"));
  char got[100];
  EXPECT_EQ(::read(reader.get(), got, sizeof got), 4);
  EXPECT_TRUE(std::filesystem::is_fifo(path_));
}

TEST_F(SinkTest, AFileIsReplacedInOneCall) {
  ASSERT_TRUE(replace_file(path_, "one\n"));
  ASSERT_TRUE(replace_file(path_, "two\n"));
  EXPECT_EQ(bytes(), "two\n");
  EXPECT_EQ(folder_.entries(), 1u);
}

TEST_F(SinkTest, ASignalDoesNotKeepAFileFromBeingReplaced) {
  faults().interrupts = 2;
  EXPECT_TRUE(replace_file(path_, "one\n"));
  EXPECT_EQ(faults().interrupts, 0);
}

TEST_F(SinkTest, AFileThatCannotBeReplacedStaysAsItIs) {
  write_file(path_, "old\n");
  faults().disk_bytes_left = 2;
  EXPECT_FALSE(replace_file(path_, "new\n"));
  EXPECT_EQ(bytes(), "old\n");
  EXPECT_EQ(folder_.entries(), 1u);
}

TEST(StreamSink, APipeIsMadeLargerAndNeverSmaller) {
  const Pipe pipe;
  const int before = ::fcntl(pipe.write.get(), F_GETPIPE_SZ);
  const StreamSink sink(base::UniqueFd(::dup(pipe.write.get())), "pipe");
  const int after = ::fcntl(pipe.write.get(), F_GETPIPE_SZ);
  EXPECT_GT(after, before);
  const StreamSink again(base::UniqueFd(::dup(pipe.write.get())), "pipe");
  EXPECT_EQ(::fcntl(pipe.write.get(), F_GETPIPE_SZ), after);
}

}  // namespace
}  // namespace paystats::io
