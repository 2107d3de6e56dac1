#include "log/sync.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "unit/io/faults.h"
#include "unit/io/support.h"

namespace paystats::log {
namespace {

using namespace io;  // what its tests have

TEST(Sync, ANameIsStoredByItsFolder) {
  const FaultsOff off;
  const TempFolder folder;
  write_file(folder / "file", "");
  const base::UniqueFd fd(::open((folder / "file").c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(sync_name(fd.get(), "file"), NameSync::kFolder);
  struct stat status = {};
  ASSERT_EQ(::stat((folder / ".").c_str(), &status), 0);
  EXPECT_EQ(faults().fsynced, std::vector<ino_t>{status.st_ino});
}

TEST(Sync, WhereTheFolderCannotBeOpenedTheFileIsSyncedAndThatIsTold) {
  const FaultsOff off;
  const TempFolder folder;
  std::filesystem::create_directory(folder / "gone");
  write_file(folder / "gone/file", "");
  const base::UniqueFd fd(::open((folder / "gone/file").c_str(), O_RDONLY | O_CLOEXEC));
  std::filesystem::remove_all(folder / "gone");
  EXPECT_EQ(sync_name(fd.get(), "file"), NameSync::kFileOnly);
  struct stat status = {};
  ASSERT_EQ(::fstat(fd.get(), &status), 0);
  EXPECT_EQ(faults().fsynced, std::vector<ino_t>{status.st_ino});
}

TEST(Sync, ATruncationIsOnTheDisk) {
  const FaultsOff off;
  const TempFolder folder;
  write_file(folder / "file", "abc");
  const base::UniqueFd fd(::open((folder / "file").c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(truncate_durably(fd.get(), 1, "file"));
  EXPECT_EQ(file_bytes(folder / "file"), "a");
  EXPECT_EQ(faults().data_syncs, 1);
}

}  // namespace
}  // namespace paystats::log
