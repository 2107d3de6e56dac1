#include "log/torn_file.h"

#include <gtest/gtest.h>

#include "unit/io/faults.h"
#include "unit/io/support.h"

namespace paystats::log {
namespace {

using namespace io;  // what its tests have

TEST(TornFile, KeepsBytesAsTheyAreAndTellsOfNuls) {
  const FaultsOff off;
  const TempFolder folder;
  const std::string log = folder / "log";
  const std::string nuls(100'000, '\0');
  write_file(log, "front" + nuls + "\xFF{" + std::string(1, '\0'));
  const base::UniqueFd fd(::open(log.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(keep_torn(log, fd.get(), 2, std::filesystem::file_size(log)));
  ASSERT_TRUE(keep_torn(log, "and more"));
  EXPECT_EQ(file_bytes(torn_path(log)), "ont[100000 NUL bytes]\xFF{[1 NUL byte]\nand more\n");
}

TEST(TornFile, IsAsItWasWhereSomethingCannotBeKept) {
  const FaultsOff off;
  const TempFolder folder;
  const std::string log = folder / "log";
  ASSERT_TRUE(keep_torn(log, "one"));
  faults().disk_bytes_left = 3;
  EXPECT_FALSE(keep_torn(log, "four"));
  EXPECT_EQ(file_bytes(torn_path(log)), "one\n");
}

}  // namespace
}  // namespace paystats::log
