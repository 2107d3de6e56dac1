#include "base/diagnostics.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <thread>

#include "base/fd.h"
#include "base/progress.h"

namespace paystats::base {
namespace {

// What `use` makes a Diagnostics write.
std::string written(Verbosity verbosity, const std::function<void(Diagnostics&)>& use) {
  int ends[2] = {-1, -1};
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  {
    Diagnostics diagnostics("payagg", verbosity, writer.get());
    use(diagnostics);
  }
  writer.reset();
  std::string text(1 << 16, '\0');
  size_t size = 0;
  while (const size_t n =
             *read_some(reader.get(), text.data() + size, text.size() - size, "pipe")) {
    size += n;
  }
  text.resize(size);
  return text;
}

void say_all(Diagnostics& d) {
  d.error("an error");
  d.warning("a warning");
  d.note("a note");
  d.detail("a detail");
}

TEST(Diagnostics, VerbosityDecidesWhatIsSaid) {
  EXPECT_EQ(written(Verbosity::kQuiet, say_all), "payagg: error: an error\n");
  EXPECT_EQ(written(Verbosity::kNormal, say_all),
            "payagg: error: an error\npayagg: warning: a warning\npayagg: a note\n");
  EXPECT_EQ(written(Verbosity::kVerbose, say_all),
            "payagg: error: an error\npayagg: warning: a warning\npayagg: a note\n"
            "payagg: a detail\n");
}

TEST(Diagnostics, AMessageCannotDriveATerminal) {
  EXPECT_EQ(written(Verbosity::kNormal, [](Diagnostics& d) { d.error("user \x1b[2J\nx"); }),
            "payagg: error: user \\u001b[2J\\u000ax\n");
}

TEST(Diagnostics, TheStatusLineMakesRoomForAMessageAndIsDrawnAgainBelowIt) {
  const std::string erase = "\r\x1b[K";
  EXPECT_EQ(written(Verbosity::kNormal,
                    [](Diagnostics& d) {
                      d.status("5 records");
                      d.error("bad");
                    }),
            erase + "5 records" + erase + "payagg: error: bad\n5 records" + erase);
}

TEST(Diagnostics, MessagesOfSeveralThreadsDoNotMix) {
  const std::string text = written(Verbosity::kNormal, [](Diagnostics& d) {
    const auto say = [&d] {
      for (int i = 0; i < 100; ++i) d.note("0123456789");
    };
    std::thread other(say);
    say();
    other.join();
  });
  std::string expected;
  for (int i = 0; i < 200; ++i) expected += "payagg: 0123456789\n";
  EXPECT_EQ(text, expected);
}

TEST(Progress, DrawsNothingInTheFirstHalfSecondAndAtMostFiveTimesASecond) {
  ManualClock clock;
  const std::string text = written(Verbosity::kNormal, [&clock](Diagnostics& d) {
    Progress progress(d, clock, true);
    progress.update(1);
    clock.advance(std::chrono::milliseconds(500));
    progress.update(1000);
    clock.advance(std::chrono::milliseconds(199));
    progress.update(1999);
    clock.advance(std::chrono::milliseconds(1));
    progress.update(7000);
  });
  EXPECT_EQ(text, "\r\x1b[K1000 records, 2000/s\r\x1b[K7000 records, 10.0 k/s\r\x1b[K");
}

TEST(Progress, SaysNothingWhereItIsNotWanted) {
  ManualClock clock;
  EXPECT_EQ(written(Verbosity::kNormal,
                    [&clock](Diagnostics& d) {
                      Progress progress(d, clock, false);
                      clock.advance(std::chrono::seconds(9));
                      progress.update(1000);
                    }),
            "");
}

TEST(Progress, TheLineShowsCountRateAndShare) {
  EXPECT_EQ(progress_line(12'340'000, std::chrono::seconds(3), 45, 100),
            "12.3 M records, 4.1 M/s, 45 %");
  EXPECT_EQ(progress_line(5, Duration::zero(), 0, 0), "5 records, 0/s");
  EXPECT_EQ(progress_line(3'000'000'000, std::chrono::seconds(1), 11, 10),
            "3.00 G records, 3.00 G/s, 100 %");
}

}  // namespace
}  // namespace paystats::base
