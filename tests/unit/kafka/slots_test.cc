#include "kafka/slots.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <optional>

namespace paystats::kafka {
namespace {

class SlotTest : public ::testing::Test {
 protected:
  SlotTest() {
    std::string folder = ::testing::TempDir() + "slots_XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) std::abort();
    parent_ = folder;
    folder_ = folder + "/paystats";
  }
  ~SlotTest() override { std::filesystem::remove_all(parent_); }

  std::string parent_;
  std::string folder_;
};

std::string host() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

TEST_F(SlotTest, TakesTheFirstNumberThatIsFree) {
  std::optional<Slot> first = std::move(*Slot::take_in(folder_, "serve.payments"));
  EXPECT_EQ(first->name(), "serve.payments." + host() + ".0");
  const base::Result<Slot> second = Slot::take_in(folder_, "serve.payments");
  EXPECT_EQ(second->name(), "serve.payments." + host() + ".1");
  first.reset();
  EXPECT_EQ(Slot::take_in(folder_, "serve.payments")->number(), 0);
}

TEST_F(SlotTest, NamesOfAnotherPrefixAreNotInTheWay) {
  const base::Result<Slot> one = Slot::take_in(folder_, "serve.payments");
  EXPECT_EQ(Slot::take_in(folder_, "serve.other")->number(), 0);
  EXPECT_EQ(Slot::take_in(folder_, "serve.payments")->number(), 1);
}

TEST_F(SlotTest, AnyPrefixHasAFileOfItsOwn) {
  const std::string longest(500, 'x');
  const base::Result<Slot> one = Slot::take_in(folder_, longest + "a");
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(Slot::take_in(folder_, longest + "b")->number(), 0);
  EXPECT_EQ(Slot::take_in(folder_, longest + "a")->number(), 1);
  const base::Result<Slot> escaped = Slot::take_in(folder_, "../a b");
  ASSERT_TRUE(escaped) << escaped.error().message;
  EXPECT_EQ(Slot::take_in(folder_, "../a b")->number(), 1);
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/..%2fa%20b.0.lock"));
}

TEST_F(SlotTest, AKilledProcessHasLeftItsSlot) {
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe(ready.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const base::Result<Slot> slot = Slot::take_in(folder_, "p");
    (void)!::write(ready[1], "x", 1);
    for (;;) ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(Slot::take_in(folder_, "p")->number(), 1);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(Slot::take_in(folder_, "p")->number(), 0);
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(SlotTest, TheFolderIsOurOwn) {
  ASSERT_TRUE(Slot::take_in(folder_, "p"));
  struct stat found {};
  ASSERT_EQ(::stat(folder_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0700U);
  const std::string link = parent_ + "/link";
  std::filesystem::create_directory_symlink(folder_, link);
  const base::Result<Slot> elsewhere = Slot::take_in(link, "p");
  ASSERT_FALSE(elsewhere);
  EXPECT_EQ(elsewhere.error().message, link + ": not a folder of this user");
}

TEST_F(SlotTest, LivesInTheRuntimeFolderWhereThereIsOne) {
  ::setenv("XDG_RUNTIME_DIR", parent_.c_str(), 1);
  const base::Result<Slot> slot = Slot::take("p");
  ::unsetenv("XDG_RUNTIME_DIR");
  ASSERT_TRUE(slot) << slot.error().message;
  EXPECT_TRUE(
      std::filesystem::exists(parent_ + "/paystats-" + std::to_string(::geteuid()) + "/p.0.lock"));
}

}  // namespace
}  // namespace paystats::kafka
