#include "net/socket_claim.h"

#include <sys/wait.h>

#include <fstream>

#include "cache_fixture.h"

namespace paystats {
namespace {

TEST(SocketClaim, ListensWithModeOwnerOnlyWhateverTheUmask) {
  TemporaryFolder folder;
  const mode_t umask_before = ::umask(0);
  const Result<SocketClaim> claim = SocketClaim::take(folder.file("s"));
  ::umask(umask_before);
  ASSERT_TRUE(claim) << claim.error().message;
  EXPECT_EQ(std::filesystem::status(folder.file("s")).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_TRUE(RawClient(folder.file("s")).connected());
}

TEST(SocketClaim, IsRefusedToASecondOneWhichIsToldWhoHasIt) {
  TemporaryFolder folder;
  const Result<SocketClaim> first = SocketClaim::take(folder.file("s"));
  ASSERT_TRUE(first);
  const Result<SocketClaim> second = SocketClaim::take(folder.file("s"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, folder.file("s") + ": another cache has this socket (process " +
                                        std::to_string(::getpid()) +
                                        "): stop it, or use another path");
  EXPECT_TRUE(RawClient(folder.file("s")).connected()) << "the first one's socket was touched";
}

TEST(SocketClaim, GivesThePathBackAtItsEnd) {
  TemporaryFolder folder;
  for (int i = 0; i < 3; ++i) {
    const Result<SocketClaim> claim = SocketClaim::take(folder.file("s"));
    EXPECT_TRUE(claim) << claim.error().message;
  }
  EXPECT_FALSE(std::filesystem::exists(folder.file("s")));
  EXPECT_FALSE(std::filesystem::exists(folder.file("s.lock")));
}

TEST(SocketClaim, ReplacesTheSocketOfAKilledProcess) {
  TemporaryFolder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    const Result<SocketClaim> claim = SocketClaim::take(folder.file("s"));
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_TRUE(std::filesystem::exists(folder.file("s")));
  ASSERT_FALSE(RawClient(folder.file("s")).connected());
  const Result<SocketClaim> claim = SocketClaim::take(folder.file("s"));
  ASSERT_TRUE(claim) << claim.error().message;
  EXPECT_TRUE(RawClient(folder.file("s")).connected());
}

TEST(SocketClaim, NeverRemovesWhatIsNoSocket) {
  TemporaryFolder folder;
  std::ofstream(folder.file("document")) << "precious";
  const Result<SocketClaim> claim = SocketClaim::take(folder.file("document"));
  ASSERT_FALSE(claim);
  EXPECT_TRUE(holds(claim.error().message, "is not a socket"));
  EXPECT_EQ(std::filesystem::file_size(folder.file("document")), 8U);
  EXPECT_FALSE(std::filesystem::exists(folder.file("document.lock")));
}

TEST(SocketClaim, SaysHowLongAPathMayBe) {
  TemporaryFolder folder;
  const std::string longest =
      folder.file(std::string(kSocketPathBytesMax - folder.file("").size(), 'x'));
  ASSERT_EQ(longest.size(), kSocketPathBytesMax);
  const Result<SocketClaim> fits = SocketClaim::take(longest);
  EXPECT_TRUE(fits) << fits.error().message;
  const Result<SocketClaim> claim = SocketClaim::take(longest + "x");
  ASSERT_FALSE(claim);
  EXPECT_TRUE(holds(claim.error().message, "at most 107 bytes, this one has 108"));
  EXPECT_FALSE(SocketClaim::take(""));
}

TEST(SocketClaim, NamesAFolderThatIsMissing) {
  const Result<SocketClaim> claim = SocketClaim::take("/nowhere/at/all");
  ASSERT_FALSE(claim);
  EXPECT_TRUE(holds(claim.error().message, "no such file or directory"));
}

// Each winner must be the only one, however many end and begin at once.
TEST(SocketClaim, HasOneOwnerAtATimeWhenManyTry) {
  TemporaryFolder folder;
  std::atomic<int> owners = 0;
  std::atomic<int> claims = 0;
  std::atomic<bool> two_at_once = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        const Result<SocketClaim> claim = SocketClaim::take(folder.file("s"));
        if (!claim) continue;
        if (++owners != 1) two_at_once = true;
        ++claims;
        if (!RawClient(folder.file("s")).connected()) two_at_once = true;
        --owners;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(two_at_once);
  EXPECT_GT(claims, 0);
}

}  // namespace
}  // namespace paystats
