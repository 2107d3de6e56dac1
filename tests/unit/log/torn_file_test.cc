#include "log/torn_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "unit/io/faults.h"
#include "unit/io/support.h"

namespace paystats::log {
namespace {

using namespace io;  // what its tests have

class TornFileTest : public ::testing::Test {
 protected:
  base::UniqueFd log(std::string_view bytes) {
    write_file(path_, bytes);
    return base::UniqueFd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  }
  std::string kept() const { return file_bytes(path_ + ".torn"); }

  const FaultsOff off_;
  const TempFolder folder_;
  const std::string path_ = folder_ / "log";
};

TEST_F(TornFileTest, KeepsBytesAsTheyAreAndTellsOfNuls) {
  const std::string bytes = "front" + std::string(100'000, '\0') + "\xFF{" + std::string(1, '\0');
  const base::UniqueFd fd = log(bytes);
  TornFile torn(path_, fd.get());
  ASSERT_TRUE(torn.keep(2, bytes.size()));
  ASSERT_TRUE(torn.keep("and more"));
  EXPECT_EQ(kept(), "ont[100000 NUL bytes]\xFF{[1 NUL byte]\nand more\n");
}

TEST_F(TornFileTest, IsAsItWasWhereSomethingCannotBeKept) {
  const base::UniqueFd fd = log("");
  ASSERT_TRUE(TornFile(path_, fd.get()).keep("one"));
  faults().disk_bytes_left = 3;
  EXPECT_FALSE(TornFile(path_, fd.get()).keep("four"));
  EXPECT_EQ(kept(), "one\n");
}

TEST_F(TornFileTest, IsAsItWasWhereItIsTakenBack) {
  const base::UniqueFd fd = log("");
  ASSERT_TRUE(TornFile(path_, fd.get()).keep("one"));
  TornFile torn(path_, fd.get());
  ASSERT_TRUE(torn.keep("two"));
  ASSERT_TRUE(torn.keep("three"));
  torn.take_back();
  EXPECT_EQ(kept(), "one\n");
}

TEST_F(TornFileTest, IsAsPrivateAsTheLog) {
  const base::UniqueFd fd = log("");
  ASSERT_EQ(::chmod(path_.c_str(), 0600), 0);
  ASSERT_TRUE(TornFile(path_, fd.get()).keep("one"));
  struct stat status = {};
  ASSERT_EQ(::stat((path_ + ".torn").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(TornFileTest, IsNotTheLogItself) {
  const base::UniqueFd fd = log("{}\n");
  std::filesystem::create_symlink("log", path_ + ".torn");
  EXPECT_FALSE(TornFile(path_, fd.get()).keep("one"));
  EXPECT_EQ(file_bytes(path_), "{}\n");
}

}  // namespace
}  // namespace paystats::log
