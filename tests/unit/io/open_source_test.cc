#include "io/open_source.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "unit/io/support.h"

namespace paystats::io {
namespace {

// How a log is followed is the room log's business.
SourceOptions options(bool follow) {
  SourceOptions options;
  if (follow) {
    options.follow = [](const std::string& path, const Waiter&, base::Diagnostics&) {
      return base::Result<std::unique_ptr<Source>>(memory_source("followed\n", 100, path));
    };
  }
  return options;
}

class OpenSourceTest : public ::testing::Test {
 protected:
  base::Result<std::unique_ptr<Source>> open(const std::vector<std::string>& names,
                                             bool follow = false) {
    const auto inputs = parse_inputs(names);
    if (!inputs) return base::fail(inputs.error());
    return open_source(*inputs, options(follow), context_.waiter, context_.words.diagnostics);
  }
  std::string error_of(const std::vector<std::string>& names, bool follow = false) {
    const auto source = open(names, follow);
    return source ? "" : source.error().message;
  }
  std::string file(const std::string& name, std::string_view bytes) {
    write_file(folder_ / name, bytes);
    return folder_ / name;
  }
  std::string fifo() {
    EXPECT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
    return folder_ / "fifo";
  }

  const TempFolder folder_;
  TestContext context_;
  Block block_;
};

TEST_F(OpenSourceTest, InputsAreReadInTurnAndTheLinesOfEachAreNumberedFromOne) {
  const std::string first = file("a", "one\ntwo");
  const std::string second = file("b", "three\nfour\n");
  const auto source = open({first, second});
  ASSERT_TRUE(source);
  EXPECT_EQ((*source)->bytes_all(), 18u);
  ASSERT_EQ((*source)->read(block_, base::Instant{}), ReadStatus::kBlock);
  ASSERT_EQ((*source)->read(block_, base::Instant{}), ReadStatus::kBlock);
  EXPECT_EQ(block_.bytes, "two") << "a last line without its newline is not glued to the next";
  EXPECT_EQ(block_.source, first);
  EXPECT_FALSE(block_.begins_input);
  ASSERT_EQ((*source)->read(block_, base::Instant{}), ReadStatus::kBlock);
  EXPECT_EQ(block_.bytes, "three\nfour\n");
  EXPECT_EQ(block_.source, second);
  EXPECT_TRUE(block_.begins_input);
  EXPECT_EQ((*source)->read(block_, base::Instant{}), ReadStatus::kEnd);
  EXPECT_EQ((*source)->read(block_, base::Instant{}), ReadStatus::kEnd);
  EXPECT_EQ((*source)->bytes_read(), 18u);
}

TEST_F(OpenSourceTest, TheMarkOfEachInputIsSkippedAndTheLineNumbersStay) {
  const std::string first = file("a", "\xEF\xBB\xBFone\n");
  const std::string second = file("b", "\xEF\xBB\xBF");
  const auto source = open({first, second});
  ASSERT_TRUE(source);
  ASSERT_EQ((*source)->read(block_, base::Instant{}), ReadStatus::kBlock);
  EXPECT_EQ(block_.bytes, "one\n");
  ASSERT_EQ((*source)->read(block_, base::Instant{}), ReadStatus::kBlock);
  EXPECT_EQ(block_.bytes, "");
  EXPECT_EQ((*source)->read(block_, base::Instant{}), ReadStatus::kEnd);
  EXPECT_EQ((*source)->bytes_read(), 10u);
}

TEST_F(OpenSourceTest, AnInputThatIsCompressedIsRefusedWhenItIsItsTurn) {
  const std::string compressed = file("a.gz", "\x1F\x8B\x08\n");
  const auto source = open({file("a", "one\n"), compressed});
  ASSERT_TRUE(source);
  ASSERT_EQ((*source)->read(block_, base::Instant{}), ReadStatus::kBlock);
  const auto refused = (*source)->read(block_, base::Instant{});
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().message.starts_with(compressed + ": is compressed by gzip"))
      << refused.error().message;
}

TEST_F(OpenSourceTest, AFileOfProcIsReadToItsEndWhateverSizeItSaysItHas) {
  const std::string name = "/proc/self/status";
  ASSERT_EQ(std::filesystem::file_size(name), 0u);
  const auto sizes = check_inputs(*parse_inputs({name, file("empty", "")}), {});
  ASSERT_TRUE(sizes);
  EXPECT_FALSE(sizes->all_regular) << "else it would be cut into segments by its size";
  const auto source = open({name});
  ASSERT_TRUE(source);
  ASSERT_EQ((*source)->read(block_, base::Instant::max()), ReadStatus::kBlock);
  EXPECT_TRUE(block_.bytes.starts_with("Name:")) << block_.bytes;

  const base::UniqueFd fd(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  const Redirected redirected(0, fd.get());
  const auto by_stdin = open({"-"});
  ASSERT_TRUE(by_stdin);
  ASSERT_EQ((*by_stdin)->read(block_, base::Instant::max()), ReadStatus::kBlock);
  EXPECT_TRUE(block_.bytes.starts_with("Name:")) << block_.bytes;
}

TEST_F(OpenSourceTest, OnlyRegularFilesHaveASizeToShareOut) {
  const auto sizes = [](const std::vector<std::string>& names, bool follow = false) {
    return check_inputs(*parse_inputs(names), options(follow)).value_or(InputSizes{});
  };
  const std::string first = file("a", "12345");
  const std::string second = file("b", "123");
  EXPECT_EQ(sizes({first, second}).bytes, 8U);
  EXPECT_TRUE(sizes({first, second}).all_regular);
  EXPECT_TRUE(sizes({first, second}).known);
  EXPECT_FALSE(sizes({first, "/dev/null"}).all_regular);
  EXPECT_FALSE(sizes({first, fifo()}).all_regular);
  EXPECT_FALSE(sizes({first, second}, true).all_regular) << "a file that is followed has no end";
  // What says that it is empty may have more, as the files of /proc have.
  EXPECT_FALSE(sizes({"/proc/self/status"}).all_regular);
  EXPECT_FALSE(sizes({"/proc/self/status"}).known);
  EXPECT_FALSE(check_inputs(*parse_inputs({first, folder_ / "missing"}), {}));
}

TEST_F(OpenSourceTest, NoInputIsStdin) {
  Pipe pipe;
  pipe.put("one\n");
  pipe.write.reset();
  const Redirected redirected(STDIN_FILENO, pipe.read.get());
  const auto source = open({});
  ASSERT_TRUE(source);
  EXPECT_EQ((*source)->bytes_all(), 0u);
  EXPECT_EQ(read_everything(**source).bytes, "one\n");
}

TEST_F(OpenSourceTest, StdinMayBeARegularFile) {
  const base::UniqueFd fd(::open(file("a", "one\n").c_str(), O_RDONLY | O_CLOEXEC));
  const Redirected redirected(STDIN_FILENO, fd.get());
  const auto source = open({"-"});
  ASSERT_TRUE(source);
  EXPECT_EQ((*source)->bytes_all(), 4u);
  EXPECT_EQ(read_everything(**source).bytes, "one\n");
}

// ---- what is wrong is said before the first byte is read

TEST_F(OpenSourceTest, AMissingFileIsAnErrorBeforeTheFirstByteIsRead) {
  EXPECT_EQ(error_of({file("a", "one\n"), folder_ / "none"}),
            (folder_ / "none") + ": no such file or directory");
}

TEST_F(OpenSourceTest, AFolderIsAClearError) {
  EXPECT_EQ(error_of({folder_ / "."}), (folder_ / ".") + ": is a directory");
  EXPECT_EQ(error_of({folder_ / "."}, true), (folder_ / ".") + ": is a directory");
}

TEST_F(OpenSourceTest, ATopicIsForAnotherRoom) {
  EXPECT_EQ(error_of({"kafka:payments"}), "kafka:payments: this build cannot read topics");
}

TEST_F(OpenSourceTest, AFileThatMayNotBeReadIsAnError) {
  const std::string secret = file("secret", "one\n");
  std::filesystem::permissions(folder_ / ".", std::filesystem::perms(0755));
  ASSERT_EQ(::chmod(secret.c_str(), 0), 0);
  EXPECT_EQ(in_child([&] {
              if (::getuid() == 0 && ::setuid(65534) != 0) return 9;
              return error_of({secret}) == secret + ": permission denied" ? 0 : 1;
            }),
            0);
}

TEST_F(OpenSourceTest, StdinCannotBeFollowed) {
  EXPECT_NE(error_of({}, true).find("stdin cannot be followed"), std::string::npos);
}

// ---- inputs that are no regular files

TEST_F(OpenSourceTest, DevNullIsAnInputWithoutLines) {
  const auto source = open({"/dev/null", file("a", "one\n")});
  ASSERT_TRUE(source);
  EXPECT_EQ(read_everything(**source).bytes, "one\n");
}

TEST_F(OpenSourceTest, AFifoIsReadToItsEnd) {
  const std::string path = fifo();
  const auto source = open({path});
  ASSERT_TRUE(source);
  EXPECT_EQ((*source)->read(block_, context_.in(1ms)), ReadStatus::kIdle)
      << "without a writer it waits: it has not ended before it began";
  std::thread writer([&] { write_file(path, "one\ntwo\n"); });
  EXPECT_EQ(read_everything(**source).bytes, "one\ntwo\n");
  writer.join();
}

TEST_F(OpenSourceTest, AFifoThatNobodyWritesToDoesNotHoldUpAStopSignal) {
  const auto source = open({fifo()});
  ASSERT_TRUE(source);
  WhenAsleep later([&] { context_.stop.request(SIGINT); });
  EXPECT_EQ((*source)->read(block_, kForever), ReadStatus::kEnd);
  later.join();
  EXPECT_TRUE((*source)->cut_short());
}

TEST_F(OpenSourceTest, AProcessSubstitutionIsAnInput) {
  Pipe pipe;
  pipe.put("one\ntwo");
  pipe.write.reset();
  const auto source = open({"/dev/fd/" + std::to_string(pipe.read.get())});
  ASSERT_TRUE(source);
  EXPECT_EQ(read_everything(**source).bytes, "one\ntwo");
}

// ---- a stop signal

TEST_F(OpenSourceTest, AfterAStopSignalNoFurtherFileIsBegun) {
  const auto source = open({file("a", "one\n"), file("b", "two\n unfinished \n")});
  ASSERT_TRUE(source);
  ASSERT_EQ((*source)->read(block_, base::Instant{}), ReadStatus::kBlock);
  context_.stop.request(SIGINT);
  EXPECT_EQ((*source)->read(block_, base::Instant{}), ReadStatus::kEnd);
  EXPECT_EQ(context_.words.heard(), "") << "it has not even been looked at";
  EXPECT_TRUE((*source)->cut_short());
}

TEST_F(OpenSourceTest, WhatOthersHavePutIntoStdinIsReadAllTheSame) {
  Pipe pipe;
  pipe.put("acknowledged\n");
  pipe.write.reset();
  const Redirected redirected(STDIN_FILENO, pipe.read.get());
  const auto source = open({file("a", "one\n"), file("b", "two\n"), "-", file("c", "three\n")});
  ASSERT_TRUE(source);
  ASSERT_EQ((*source)->read(block_, base::Instant{}), ReadStatus::kBlock);
  context_.stop.request(SIGINT);
  EXPECT_EQ(read_everything(**source).bytes, "acknowledged\n");
  EXPECT_TRUE((*source)->cut_short());
}

TEST_F(OpenSourceTest, StdinThatIsNoPipeStopsAtOnce) {
  const base::UniqueFd fd(::open(file("a", "one\n").c_str(), O_RDONLY | O_CLOEXEC));
  const Redirected redirected(STDIN_FILENO, fd.get());
  const auto source = open({});
  ASSERT_TRUE(source);
  context_.stop.request(SIGINT);
  EXPECT_EQ((*source)->read(block_, kForever), ReadStatus::kEnd);
  EXPECT_TRUE((*source)->cut_short());
}

TEST_F(OpenSourceTest, ASignalAfterTheEndCutsNothingShort) {
  const auto source = open({file("a", "one\n")});
  ASSERT_TRUE(source);
  EXPECT_EQ(read_everything(**source).bytes, "one\n");
  context_.stop.request(SIGINT);
  EXPECT_EQ((*source)->read(block_, base::Instant{}), ReadStatus::kEnd);
  EXPECT_FALSE((*source)->cut_short());
}

// ---- following

TEST_F(OpenSourceTest, EarlierInputsAreReadOnceAndTheLastIsFollowed) {
  const auto source = open({file("a", "one"), folder_ / "b"}, true);
  ASSERT_TRUE(source);
  EXPECT_EQ((*source)->bytes_all(), 0u);
  ASSERT_EQ((*source)->read(block_, context_.in(kLimit)), ReadStatus::kBlock);
  EXPECT_EQ(block_.bytes, "one");
  EXPECT_FALSE((*source)->caught_up());
  ASSERT_EQ((*source)->read(block_, context_.in(kLimit)), ReadStatus::kBlock);
  EXPECT_EQ(block_.bytes, "followed\n");
  EXPECT_EQ(block_.source, folder_ / "b");
}

TEST_F(OpenSourceTest, OnlyTheOneThatIsFollowedMayBeMissing) {
  EXPECT_TRUE(open({file("a", ""), folder_ / "later"}, true));
  EXPECT_FALSE(open({folder_ / "none", file("a", "")}, true));
}

TEST_F(OpenSourceTest, WithoutFollowingItIsAlwaysCaughtUp) {
  const auto source = open({file("a", "one\n")});
  ASSERT_TRUE(source);
  EXPECT_TRUE((*source)->caught_up());
}

}  // namespace
}  // namespace paystats::io
