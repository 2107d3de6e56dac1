#include "loop/socket_claim.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "unit/loop/client.h"

namespace paystats::loop {
namespace {

// A socket of another program: one that knows nothing of the lock.
base::UniqueFd bound_to(const std::string& path, int type) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path.c_str());
  base::UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return fd;
}

base::UniqueFd listener_on(const std::string& path, int type = SOCK_STREAM, int backlog = 16) {
  base::UniqueFd fd = bound_to(path, type);
  EXPECT_EQ(::listen(fd.get(), backlog), 0);
  return fd;
}

ino_t inode_of(const std::string& path) {
  struct stat status = {};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

// The message, and that nothing at the path was changed.
std::string refusal_beside(const std::string& path) {
  const ino_t before = inode_of(path);
  const ino_t lock_before = inode_of(path + ".lock");
  const base::Result<SocketClaim> claim = SocketClaim::take(path);
  EXPECT_EQ(inode_of(path), before);
  EXPECT_EQ(inode_of(path + ".lock"), claim ? inode_of(path + ".lock") : lock_before);
  return claim ? "no refusal" : claim.error().message;
}

TEST(SocketClaim, ListensWithModeOwnerOnlyWhateverTheUmask) {
  TempFolder folder;
  const mode_t umask_before = ::umask(0);
  const base::Result<SocketClaim> claim = SocketClaim::take(folder / "s");
  ::umask(umask_before);
  ASSERT_TRUE(claim) << claim.error().message;
  EXPECT_EQ(std::filesystem::status(folder / "s").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_TRUE(UnixClient(folder / "s").connected());
}

TEST(SocketClaim, IsRefusedToASecondOneWhichIsToldWhoHasIt) {
  TempFolder folder;
  const base::Result<SocketClaim> first = SocketClaim::take(folder / "s");
  ASSERT_TRUE(first);
  const base::Result<SocketClaim> second = SocketClaim::take(folder / "s");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, folder / "s" + ": another process has this socket (process " +
                                        std::to_string(::getpid()) +
                                        "): stop it, or use another path");
  EXPECT_TRUE(UnixClient(folder / "s").connected()) << "the first one's socket was touched";
}

TEST(SocketClaim, GivesThePathBackAtItsEnd) {
  TempFolder folder;
  for (int i = 0; i < 3; ++i) {
    const base::Result<SocketClaim> claim = SocketClaim::take(folder / "s");
    EXPECT_TRUE(claim) << claim.error().message;
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "s"));
  EXPECT_FALSE(std::filesystem::exists(folder / "s.lock"));
}

TEST(SocketClaim, ReplacesTheSocketOfAKilledProcess) {
  TempFolder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    const base::Result<SocketClaim> claim = SocketClaim::take(folder / "s");
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_TRUE(std::filesystem::exists(folder / "s"));
  ASSERT_FALSE(UnixClient(folder / "s").connected());
  const base::Result<SocketClaim> claim = SocketClaim::take(folder / "s");
  ASSERT_TRUE(claim) << claim.error().message;
  EXPECT_TRUE(UnixClient(folder / "s").connected());
}

TEST(SocketClaim, LeavesASocketOnWhichAnotherProgramListens) {
  TempFolder folder;
  const base::UniqueFd other = listener_on(folder / "s");
  EXPECT_EQ(refusal_beside(folder / "s"),
            folder / "s" + ": another program listens there (process " +
                std::to_string(::getpid()) + "): stop it, or use another path");
  EXPECT_TRUE(UnixClient(folder / "s").connected());
}

TEST(SocketClaim, LeavesTheLockFileOfAnotherProgramAsItIs) {
  TempFolder folder;
  const base::UniqueFd other = listener_on(folder / "s");
  std::ofstream(folder / "s.lock") << "4242\n/var/lib\n";
  EXPECT_NE(refusal_beside(folder / "s").find("another program listens there"), std::string::npos);
  std::ifstream kept(folder / "s.lock");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(kept), {}), "4242\n/var/lib\n");
}

TEST(SocketClaim, LeavesASocketWhoseBacklogIsFull) {
  TempFolder folder;
  const base::UniqueFd other = listener_on(folder / "s", SOCK_STREAM, 0);
  const UnixClient waiting(folder / "s");
  ASSERT_TRUE(waiting.connected());
  EXPECT_EQ(refusal_beside(folder / "s"),
            folder / "s" + ": another program listens there: stop it, or use another path");
}

TEST(SocketClaim, LeavesASocketOfAnotherTypeThatAProgramHas) {
  TempFolder folder;
  const base::UniqueFd datagrams = bound_to(folder / "d", SOCK_DGRAM);
  const base::UniqueFd packets = listener_on(folder / "p", SOCK_SEQPACKET);
  for (const char* name : {"d", "p"}) {
    EXPECT_EQ(refusal_beside(folder / name),
              folder / name + ": another program listens there: stop it, or use another path");
  }
}

TEST(SocketClaim, ReplacesASocketOfAnyTypeThatNobodyHas) {
  TempFolder folder;
  for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    bound_to(folder / "s", type).reset();
    ASSERT_TRUE(std::filesystem::exists(folder / "s"));
    const base::Result<SocketClaim> claim = SocketClaim::take(folder / "s");
    EXPECT_TRUE(claim) << claim.error().message;
    EXPECT_TRUE(UnixClient(folder / "s").connected());
  }
}

TEST(SocketClaim, LeavesASocketToWhichItMayNotConnect) {
  TempFolder folder;
  const std::string path = folder / "s";
  bound_to(path, SOCK_STREAM).reset();
  ASSERT_EQ(::chmod(path.c_str(), 0), 0);
  ASSERT_EQ(::chmod((folder / "").c_str(), 0777), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(2);  // root may connect to any
    const bool refused =
        refusal_beside(path) ==
        path +
            ": whether a program listens there cannot be asked: permission denied: remove it "
            "where none does, or use another path";
    ::_exit(refused && !::testing::Test::HasFailure() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(SocketClaim, LeavesWhatHasReplacedItsSocket) {
  TempFolder folder;
  base::UniqueFd other;
  {
    const base::Result<SocketClaim> claim = SocketClaim::take(folder / "s");
    ASSERT_TRUE(claim);
    ASSERT_EQ(::unlink((folder / "s").c_str()), 0);
    other = listener_on(folder / "s");
  }
  EXPECT_TRUE(UnixClient(folder / "s").connected());
  EXPECT_FALSE(std::filesystem::exists(folder / "s.lock"));
}

TEST(SocketClaim, NeverRemovesWhatIsNoSocket) {
  TempFolder folder;
  std::ofstream(folder / "document") << "precious";
  std::filesystem::create_symlink("nowhere", folder / "link");
  EXPECT_TRUE(holds(refusal_beside(folder / "link"), "is not a socket"));
  const base::Result<SocketClaim> claim = SocketClaim::take(folder / "document");
  ASSERT_FALSE(claim);
  EXPECT_TRUE(holds(claim.error().message, "is not a socket"));
  EXPECT_EQ(std::filesystem::file_size(folder / "document"), 8U);
  EXPECT_FALSE(std::filesystem::exists(folder / "document.lock"));
}

TEST(SocketClaim, SaysHowLongAPathMayBe) {
  TempFolder folder;
  const std::string longest =
      (folder / std::string(kSocketPathBytesMax - (folder / "").size(), 'x'));
  ASSERT_EQ(longest.size(), kSocketPathBytesMax);
  const base::Result<SocketClaim> fits = SocketClaim::take(longest);
  EXPECT_TRUE(fits) << fits.error().message;
  const base::Result<SocketClaim> claim = SocketClaim::take(longest + "x");
  ASSERT_FALSE(claim);
  EXPECT_TRUE(holds(claim.error().message, "at most 107 bytes, this one has 108"));
  EXPECT_FALSE(SocketClaim::take(""));
}

TEST(SocketClaim, NamesAFolderThatIsMissing) {
  const base::Result<SocketClaim> claim = SocketClaim::take("/nowhere/at/all");
  ASSERT_FALSE(claim);
  EXPECT_TRUE(holds(claim.error().message, "no such file or directory"));
}

// Each winner must be the only one, however many end and begin at once.
TEST(SocketClaim, LeavesNoLockBehindThatCouldNotBeWritten) {
  TempFolder folder;
  const std::string path = folder / "s";
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit nothing = before;
  nothing.rlim_cur = 0;  // as on a full disk, a file can be made and nothing be written
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &nothing), 0);
  const base::Result<SocketClaim> claim = SocketClaim::take(path);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, handler);
  ASSERT_FALSE(claim);
  EXPECT_EQ(claim.error().message, path + ".lock: file too large");
  EXPECT_NE(::access((path + ".lock").c_str(), F_OK), 0);
}

TEST(SocketClaim, HasOneOwnerAtATimeWhenManyTry) {
  TempFolder folder;
  std::atomic<int> owners = 0;
  std::atomic<int> claims = 0;
  std::atomic<bool> two_at_once = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        const base::Result<SocketClaim> claim = SocketClaim::take(folder / "s");
        if (!claim) continue;
        if (++owners != 1) two_at_once = true;
        ++claims;
        if (!UnixClient(folder / "s").connected()) two_at_once = true;
        --owners;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(two_at_once);
  EXPECT_GT(claims, 0);
}

}  // namespace
}  // namespace paystats::loop
