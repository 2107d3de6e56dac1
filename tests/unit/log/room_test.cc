#include "log/room.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>

#include "base/fd.h"
#include "unit/io/faults.h"
#include "unit/io/support.h"

namespace paystats::log {
namespace {

using namespace io;

class RoomTest : public ::testing::Test {
 protected:
  RoomTest() {
    write_file(path_, "{}\n");
    fd_.reset(::open(path_.c_str(), O_RDWR | O_APPEND | O_CLOEXEC));
  }
  base::Result<bool> room(const Shortage& shortage = {ENOSPC, 10}) {
    return make_room(fd_.get(), 3, shortage, "log");
  }

  const FaultsOff off_;
  const TempFolder folder_;
  const std::string path_ = folder_ / "log";
  base::UniqueFd fd_;
};

TEST_F(RoomTest, NoReaderSeesWhatIsReserved) {
  const base::Result<bool> there = room();
  ASSERT_TRUE(there);
  EXPECT_TRUE(*there);
  EXPECT_EQ(file_bytes(path_), "{}\n");
  ASSERT_TRUE(base::write_all(fd_.get(), "[]\n", "log"));
  EXPECT_EQ(file_bytes(path_), "{}\n[]\n");
}

TEST_F(RoomTest, AFullDiskAndAFullQuotaHaveNone) {
  for (const int reason : {ENOSPC, EDQUOT, EFBIG, ENOMEM}) {
    faults().fallocate_errno = reason;
    const base::Result<bool> there = room();
    ASSERT_TRUE(there);
    EXPECT_FALSE(*there);
  }
}

TEST_F(RoomTest, ItIsAskedForAsMuchAsDidNotFit) {
  faults().disk_bytes_left = 100'000;
  EXPECT_TRUE(room({ENOSPC, 99'999}).value());
  EXPECT_FALSE(room({ENOSPC, 100'001}).value());
  faults().disk_bytes_left = 1000;
  EXPECT_FALSE(room({ENOSPC, 10}).value()) << "few bytes are no room";
}

TEST_F(RoomTest, ADiskThatFailsIsAnError) {
  for (const int reason : {EIO, EROFS, EBADF}) {
    faults().fallocate_errno = reason;
    EXPECT_FALSE(room());
    EXPECT_FALSE(may_pass(reason));
  }
}

TEST_F(RoomTest, WhereNothingCanBeReservedTheFreeBlocksCount) {
  faults().fallocate_errno = EOPNOTSUPP;
  EXPECT_TRUE(room({ENOSPC, 10}).value());
  EXPECT_FALSE(room({ENOSPC, uint64_t{1} << 60}).value());
  EXPECT_FALSE(room({EDQUOT, 10}).value()) << "of a quota they say nothing";
}

TEST_F(RoomTest, AFileThatMayNotGrowHasNone) {
  const int status = in_child([&] {
    const rlimit limit{50, 50};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 9;
    return room().value() ? 1 : 0;
  });
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace paystats::log
