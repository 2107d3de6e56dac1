#include "cli/no_start_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include "base/clock.h"
#include "base/diagnostics.h"
#include "base/fd.h"
#include "unit/support.h"

namespace paystats::cli {
namespace {

// What is in the file, and what a tool says of it.
class NoStartFileTest : public ::testing::Test {
 protected:
  NoStartFileTest()
      : said_(::open((folder_ / "said").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)),
        diagnostics_("tool", base::Verbosity::kQuiet, said_.get()) {
    clock_.set_time_of_day(base::TimeOfDay{std::chrono::milliseconds(1'795'938'742'123)});
  }

  static std::string contents(int fd) {
    std::string text(100'000, '\0');
    const ssize_t n = ::pread(fd, text.data(), text.size(), 0);
    text.resize(n < 0 ? 0 : static_cast<size_t>(n));
    return text;
  }
  std::string said() const { return contents(said_.get()); }
  std::string written() const {
    const base::UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    return fd ? contents(fd.get()) : "(not there)";
  }
  void write(const std::string& text) const {
    const base::UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    EXPECT_TRUE(base::write_all(fd.get(), text, path_));
  }

  const TempFolder folder_;
  const std::string path_ = folder_ / "no-start";
  const base::UniqueFd said_;
  base::Diagnostics diagnostics_;
  base::ManualClock clock_;
};

TEST_F(NoStartFileTest, KeepsTheTimeAndTheMessageAsItIsShown) {
  const NoStartFile file(path_, clock_, diagnostics_);
  ASSERT_TRUE(file.check());
  file.keep("a\nname: shrank");
  EXPECT_EQ(written(), "2026-11-29T07:52:22.123Z a\\u000aname: shrank\n");
  EXPECT_EQ(said(), "tool: error: no start while " + path_ +
                        " is there; once a person has looked: rm -- " + path_ + "\n");
}

TEST_F(NoStartFileTest, ShowsEachLineOfTheFileUpToALimit) {
  write("one\n\ntwo\x1b without a newline");
  const NoStartFile file(path_, clock_, diagnostics_);
  const base::Result<void> may = file.check();
  ASSERT_FALSE(may);
  EXPECT_EQ(may.error().kind, base::ErrorKind::kMustNotGoOn);
  EXPECT_EQ(said(), "tool: error: one\ntool: error: two\\u001b without a newline\n");

  write(std::string(1'000'000, 'x'));
  ASSERT_FALSE(file.check());
  EXPECT_LT(said().size(), 20'000U);
}

TEST_F(NoStartFileTest, WithoutAPathNothingIsDone) {
  const NoStartFile file(std::nullopt, clock_, diagnostics_);
  EXPECT_TRUE(file.check());
  file.keep("payments.jsonl: shrank");
  EXPECT_EQ(said(), "");
}

}  // namespace
}  // namespace paystats::cli
