#include "stream/parallel.h"

#include <gtest/gtest.h>

#include <csignal>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "io/open_source.h"
#include "io/stream_source.h"
#include "stream/publish.h"
#include "stream/segments.h"
#include "stream/stream.h"
#include "unit/io/support.h"

namespace paystats::stream {
namespace {

// What a run leaves behind.
struct Outcome {
  std::string totals;
  std::string rejects;
  uint64_t accepted = 0;
  std::string error;
  bool cut_short = false;
  bool order_matters = false;
};

class Parallel : public testing::Test {
 protected:
  std::string file(const std::string& name, std::string_view bytes) {
    io::write_file(folder_ / name, bytes);
    inputs_.push_back({io::Endpoint::Kind::kFile, folder_ / name});
    return folder_ / name;
  }

  std::unique_ptr<io::RejectLog> open_rejects(const std::string& path) {
    return std::move(*io::RejectLog::open(io::Endpoint{io::Endpoint::Kind::kFile, path},
                                          context_.words.diagnostics));
  }

  std::unique_ptr<io::Source> source() {
    return std::move(*io::open_source(inputs_, {}, context_.waiter, context_.words.diagnostics));
  }

  Outcome alone() { return alone(*source()); }
  Outcome alone(io::Source& from) {
    const std::string path = folder_ / "alone.rejects";
    const std::string output = folder_ / "alone.out";
    std::filesystem::remove(path);
    const auto rejects = open_rejects(path);
    const auto publisher =
        std::move(*open_publisher({io::Endpoint::Kind::kFile, output}, OutputMode::kFinal));
    const StreamContext context{{*publisher, *rejects, metrics_}, from, progress_, context_.clock};
    totals::Totals totals(kSeed, {});
    const base::Result<StreamOutcome> end = aggregate_stream(context, {}, totals);
    EXPECT_TRUE(end) << end.error().message;
    EXPECT_TRUE(rejects->finish());
    Outcome outcome{io::file_bytes(output), io::file_bytes(path), 0, {}, false};
    for (uint32_t i = 0; i < totals.users(); ++i) outcome.accepted += totals.count(i);
    return outcome;
  }

  // Without `blocks` the inputs are files.
  Outcome together(unsigned jobs, uint64_t segment_bytes, totals::TotalsOptions options = {},
                   io::Source* blocks = nullptr) {
    const std::string path = folder_ / "together.rejects";
    const std::string output = folder_ / "together.out";
    std::filesystem::remove(path);
    const auto rejects = open_rejects(path);
    totals::Totals totals(kSeed, options);
    const ParallelOptions how{.jobs = jobs,
                              .segment_bytes = segment_bytes,
                              .hash_seed = kSeed,
                              .totals = options,
                              .fields = {}};
    const ParallelContext context{context_.waiter, *rejects, metrics_, progress_,
                                  context_.words.diagnostics};
    const base::Result<ParallelOutcome> end = blocks != nullptr
                                                  ? aggregate_blocks(*blocks, how, context, totals)
                                                  : aggregate_files(inputs_, how, context, totals);
    EXPECT_TRUE(rejects->finish());
    if (!end) return {{}, io::file_bytes(path), 0, end.error().message};
    if (end->order_matters) {
      return {{}, io::file_bytes(path), 0, {}, end->cut_short, end->order_matters};
    }
    const auto publisher =
        std::move(*open_publisher({io::Endpoint::Kind::kFile, output}, OutputMode::kFinal));
    EXPECT_TRUE(publish_last({*publisher, *rejects, metrics_}, totals, end->counters, true));
    return {io::file_bytes(output),
            io::file_bytes(path),
            end->counters.records_accepted,
            {},
            end->cut_short};
  }

  void expect_same_however_it_is_cut(const std::vector<uint64_t>& segment_sizes) {
    const Outcome want = alone();
    for (const uint64_t bytes : segment_sizes) {
      for (const unsigned jobs : {1U, 2U, 5U}) {
        const Outcome got = together(jobs, bytes);
        ASSERT_EQ(got.error, "");
        ASSERT_EQ(got.totals, want.totals) << jobs << " jobs, " << bytes;
        ASSERT_TRUE(got.rejects == want.rejects) << jobs << " jobs, " << bytes;
        ASSERT_EQ(got.accepted, want.accepted) << jobs << " jobs, " << bytes;
        ASSERT_FALSE(got.cut_short);
      }
    }
    for (const unsigned jobs : {1U, 2U, 5U}) {
      const Outcome got = together(jobs, 1, {}, source().get());
      ASSERT_EQ(got.error, "");
      ASSERT_EQ(got.totals, want.totals) << jobs << " jobs on blocks";
      ASSERT_TRUE(got.rejects == want.rejects) << jobs << " jobs on blocks";
      ASSERT_EQ(got.accepted, want.accepted);
    }
  }

  static constexpr uint64_t kSeed = 11;
  const TempFolder folder_;
  io::TestContext context_;
  MetricsFile metrics_{{}, context_.clock, context_.words.diagnostics};
  base::Progress progress_{context_.words.diagnostics, context_.clock, false};
  std::vector<io::Endpoint> inputs_;
};

std::string line_of(std::mt19937_64& random) {
  switch (random() % 12) {
    case 0:
      return "\n";
    case 1:
      return "\r\n";
    case 2:
      return "x\n";
    case 3:
      return "{\"user\":\"\xFF\",\"paymentAmt\":1}\n";
    case 4:
      return "{\"user\":\"a\"}\n";
    default:
      return "{\"user\":\"u" + std::to_string(random() % 40) +
             "\",\"paymentAmt\":" + std::to_string(random() % 1'000) + ".25}\n";
  }
}

TEST_F(Parallel, AnySegmentsGiveTheTotalsAndRejectsOfOneThread) {
  std::mt19937_64 random(4);
  for (int n = 0; n < 3; ++n) {
    std::string bytes;
    for (int i = 0; i < (n == 1 ? 400 : 60); ++i) bytes += line_of(random);  // 400: several pages
    file(std::to_string(n), bytes);
    file("empty" + std::to_string(n), "");
    file("one" + std::to_string(n), "y");
  }
  expect_same_however_it_is_cut({1, 2, 7, 64, 333, 4'095, 4'096, 4'097, 1 << 20});
}

TEST_F(Parallel, ALastLineWithoutItsNewlineIsARecord) {
  file("a", "{\"user\":\"a\",\"paymentAmt\":1}\n{\"user\":\"a\",\"paymentAmt\":2}");
  file("b", "{\"user\":\"b\",\"paymentAmt\":1}\n{\"user\":\"b\",\"payment");
  expect_same_however_it_is_cut({1, 26, 27, 28, 29, 1'000});
  EXPECT_NE(alone().totals.find("\"sum\":3.00"), std::string::npos);
}

TEST_F(Parallel, LinesTooLongAreOneRejectEachWhereverTheyAreCut) {
  const std::string good = "{\"user\":\"a\",\"paymentAmt\":1}\n";
  const std::string just =
      "{\"user\":\"a\",\"paymentAmt\":1" + std::string(record::kLineBytesMax - 27, ' ');
  std::string bytes = good + std::string(record::kLineBytesMax + 1, 'x') + "\n" + good;
  bytes += just + "}\n" + just + " }\n" + good + "x\n";
  bytes += std::string(3 * record::kLineBytesMax, 'y') + "\n" + good;
  bytes += std::string(2 * record::kLineBytesMax, 'z');
  file("long", bytes);
  file("next", "x\n" + good);
  const Outcome want = alone();
  EXPECT_EQ(std::count(want.rejects.begin(), want.rejects.end(), '\n'), 6);
  EXPECT_EQ(want.accepted, 6U);
  expect_same_however_it_is_cut({100'000, 1'000'000, record::kLineBytesMax, 5'000'000});
}

TEST_F(Parallel, ManyBadLinesWaitForTheirTurnWithoutBeingHeld) {
  std::string bytes;
  for (int i = 0; i < 20'000; ++i) bytes += i % 1'000 == 0 ? "{}\n" : "x\n";
  file("bad", bytes);
  expect_same_however_it_is_cut({9'000, 30'000});
}

TEST_F(Parallel, ThereIsNothingToSumInNoBytes) {
  file("empty", "");
  EXPECT_EQ(together(3, 10).totals, "");
}

TEST_F(Parallel, ALastLineWithoutItsNewlineIsReadAsByOneThread) {
  file("log", "{\"user\":\"a\",\"paymentAmt\":1}\n {\"user\":\"a\",\"paymentAmt\":1} \n {\"us");
  EXPECT_EQ(alone().accepted, 2U);
  expect_same_however_it_is_cut({5, 40});
}

TEST_F(Parallel, TooManyUsersIsAnErrorWhicheverTableFindsOut) {
  std::string bytes;
  for (int i = 0; i < 100; ++i) {
    bytes += "{\"user\":\"u" + std::to_string(i) + "\",\"paymentAmt\":1}\n";
  }
  file("users", bytes);
  for (const unsigned jobs : {1U, 3U}) {
    EXPECT_EQ(together(jobs, 64, {.users_max = 100}).error, "");
    EXPECT_NE(together(jobs, 64, {.users_max = 99}).error.find("more than 99 users"),
              std::string::npos);
  }
}

// Together they fit, whichever comes first.
TEST_F(Parallel, LargeBatchesWhoseOrderDoesNotMatterAreNoReasonForOneThread) {
  std::string bytes;
  for (const char* amount : {"100000000000000", "-100000000000000"}) {
    bytes += std::string("x\n{\"user\":\"a\",\"paymentAmt\":") + amount +
             ",\"volume\":400000000000000}\n";
  }
  file("large", bytes + "{\"user\":\"b\",\"paymentAmt\":1,\"volume\":9000000000000000000}\n");
  const Outcome want = alone();
  for (const uint64_t segment_bytes : {1, 60, 1'000}) {
    const Outcome got = together(3, segment_bytes);
    EXPECT_FALSE(got.order_matters);
    EXPECT_EQ(got.totals, want.totals);
    EXPECT_EQ(got.rejects, want.rejects);
  }
}

// Put together in parts all of it might fit, but one after the other the second row does not.
TEST_F(Parallel, WhereTheOrderMattersItIsLeftToOneThreadAndToldRejectsAreItsFirst) {
  const std::string most = "\"paymentAmt\":100000000000000,\"volume\":1000000000000000}\n";
  const std::vector<std::string> enormous = {
      "{\"user\":\"a\"," + most, "{\"user\":\"a\"," + most,
      "{\"user\":\"a\",\"paymentAmt\":-100000000000000,\"volume\":1000000000000000}\n"};
  const std::vector<std::string> many = {
      "{\"user\":\"a\",\"paymentAmt\":0,\"volume\":18446744073709551615}\n",
      "[{\"user\":\"b\",\"paymentAmt\":1},{\"user\":\"a\",\"paymentAmt\":0}]\n"};
  std::mt19937_64 random(7);
  for (const std::vector<std::string>& large : {enormous, many}) {
    std::string bytes;
    for (const std::string& one : large) {
      for (int i = 0; i < 300; ++i) bytes += line_of(random);
      bytes += one;
    }
    for (int i = 0; i < 300; ++i) bytes += line_of(random);
    inputs_.clear();
    file("large", bytes);
    const Outcome want = alone();
    EXPECT_NE(want.rejects.find("overflow"), std::string::npos);
    for (const uint64_t segment_bytes : {1, 64, 1'000, 1 << 20}) {
      for (const unsigned jobs : {2U, 5U}) {
        const Outcome got = together(jobs, segment_bytes);
        ASSERT_TRUE(got.order_matters) << jobs << " jobs, " << segment_bytes << ": " << got.error;
        ASSERT_TRUE(want.rejects.starts_with(got.rejects)) << jobs << " jobs, " << segment_bytes;
      }
    }
    const Outcome want_of_blocks = alone(*io::memory_source(bytes, 1'000));
    const Outcome got = together(2, 1, {}, io::memory_source(bytes, 1'000).get());
    EXPECT_EQ(got.error, "totals may not fit: --jobs 1 counts what does, and rejects the rest");
    EXPECT_TRUE(want_of_blocks.rejects.starts_with(got.rejects));
  }
}

// No table overflows here, but that of another thread might have.
TEST_F(Parallel, NoRejectIsToldBehindPaymentsWhoseOrderMatters) {
  const std::string first =
      "x\n{\"user\":\"a\",\"paymentAmt\":100000000000000,\"volume\":500000000000000}\n";
  const std::string second =
      "x\n{\"user\":\"a\",\"paymentAmt\":-100000000000000,\"volume\":500000000000000}\nx\n";
  file("large", first + second);
  for (const uint64_t segment_bytes : {first.size(), size_t{1'000}}) {
    const Outcome got = together(1, segment_bytes);
    EXPECT_TRUE(got.order_matters);
    const auto told = std::count(got.rejects.begin(), got.rejects.end(), '\n');
    EXPECT_EQ(told, segment_bytes == first.size() ? 1 : 0) << got.rejects;
  }
  inputs_.clear();
  file("no rejects", first.substr(2) + second.substr(2, second.size() - 4));
  EXPECT_TRUE(together(1, 1'000).order_matters);
}

TEST_F(Parallel, AMissingFileEndsAllThreads) {
  file("a", "x\n");
  inputs_.push_back({io::Endpoint::Kind::kFile, folder_ / "missing"});
  EXPECT_NE(together(4, 1).error.find("missing: no such file or directory"), std::string::npos);
}

TEST_F(Parallel, AfterAStopSignalNothingMoreIsBegun) {
  file("a", "{\"user\":\"a\",\"paymentAmt\":1}\n");
  context_.stop.request(SIGTERM);
  const Outcome end = together(2, 10);
  EXPECT_EQ(end.error, "");
  EXPECT_TRUE(end.cut_short);
  EXPECT_EQ(end.accepted, 0U);
}

TEST_F(Parallel, AFileThatShrankIsAnError) {
  const std::string path = file("a", "{}\n");
  auto owner = std::move(*base::open_file(path, O_RDONLY));
  const int fd = owner.get();
  const auto shared = std::make_shared<SegmentFile>(
      SegmentFile{std::move(owner), fd, path, {.begin = 0, .end = 10}});
  SegmentReader reader;
  reader.begin({.file = shared, .number = 0, .begin = 0, .end = 10, .begins_file = true});
  io::Block block;
  const base::Result<bool> more = reader.next(block);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().message, path + ": shrank while it was read");
}

TEST_F(Parallel, StdinThatIsAFileIsReadFromWhereItStandsAndLeftAtItsEnd) {
  const std::string path = file("in", "skipped\n{\"user\":\"a\",\"paymentAmt\":1}\nx\n");
  inputs_ = {io::Endpoint{}};
  const base::UniqueFd fd = std::move(*base::open_file(path, O_RDONLY));
  ASSERT_EQ(::lseek(fd.get(), 8, SEEK_SET), 8);
  const io::Redirected redirected(0, fd.get());
  const Outcome end = together(2, 4);
  EXPECT_EQ(end.accepted, 1U);
  EXPECT_NE(end.rejects.find("\"source\":\"-\",\"line\":2"), std::string::npos) << end.rejects;
  EXPECT_EQ(::lseek(fd.get(), 0, SEEK_CUR), 38);
}

TEST_F(Parallel, AnyBlocksGiveTheTotalsAndRejectsOfOneThread) {
  std::mt19937_64 random(5);
  std::string bytes;
  for (int i = 0; i < 3'000; ++i) bytes += line_of(random);
  bytes += std::string(record::kLineBytesMax + 1, 'x') + "\n" + line_of(random) + "y";
  const Outcome want = alone(*io::memory_source(bytes, 1 << 20));
  for (const size_t block_bytes : {1, 100, 3'333, 1 << 20}) {
    for (const unsigned jobs : {1U, 2U, 5U}) {
      const Outcome got = together(jobs, 1, {}, io::memory_source(bytes, block_bytes).get());
      ASSERT_EQ(got.error, "");
      ASSERT_EQ(got.totals, want.totals) << jobs << " jobs, " << block_bytes;
      ASSERT_TRUE(got.rejects == want.rejects) << jobs << " jobs, " << block_bytes;
      ASSERT_EQ(got.accepted, want.accepted);
    }
  }
}

TEST_F(Parallel, APipeThatRestsHoldsNeitherRejectsNorErrorsBack) {
  const io::Pipe pipe;
  const auto from = io::stream_source(pipe.read.get(), base::UniqueFd(), "-",
                                      io::OnStop::kEndAtOnce, context_.waiter);
  Outcome end;
  std::thread run([&] { end = together(2, 1, {.users_max = 1}, from.get()); });
  pipe.put("{\"user\":\"a\",\"paymentAmt\":1}\nx\n");
  const std::string path = folder_ / "together.rejects";
  EXPECT_TRUE(eventually([&] { return io::file_bytes(path).ends_with("}\n"); }));
  pipe.put("{\"user\":\"b\",\"paymentAmt\":1}\n{\"user\":\"c\",\"paymentAmt\":1}\n");
  run.join();  // though the pipe is still open
  EXPECT_NE(end.error.find("more than 1 users"), std::string::npos) << end.error;
}

TEST_F(Parallel, ASourceThatFailsEndsAllThreads) {
  const base::UniqueFd fd = std::move(*base::open_file(folder_ / ".", O_RDONLY | O_DIRECTORY));
  const auto from =
      io::stream_source(fd.get(), base::UniqueFd(), "in", io::OnStop::kEndAtOnce, context_.waiter);
  EXPECT_EQ(together(3, 1, {}, from.get()).error, "in: is a directory");
}

}  // namespace
}  // namespace paystats::stream
